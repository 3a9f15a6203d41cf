"""What holds for any tile of any set: its place, and the same bytes at every address that names it."""

from __future__ import annotations

from functools import cache

import morecantile
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.definitions.tile_matrix_set import tile_matrix_set, tile_matrix_sets
from app.tiling import tile_grid

SETS = sorted(tile_matrix_sets())
FROM_MEMORY = settings(deadline=None, max_examples=200, derandomize=True, database=None)
OVER_HTTP = settings(
    deadline=None,
    max_examples=60,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@cache
def _independent(tms_id: str) -> morecantile.TileMatrixSet:
    return morecantile.TileMatrixSet.model_validate(tile_matrix_set(tms_id).document)


@st.composite
def tiles(draw: st.DrawFn) -> tuple[str, int, int, int]:
    """(set, z, x, y) of a tile that exists."""
    tms = tile_matrix_set(draw(st.sampled_from(SETS)))
    matrix = draw(st.sampled_from(tms.matrices))
    x, y = draw(st.integers(0, matrix.width - 1)), draw(st.integers(0, matrix.height - 1))
    return tms.id, int(matrix.id), x, y


@FROM_MEMORY
@given(tiles())
def test_a_tile_lies_where_an_independent_reader_puts_it(tile: tuple[str, int, int, int]) -> None:
    tms_id, z, x, y = tile

    grid = tile_grid(tms_id, z, x, y)

    expected = _independent(tms_id).xy_bounds(morecantile.Tile(x, y, z))
    # A thousandth of a pixel.
    assert grid.bounds == pytest.approx(tuple(expected), rel=0, abs=1e-3 * grid.cell_size)


@FROM_MEMORY
@given(tiles())
def test_neighbours_share_their_edge_exactly(tile: tuple[str, int, int, int]) -> None:
    tms_id, z, x, y = tile
    matrix = tile_matrix_set(tms_id).matrix(str(z))
    here = tile_grid(tms_id, z, x, y)

    if x + 1 < matrix.width:
        assert abs(tile_grid(tms_id, z, x + 1, y).left - here.bounds[2]) < 1e-6 * here.cell_size * here.px
    if y + 1 < matrix.height:
        assert abs(tile_grid(tms_id, z, x, y + 1).top - here.bounds[1]) < 1e-6 * here.cell_size * here.px


@FROM_MEMORY
@given(tiles())
def test_four_tiles_of_the_next_level_make_one(tile: tuple[str, int, int, int]) -> None:
    tms_id, z, x, y = tile
    finer = {matrix.id: matrix for matrix in tile_matrix_set(tms_id).matrices}.get(str(z + 1))
    # National sets end where the country does, at any level: a tile at their edge may be half a tile finer down.
    assume(finer is not None and finer.holds(2 * x + 1, 2 * y + 1))
    whole = tile_grid(tms_id, z, x, y)

    first, last = tile_grid(tms_id, z + 1, 2 * x, 2 * y), tile_grid(tms_id, z + 1, 2 * x + 1, 2 * y + 1)

    joined = (first.left, last.bounds[1], last.bounds[2], first.top)
    assert joined == pytest.approx(whole.bounds, rel=0, abs=1e-3 * whole.cell_size)


@st.composite
def tiles_of_the_town(draw: st.DrawFn) -> tuple[int, int, int]:
    """(z, x, y) of a Web Mercator tile of the levels that WMTS has, over the town or near it."""
    z = draw(st.integers(6, 19))
    lon, lat = draw(st.floats(3.2580, 3.2615)), draw(st.floats(43.5605, 43.5632))
    tile = morecantile.tms.get("WebMercatorQuad").tile(lon, lat, z)
    return z, tile.x, tile.y


@OVER_HTTP
@given(tile=tiles_of_the_town(), style=st.sampled_from(["normal", "confidence"]))
def test_every_door_gives_the_same_bytes(published: TestClient, tile: tuple[int, int, int], style: str) -> None:
    z, x, y = tile
    xyz = published.get(f"/tiles/town/{z}/{x}/{y}.png", params={"style": style})
    ogc = published.get(f"/api/collections/town/map/tiles/WebMercatorQuad/{z}/{y}/{x}", params={"style": style})
    rest = published.get(f"/wmts/1.0.0/town/{style}/PM_6_19/{z}/{y}/{x}.png")
    pairs = published.get(
        "/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=town&FORMAT=image/png&TILEMATRIXSET=PM_6_19"
        f"&STYLE={style}&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}"
    )

    assert xyz.status_code == ogc.status_code
    assert xyz.content == ogc.content
    assert rest.content == pairs.content
    if xyz.status_code == 200:
        assert rest.content == xyz.content
    else:
        assert xyz.status_code == 204
