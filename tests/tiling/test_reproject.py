"""Interpolated positions against exact PROJ."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from app.definitions import Grid
from app.definitions.tile_matrix_set import tile_matrix_set
from app.tiling.grids import tile_grid
from app.tiling.read import covered
from app.tiling.reproject import bounds_in, raster_positions

CORNERS = {"Brest": (-4.8, 48.4), "Dunkerque": (2.4, 51.05), "Nice": (7.6, 43.7), "Corse": (9.4, 41.4)}
QUARTER_PX = 0.25


@lru_cache
def _transformer(from_epsg: int, to_epsg: int) -> Transformer:
    return Transformer.from_crs(from_epsg, to_epsg, always_xy=True)


def _raster_at(lon: float, lat: float, side_px: int, epsg: int = 2154) -> Grid:
    x, y = _transformer(4326, epsg).transform(lon, lat)
    return Grid(epsg, round(x, -3), round(y, -3), 0.2, side_px, side_px)


def _error_px(tms_id: str, z: int, raster: Grid) -> float:
    """Largest distance to the exact position over a tile in the raster's middle, in pixels of the tile."""
    tms = tile_matrix_set(tms_id)
    matrix = tms.matrix(str(z))
    column, row, last_column, last_row = matrix.limits(bounds_in(raster, tms.epsg))
    tile = tile_grid(tms_id, z, (column + last_column) // 2, (row + last_row) // 2)
    columns, rows = raster_positions(tile.epsg, tile.left, tile.top, tile.cell_size, tile.px, tile.px, raster)
    centres = (np.arange(tile.px) + 0.5) * tile.cell_size
    xs, ys = np.meshgrid(tile.left + centres, tile.top - centres)
    exact_x, exact_y = Transformer.from_crs(tile.epsg, raster.epsg, always_xy=True).transform(xs, ys)
    exact_columns, exact_rows = (exact_x - raster.left) / 0.2, (raster.top - exact_y) / 0.2
    tile_pixel = np.hypot(exact_columns[0, 1] - exact_columns[0, 0], exact_rows[0, 1] - exact_rows[0, 0])
    return float(np.hypot(columns - exact_columns, rows - exact_rows).max() / tile_pixel)


@pytest.mark.parametrize("place", CORNERS)
@pytest.mark.parametrize("z", [5, 8, 12, 15, 17, 19])
def test_positions_are_exact_at_the_corners_of_france(place: str, z: int) -> None:
    assert _error_px("WebMercatorQuad", z, _raster_at(*CORNERS[place], 50_000)) < QUARTER_PX


@pytest.mark.parametrize(("lon", "lat", "epsg"), [(55.5, -21.1, 2975), (-52.6, 4.2, 2972), (45.15, -12.8, 4471)])
@pytest.mark.parametrize("z", [6, 12, 18])
def test_positions_are_exact_in_overseas_zones(lon: float, lat: float, epsg: int, z: int) -> None:
    assert _error_px("WebMercatorQuad", z, _raster_at(lon, lat, 50_000, epsg)) < QUARTER_PX


@pytest.mark.parametrize("z", [5, 10, 14, 18])
def test_positions_are_exact_from_geographic_tiles(z: int) -> None:
    assert _error_px("4326_5_18", z, _raster_at(*CORNERS["Brest"], 50_000)) < QUARTER_PX


# Central places of the territories and places on the edges of their UTM zones, where a transverse Mercator bends most:
# zone 20 ends at 66 and 60 degrees west, 22 at 54 and 48 west, 40 at 54 and 60 east, 38 at 42 and 48 east.
PLACES = [
    (2154, *CORNERS["Brest"]), (2154, *CORNERS["Dunkerque"]), (2154, *CORNERS["Nice"]), (2154, *CORNERS["Corse"]),
    (5490, -61.5, 16.2), (5490, -65.99, 18.0), (5490, -60.01, 14.4),
    (2972, -52.6, 4.2), (2972, -53.99, 2.2), (2972, -48.01, 5.7),
    (2975, 55.5, -21.1), (2975, 54.01, -21.4), (2975, 59.99, -20.9),
    (4471, 45.15, -12.8), (4471, 42.01, -13.0), (4471, 47.99, -12.6),
    (4467, -56.3, 46.9),
]  # fmt: skip
SETS = {"WebMercatorQuad": (0, 20), "4326_5_18": (5, 18)}


@given(place=st.sampled_from(PLACES), tms_id=st.sampled_from(sorted(SETS)), data=st.data())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_positions_are_exact_wherever_a_raster_lies_and_however_coarse_the_tile(
    place: tuple[int, float, float], tms_id: str, data: st.DataObject
) -> None:
    epsg, lon, lat = place
    z = data.draw(st.integers(*SETS[tms_id]))
    raster = _raster_at(lon, lat, data.draw(st.sampled_from([256, 2048, 50_000])), epsg)
    tms = tile_matrix_set(tms_id)
    left, top, right, bottom = tms.matrix(str(z)).limits(bounds_in(raster, tms.epsg))
    tile = tile_grid(tms_id, z, data.draw(st.integers(left, right)), data.draw(st.integers(top, bottom)))
    part = covered(tile, raster)
    assume(part is not None)
    assert part is not None

    corner = (tile.left + part.column * tile.cell_size, tile.top - part.row * tile.cell_size)
    columns, rows = raster_positions(tile.epsg, *corner, tile.cell_size, part.width, part.height, raster)

    centres_x = corner[0] + tile.cell_size * (np.arange(part.width) + 0.5)
    centres_y = corner[1] - tile.cell_size * (np.arange(part.height) + 0.5)
    to_raster = _transformer(tile.epsg, epsg)
    exact_x, exact_y = to_raster.transform(*np.meshgrid(centres_x, centres_y))
    # A tile pixel, in raster pixels: the shorter way from the first centre to where the next one would be.
    steps = to_raster.transform(
        centres_x[0] + tile.cell_size * np.array([0, 1, 0]), centres_y[0] - tile.cell_size * np.array([0, 0, 1])
    )
    pixel = min(np.hypot(*(axis[i] - axis[0] for axis in steps)) / 0.2 for i in (1, 2))
    error = np.hypot(columns - (exact_x - raster.left) / 0.2, rows - (raster.top - exact_y) / 0.2)
    assert error.max() / pixel < QUARTER_PX


@given(place=st.sampled_from(PLACES), data=st.data())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_the_covered_part_of_a_tile_leaves_out_no_pixel_of_the_raster(
    place: tuple[int, float, float], data: st.DataObject
) -> None:
    epsg, lon, lat = place
    tms_id = data.draw(st.sampled_from(sorted(SETS)))
    z = data.draw(st.integers(*SETS[tms_id]))
    side_px = data.draw(st.sampled_from([256, 50_000, 1_500_000]))  # 300 km: a whole territory as one overview
    raster = _raster_at(lon, lat, side_px, epsg)
    along = np.linspace(0, side_px, 257) * 0.2
    edge_x = raster.left + np.concatenate([along, along, np.zeros(257), np.full(257, along[-1])])
    edge_y = raster.top - np.concatenate([np.zeros(257), np.full(257, along[-1]), along, along])
    tms = tile_matrix_set(tms_id)
    xs, ys = _transformer(epsg, tms.epsg).transform(edge_x, edge_y)

    for x, y in list(zip(xs, ys, strict=True))[:: len(xs) // 16]:
        matrix = tms.matrix(str(z))
        column, row, _, _ = matrix.limits((x, y, x, y))
        tile = tile_grid(tms_id, z, column, row)
        part = covered(tile, raster)
        inside = (xs >= tile.bounds[0]) & (xs < tile.bounds[2]) & (ys > tile.bounds[1]) & (ys <= tile.bounds[3])
        pixel_x = np.floor((xs[inside] - tile.left) / tile.cell_size)
        pixel_y = np.floor((tile.top - ys[inside]) / tile.cell_size)
        if inside.any():
            assert part is not None
            # A point on the very edge may round to the pixel before.
            assert pixel_x.min() >= part.column - 1
            assert pixel_x.max() <= part.column + part.width
            assert pixel_y.min() >= part.row - 1
            assert pixel_y.max() <= part.row + part.height


def test_where_a_polynomial_is_not_good_enough_every_pixel_is_asked() -> None:
    # The whole world seen from one UTM zone: no polynomial follows that, and most of it has no position at all.
    raster = _raster_at(-61.5, 16.2, 2048, 5490)
    tile = tile_grid("WebMercatorQuad", 0, 0, 0)

    columns, rows = raster_positions(tile.epsg, tile.left, tile.top, tile.cell_size, tile.px, tile.px, raster)

    lon, lat = -61.5, 16.2
    x, y = Transformer.from_crs(4326, 3857, always_xy=True).transform(lon, lat)
    column, row = int((x - tile.left) / tile.cell_size), int((tile.top - y) / tile.cell_size)
    exact_x, exact_y = Transformer.from_crs(3857, 5490, always_xy=True).transform(
        tile.left + (column + 0.5) * tile.cell_size, tile.top - (row + 0.5) * tile.cell_size
    )
    assert columns[row, column] == pytest.approx((exact_x - raster.left) / 0.2)
    assert rows[row, column] == pytest.approx((raster.top - exact_y) / 0.2)
    assert np.isfinite(columns).all()
    assert np.isfinite(rows).all()


def test_a_place_that_the_projection_does_not_know_is_outside_of_the_raster() -> None:
    raster = _raster_at(-61.5, 16.2, 2048, 5490)
    # A quarter round the earth from the zone's middle, where its projection ends.
    columns, rows = raster_positions(4326, 27.0, 1.0, 0.5, 4, 4, raster)

    outside = (columns < 0) | (rows < 0) | (columns >= raster.width) | (rows >= raster.height)
    assert outside.all()


def test_bounds_follow_the_edges_and_not_only_the_corners() -> None:
    # A parallel is curved in Lambert-93: the north edge of a wide raster reaches further north than its corners.
    raster = Grid(2154, 300_000.0, 7_000_000.0, 200.0, 4000, 100)
    to_lonlat = Transformer.from_crs(2154, 4326, always_xy=True)
    corner_lat = max(to_lonlat.transform(x, raster.top)[1] for x in (raster.left, raster.bounds[2]))

    assert bounds_in(raster, 4326)[3] > corner_lat + 0.01
