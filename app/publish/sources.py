"""What a file given to be published is, whatever its format: classes on a grid, read row by row from the north."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

import numpy as np
from rasterio.crs import CRS

from app.definitions import Grid, prediction_grid
from app.definitions.grid import prediction_crs
from app.definitions.projection import prediction_epsg
from app.errors import RasterRefused

_TOUCH_PX = 1e-3
"""Corners and sizes nearer than this are the same: what parts them is rounding."""


class Source(Protocol):
    """A checked file. Reading opens it and closes it again, so that a layer may have thousands."""

    @property
    def name(self) -> str:
        """The file's name; messages never show its folder."""
        ...

    @property
    def grid(self) -> Grid: ...

    @property
    def has_confidence(self) -> bool: ...

    @property
    def identity(self) -> str:
        """Equal identities on equal grids mean equal classes."""
        ...

    @property
    def rows_at_once(self) -> int:
        """How many rows the file likes to be read by."""
        ...

    @property
    def without_class(self) -> Counter[int]:
        """Number in the file -> pixels read so far that stand for no class and became nodata."""
        ...

    def classes(self, row: int, height: int) -> np.ndarray:
        """(height, width) uint8 class values of some rows. Raises RasterRefused."""
        ...

    def confidence(self, row: int, height: int) -> np.ndarray:
        """(height, width) uint8, 255 = certain, 0 = nodata. Raises RasterRefused."""
        ...


def projected_epsg(crs: CRS | None, name: str) -> int:
    """The EPSG code of a projected CRS in metres; also where it is written without its name. Raises RasterRefused."""
    found: int | None = None
    if crs:
        found = crs.to_epsg() or prediction_epsg(crs.to_wkt())
    if crs is None or found is None or not crs.is_projected or crs.linear_units_factor[1] != 1.0:
        raise RasterRefused(f"{name}: its CRS must be a projected one in metres with an EPSG code, such as EPSG:2154")
    return found


def snapped(grid: Grid) -> Grid:
    """The same pixels, corner and resolution exact where only rounding parts them from the prediction grid."""
    if grid.epsg not in prediction_crs():
        return grid
    prediction = prediction_grid(grid.epsg)
    pixel = prediction.resolution_m
    column, row = (grid.left - prediction.origin_x) / pixel, (prediction.origin_y - grid.top) / pixel
    drift_px = abs(grid.resolution_m / pixel - 1) * max(grid.width, grid.height)
    if drift_px > _TOUCH_PX or abs(column - round(column)) > _TOUCH_PX or abs(row - round(row)) > _TOUCH_PX:
        return grid
    left, top = prediction.origin_x + round(column) * pixel, prediction.origin_y - round(row) * pixel
    return Grid(grid.epsg, left, top, pixel, grid.width, grid.height)
