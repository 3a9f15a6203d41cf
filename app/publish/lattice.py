"""Where the pixels of a layer's overview lie: a lattice that depends on the CRS and the pixel size alone."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import shapely

from app.database import LayerOverviewRow, RasterRow
from app.definitions import Grid

WINDOW_PX = 512
"""Corners of overviews lie on every 512th line of the lattice; they are drawn in squares of that side."""
_COARSEST = 128
"""25.6 m for the official product: 1000 km × 1000 km are 39 000 × 39 000 pixels, most of them sea."""
_TILE_PX = 256
_SIDES_PER_TILE = 2.0


def grid_of(row: RasterRow | LayerOverviewRow) -> Grid:
    return Grid(row.epsg, row.left, row.top, row.resolution_m, row.width, row.height)


def overview_factor(grids: Sequence[Grid]) -> int:
    """How many raster pixels make a side of a pixel of the overview: a power of two, 128 at most.

    Such that a tile of pixels just too fine for the overview is at most two rasters long: it touches nine at most.
    """
    side_px = statistics.median(min(grid.width, grid.height) for grid in grids)
    factor = math.floor(_SIDES_PER_TILE * side_px / _TILE_PX)
    return max(2, min(_COARSEST, 1 << max(0, factor.bit_length() - 1)))


def lattice_grid(grids: Sequence[Grid]) -> Grid:
    """The grid of the overview of rasters on those grids, which share CRS and resolution."""
    resolution_m = grids[0].resolution_m * overview_factor(grids)
    side_m = WINDOW_PX * resolution_m
    left, bottom, right, top = shapely.total_bounds([shapely.box(*grid.bounds) for grid in grids]).tolist()
    # A millionth of a pixel: a corner that lies on a line but for rounding lies on it.
    slack = 1e-6 / WINDOW_PX
    first_column, last_column = math.floor(left / side_m + slack), math.ceil(right / side_m - slack)
    first_row, last_row = math.floor(-top / side_m + slack), math.ceil(-bottom / side_m - slack)
    return Grid(
        grids[0].epsg,
        first_column * side_m,
        -first_row * side_m,
        resolution_m,
        (last_column - first_column) * WINDOW_PX,
        (last_row - first_row) * WINDOW_PX,
    )
