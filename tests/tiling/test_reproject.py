"""Interpolated positions against exact PROJ."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import Transformer

from app.definitions import Grid
from app.definitions.tile_matrix_set import tile_matrix_set
from app.tiling.grids import tile_grid
from app.tiling.reproject import bounds_in, raster_positions

CORNERS = {"Brest": (-4.8, 48.4), "Dunkerque": (2.4, 51.05), "Nice": (7.6, 43.7), "Corse": (9.4, 41.4)}
QUARTER_PX = 0.25


def _raster_at(lon: float, lat: float, side_px: int, epsg: int = 2154) -> Grid:
    x, y = Transformer.from_crs(4326, epsg, always_xy=True).transform(lon, lat)
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


def test_bounds_follow_the_edges_and_not_only_the_corners() -> None:
    # A parallel is curved in Lambert-93: the north edge of a wide raster reaches further north than its corners.
    raster = Grid(2154, 300_000.0, 7_000_000.0, 200.0, 4000, 100)
    to_lonlat = Transformer.from_crs(2154, 4326, always_xy=True)
    corner_lat = max(to_lonlat.transform(x, raster.top)[1] for x in (raster.left, raster.bounds[2]))

    assert bounds_in(raster, 4326)[3] > corner_lat + 0.01
