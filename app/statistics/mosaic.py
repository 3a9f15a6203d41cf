"""Class values of several rasters on the pixels of one grid, at full resolution."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from app.definitions import Grid
from app.tiling import RasterRef, handles
from app.tiling.grids import Rectangle
from app.tiling.reproject import raster_positions

# Of a pixel: corners are sums of decimal fractions.
_SAME_PIXEL = 1e-3


def read_onto(grid: Grid, rasters: Iterable[RasterRef]) -> np.ndarray:
    """(height, width) uint8 class values, 0 where no raster has data; of those that overlap, the first with data.

    Pixels of a raster on the grid's own lattice are copied; of any other, the one that holds the centre of the grid's
    pixel is taken (nearest neighbour). Raises RasterUnreadable.
    """
    values: np.ndarray | None = None
    for raster in rasters:
        offset = lattice_offset(grid, raster.grid)
        more = _gathered(grid, raster) if offset is None else _copied(grid, raster, *offset)
        if more is not None:
            values = more if values is None else np.where(values == 0, more, values)
    return np.zeros((grid.height, grid.width), np.uint8) if values is None else values


def cover(grid: Grid, rasters: Iterable[RasterRef]) -> np.ndarray:
    """(height, width) bool: where the centre of the grid's pixel lies on one of the rasters, data or not."""
    covered = np.zeros((grid.height, grid.width), bool)
    for raster in rasters:
        columns, rows = _positions(grid, raster)
        covered |= (columns >= 0) & (columns < raster.width) & (rows >= 0) & (rows < raster.height)
    return covered


def lattice_offset(grid: Grid, raster: Grid) -> tuple[int, int] | None:
    """Column and row in the raster of the grid's first pixel; None where their pixels do not coincide."""
    if grid.epsg != raster.epsg or grid.resolution_m != raster.resolution_m:
        return None
    column = (grid.left - raster.left) / raster.resolution_m
    row = (raster.top - grid.top) / raster.resolution_m
    if abs(column - round(column)) > _SAME_PIXEL or abs(row - round(row)) > _SAME_PIXEL:
        return None
    return round(column), round(row)


def _copied(grid: Grid, raster: RasterRef, column: int, row: int) -> np.ndarray | None:
    asked = Rectangle(column, row, grid.width, grid.height)
    there = asked.clipped(raster.width, raster.height)
    if there is None:
        return None
    found = handles.read(raster.classes, handles.FULL_RESOLUTION, there)
    if there == asked:
        return found
    values = np.zeros((grid.height, grid.width), np.uint8)
    top, left = there.row - row, there.column - column
    values[top : top + there.height, left : left + there.width] = found
    return values


def _gathered(grid: Grid, raster: RasterRef) -> np.ndarray | None:
    columns, rows = _positions(grid, raster)
    first_column, first_row = int(np.floor(columns.min())), int(np.floor(rows.min()))
    window = Rectangle(
        first_column,
        first_row,
        int(np.floor(columns.max())) - first_column + 1,
        int(np.floor(rows.max())) - first_row + 1,
    ).clipped(raster.width, raster.height)
    if window is None:
        return None
    # OpenCV rounds to the nearest index, ours is the floor: half a pixel between the two.
    values: np.ndarray = cv2.remap(
        handles.read(raster.classes, handles.FULL_RESOLUTION, window),
        (columns - (window.column + 0.5)).astype(np.float32),
        (rows - (window.row + 0.5)).astype(np.float32),
        cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    return values


def _positions(grid: Grid, raster: RasterRef) -> tuple[np.ndarray, np.ndarray]:
    """Column and row in the raster of each pixel centre of the grid: two (height, width) float64."""
    return raster_positions(grid.epsg, grid.left, grid.top, grid.resolution_m, grid.width, grid.height, raster.grid)
