"""The pixels of a tile, from the rasters that lie under it. Nearest neighbour always: class pixels are never mixed."""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np

from app.definitions import Grid
from app.errors import RasterUnreadable
from app.tiling import handles
from app.tiling.grids import Rectangle, TileGrid, aligned, level_for
from app.tiling.rasters import Band
from app.tiling.reproject import bounds_in, raster_positions

_BUDGET_PX = 1 << 22
"""Most pixels read from one raster for one tile: sixty-four times its own. Files with overviews stay far below."""


def read_tile(tile: TileGrid, rasters: Iterable[tuple[Band, Grid]]) -> np.ndarray:
    """(px, px) uint8 values of a tile, 0 where no raster has data; of rasters that overlap, the first with data shows.

    Raises RasterUnreadable if one of them cannot be read: a hole that looks like nodata would be a wrong map.
    """
    picture: np.ndarray | None = None
    for band, grid in rasters:
        covered = _covered(tile, grid)
        if covered is None:
            continue
        values = _read_aligned(tile, band, grid)
        if values is None:
            values = _read_gathered(tile, covered, band, grid)
        if values is None:
            continue
        picture = values if picture is None else np.where(picture == 0, values, picture)
        if picture.all():
            break
    return np.zeros((tile.px, tile.px), np.uint8) if picture is None else picture


def _covered(tile: TileGrid, grid: Grid) -> Rectangle | None:
    """The pixels of the tile that a raster may cover."""
    left, bottom, right, top = bounds_in(grid, tile.epsg)
    column, row = math.floor((left - tile.left) / tile.cell_size), math.floor((tile.top - top) / tile.cell_size)
    beyond_column = math.ceil((right - tile.left) / tile.cell_size)
    beyond_row = math.ceil((tile.top - bottom) / tile.cell_size)
    return Rectangle(column, row, beyond_column - column, beyond_row - row).clipped(tile.px, tile.px)


def _read_aligned(tile: TileGrid, band: Band, grid: Grid) -> np.ndarray | None:
    """The tile where its pixels are pixels of the raster or of one of its overviews: one read, no arithmetic."""
    found = aligned(tile, grid, handles.factors(band))
    if found is None:
        return None
    level, pixels = found
    inside = pixels.clipped(*handles.level_size(band, level))
    if inside is None:
        return None
    values = handles.read(band, level, inside)
    if inside == pixels:
        return values
    picture = np.zeros((tile.px, tile.px), np.uint8)
    row, column = inside.row - pixels.row, inside.column - pixels.column
    picture[row : row + inside.height, column : column + inside.width] = values
    return picture


def _read_gathered(tile: TileGrid, covered: Rectangle, band: Band, grid: Grid) -> np.ndarray | None:
    """The tile by nearest neighbour: each pixel takes the raster pixel under its centre."""
    columns, rows = raster_positions(
        tile.epsg,
        tile.left + covered.column * tile.cell_size,
        tile.top - covered.row * tile.cell_size,
        tile.cell_size,
        covered.width,
        covered.height,
        grid,
    )
    level = level_for(handles.factors(band), _pixel_ratio(columns, rows))
    width, height = handles.level_size(band, level)
    columns *= width / grid.width
    rows *= height / grid.height
    first_column, first_row = math.floor(columns.min()), math.floor(rows.min())
    window = Rectangle(
        first_column,
        first_row,
        math.floor(columns.max()) - first_column + 1,
        math.floor(rows.max()) - first_row + 1,
    ).clipped(width, height)
    if window is None:
        return None
    if window.width * window.height > _BUDGET_PX:
        raise RasterUnreadable("a raster of this layer has no overviews: it must be published again")
    source = handles.read(band, level, window)
    # OpenCV rounds to the nearest index, ours is the floor: half a pixel between the two.
    values = cv2.remap(
        source,
        (columns - (window.column + 0.5)).astype(np.float32),
        (rows - (window.row + 0.5)).astype(np.float32),
        cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    if covered.width == covered.height == tile.px:
        return values
    picture = np.zeros((tile.px, tile.px), np.uint8)
    picture[covered.row : covered.row + covered.height, covered.column : covered.column + covered.width] = values
    return picture


def _pixel_ratio(columns: np.ndarray, rows: np.ndarray) -> float:
    """Raster pixels per tile pixel, the smaller of both directions; 1 where there is a single pixel to judge by."""
    height, width = columns.shape
    steps = []
    if width > 1:
        steps.append(math.hypot(columns[0, -1] - columns[0, 0], rows[0, -1] - rows[0, 0]) / (width - 1))
    if height > 1:
        steps.append(math.hypot(columns[-1, 0] - columns[0, 0], rows[-1, 0] - rows[0, 0]) / (height - 1))
    return min(steps, default=1.0)
