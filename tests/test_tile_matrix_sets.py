"""Every tile matrix set against morecantile, an independent reader of the same standard."""

from __future__ import annotations

import math

import morecantile
import pytest
from pyproj import Transformer

from app.definitions import BlockCell, prediction_grid
from app.definitions.grid import prediction_crs
from app.definitions.tile_matrix_set import TileMatrixSet, tile_matrix_set, tile_matrix_sets
from app.errors import Unknown

TRUNCATED = {epsg: f"{epsg}_10cm_{'7' if epsg == 2154 else '10'}_20" for epsg in prediction_crs()}
SETS = list(tile_matrix_sets().values())
METRES_PER_DEGREE = 111319.49079327358  # OGC 17-083r4, 6.1.1: of the WGS 84 equator


@pytest.mark.parametrize("tms", SETS, ids=lambda tms: tms.id)
def test_tiles_lie_where_an_independent_reader_puts_them(tms: TileMatrixSet) -> None:
    other = morecantile.TileMatrixSet.model_validate(tms.document)

    for matrix in tms.matrices:
        column, row = matrix.width - 1, matrix.height // 2
        expected = tuple(other.xy_bounds(morecantile.Tile(column, row, int(matrix.id))))
        assert matrix.bounds(column, row) == pytest.approx(expected, rel=1e-12, abs=1e-6)


@pytest.mark.parametrize("tms", SETS, ids=lambda tms: tms.id)
def test_scales_follow_from_the_cell_sizes(tms: TileMatrixSet) -> None:
    metres_per_unit = METRES_PER_DEGREE if tms.latitude_first else 1.0

    for matrix in tms.matrices:
        # A pixel of 0.28 mm (OGC 17-083r4, 6.1.1).
        assert matrix.scale_denominator == pytest.approx(matrix.cell_size * metres_per_unit / 0.00028, rel=1e-12)


@pytest.mark.parametrize("tms", SETS, ids=lambda tms: tms.id)
def test_each_level_halves_the_one_before(tms: TileMatrixSet) -> None:
    for coarse, fine in zip(tms.matrices, tms.matrices[1:], strict=False):
        assert coarse.cell_size == pytest.approx(2 * fine.cell_size, rel=1e-12)
        assert int(fine.id) == int(coarse.id) + 1


@pytest.mark.parametrize(
    ("short", "whole"),
    [("PM_6_19", "WebMercatorQuad"), *((TRUNCATED[epsg], f"{epsg}_10cm") for epsg in prediction_crs())],
)
def test_a_truncated_set_has_the_same_tiles(short: str, whole: str) -> None:
    for matrix in tile_matrix_set(short).matrices:
        assert matrix == tile_matrix_set(whole).matrix(matrix.id)


@pytest.mark.parametrize("epsg", prediction_crs())
def test_level_20_of_a_territorys_set_has_the_pixels_of_the_product(epsg: int) -> None:
    deepest = tile_matrix_set(TRUNCATED[epsg]).matrices[-1]

    assert (deepest.id, deepest.cell_size, deepest.left, deepest.top) == ("20", 0.2, 0.0, 12_000_000.0)


@pytest.mark.parametrize("epsg", prediction_crs())
def test_blocks_are_the_level_17_cells_of_the_territorys_set(epsg: int) -> None:
    level = tile_matrix_set(f"{epsg}_10cm").matrix("17")

    # A block of 2048 px of 0.2 m is a tile of 256 px of 1.6 m.
    expected = prediction_grid(epsg).block(BlockCell(1000, 9000)).bounds
    assert level.bounds(1000, 9000) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("epsg", "place"),
    [
        (2154, (8.5, 42.0)),  # Corse
        (2154, (-5.1, 48.45)),  # Ouessant
        (5490, (-61.15, 18.13)),  # Saint-Martin, west
        (5490, (-60.81, 14.39)),  # Martinique, south-east
        (2972, (-54.6, 2.1)),  # Guyane, south-west
        (2972, (-51.6, 5.9)),  # Guyane, north-east
        (2975, (55.84, -21.4)),  # La Réunion
        (4471, (45.3, -13.0)),  # Mayotte
        (4467, (-56.1, 47.15)),  # Saint-Pierre-et-Miquelon
    ],
)
def test_a_territorys_set_holds_the_whole_territory(epsg: int, place: tuple[float, float]) -> None:
    x, y = Transformer.from_crs(4326, epsg, always_xy=True).transform(*place)
    level = tile_matrix_set(TRUNCATED[epsg]).matrix("20")

    assert level.holds(int(x // 51.2), int((12_000_000 - y) // 51.2))


def test_web_mercator_begins_at_the_edge_of_its_square() -> None:
    matrix = tile_matrix_set("WebMercatorQuad").matrix("0")

    assert matrix.left == pytest.approx(-math.pi * 6378137)
    assert matrix.scale_denominator == pytest.approx(559082264.0287178)


def test_limits_are_the_tiles_that_share_area_with_the_bounds() -> None:
    matrix = tile_matrix_set("2154_10cm").matrix("20")  # tiles of 51.2 m

    # Columns 14080-14081 wholly, nothing of 14082; the same downwards from row 111840.
    assert matrix.limits((720896.0, 6273792.0 - 102.4, 720896.0 + 102.4, 6273792.0)) == (14080, 111840, 14081, 111841)


def test_an_unknown_set_or_level_is_named_with_those_there_are() -> None:
    with pytest.raises(Unknown, match="WebMercatorQuad"):
        tile_matrix_set("nothing")
    with pytest.raises(Unknown, match="6 to 19"):
        tile_matrix_set("PM_6_19").matrix("5")
