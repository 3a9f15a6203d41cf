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
from app.tiling.reproject import bounds_in, pixel_size, positions_in

PIXEL_BUDGET = 1 << 22
"""Most pixels read for one tile: sixty-four times its own. Layers with overviews stay far below.

The one limit of what a request for a tile can cost, whatever its zoom, its place and the number of its rasters.
"""

_INDEX_MAX = 32_000
"""Longest side of what is gathered from, pixels: OpenCV's indices have 16 bits."""

_NO_MAP = np.empty(0, np.int16)
"""In the place of a second map, which OpenCV takes for fractions only."""

_Part = tuple[Band, Grid, Rectangle]
"""A raster, and the pixels of the tile that it may cover."""


def read_tile(tile: TileGrid, rasters: Iterable[tuple[Band, Grid]]) -> np.ndarray:
    """(px, px) uint8 values of a tile, 0 where no raster has data; of rasters that overlap, the first with data shows.

    Raises RasterUnreadable if one of them cannot be read (a hole that looks like nodata would be a wrong map), or if
    they are more than the pixel budget.
    """
    parts = [(band, grid, part) for band, grid in rasters if (part := covered(tile, grid)) is not None]
    positions = _Positions(tile, parts)
    left_px = PIXEL_BUDGET
    picture: np.ndarray | None = None
    for band, grid, part in parts:
        values, read_px = _read_aligned(tile, band, grid) or _read_gathered(positions, part, band, grid, left_px)
        left_px -= read_px
        if values is None:
            continue
        picture = values if picture is None else np.where(picture == 0, values, picture)
        if picture.all():
            break
    return np.zeros((tile.px, tile.px), np.uint8) if picture is None else picture


def covered(tile: TileGrid, grid: Grid) -> Rectangle | None:
    """The pixels of the tile that a raster may cover."""
    left, bottom, right, top = bounds_in(grid, tile.epsg)
    column, row = math.floor((left - tile.left) / tile.cell_size), math.floor((tile.top - top) / tile.cell_size)
    beyond_column = math.ceil((right - tile.left) / tile.cell_size)
    beyond_row = math.ceil((tile.top - bottom) / tile.cell_size)
    return Rectangle(column, row, beyond_column - column, beyond_row - row).clipped(tile.px, tile.px)


class _Positions:
    """Where the pixels of a tile lie in the CRS of its rasters: found once for all rasters of a CRS.

    So two rasters that touch agree to which of them a pixel on their border belongs, and none is left between them.
    """

    def __init__(self, tile: TileGrid, parts: Iterable[_Part]) -> None:
        self.tile = tile
        self._areas: dict[int, Rectangle] = {}
        for _, grid, part in parts:
            known = self._areas.get(grid.epsg)
            self._areas[grid.epsg] = part if known is None else known.united(part)
        self._found: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def of(self, epsg: int, part: Rectangle) -> tuple[np.ndarray, np.ndarray]:
        """x and y of the pixels of a part of the tile, metres: two (height, width) float64."""
        area, tile = self._areas[epsg], self.tile
        if epsg not in self._found:
            left, top = tile.left + area.column * tile.cell_size, tile.top - area.row * tile.cell_size
            self._found[epsg] = positions_in(epsg, tile.epsg, left, top, tile.cell_size, area.width, area.height)
        xs, ys = self._found[epsg]
        row, column = part.row - area.row, part.column - area.column
        window = np.s_[row : row + part.height, column : column + part.width]
        return xs[window], ys[window]


def _read_aligned(tile: TileGrid, band: Band, grid: Grid) -> tuple[np.ndarray | None, int] | None:
    """The tile where its pixels are pixels of the raster or of one of its overviews: one read, no arithmetic.

    Gives the tile (None where the raster has nothing of it) and the pixels read; None where they do not coincide.
    """
    found = aligned(tile, grid, handles.factors(band))
    if found is None:
        return None
    level, pixels = found
    inside = pixels.clipped(*handles.level_size(band, level))
    if inside is None:
        return None, 0
    values = handles.read(band, level, inside)
    if inside == pixels:
        return values, values.size
    row, column = inside.row - pixels.row, inside.column - pixels.column
    return _placed(values, tile.px, column, row), values.size


def _read_gathered(
    positions: _Positions, part: Rectangle, band: Band, grid: Grid, budget_px: int
) -> tuple[np.ndarray | None, int]:
    """The tile by nearest neighbour: each pixel takes the raster pixel under its centre. Gives the pixels read, too."""
    xs, ys = positions.of(grid.epsg, part)
    factors = handles.factors(band)
    level = level_for(factors, _pixel_ratio(xs, ys, grid))
    width, height = handles.level_size(band, level)
    factor = 1 if level == handles.FULL_RESOLUTION else factors[level]
    columns = (xs - grid.left) / (factor * grid.resolution_m)
    rows = (grid.top - ys) / (factor * grid.resolution_m)
    # The last pixel of an overview may reach beyond the raster; what lies there is the neighbour's.
    if grid.width % factor:
        columns[columns >= grid.width / factor] = width
    if grid.height % factor:
        rows[rows >= grid.height / factor] = height
    first_column, first_row = math.floor(columns.min()), math.floor(rows.min())
    window = Rectangle(
        first_column,
        first_row,
        math.floor(columns.max()) - first_column + 1,
        math.floor(rows.max()) - first_row + 1,
    ).clipped(width, height)
    if window is None:
        return None, 0
    read_px = window.width * window.height
    if read_px > budget_px or max(window.width, window.height) > _INDEX_MAX:
        raise RasterUnreadable("a raster of this layer has no overviews: it must be published again")
    indices = np.empty((*xs.shape, 2), np.int16)
    indices[..., 0] = _indices(columns, window.column, window.width)
    indices[..., 1] = _indices(rows, window.row, window.height)
    indices -= 1
    source = handles.read(band, level, window)
    values = cv2.remap(source, indices, _NO_MAP, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return _placed(values, positions.tile.px, part.column, part.row), read_px


def _indices(places: np.ndarray, first: int, count: int) -> np.ndarray:
    """1 to `count` for pixel `first` and those after it, 0 before and `count + 1` beyond; `places` is used up.

    Still fractions, to be cut off: from 0 on, that is the pixel in which a place lies. OpenCV would round them, in
    single precision, and two rasters that touch could both leave a place on their border to the other.
    """
    places -= first - 1
    return np.clip(places, 0, count + 1, out=places)


def _placed(values: np.ndarray, px: int, column: int, row: int) -> np.ndarray:
    """Values at their place in a tile that is empty elsewhere."""
    if values.shape == (px, px):
        return values
    picture = np.zeros((px, px), np.uint8)
    picture[row : row + values.shape[0], column : column + values.shape[1]] = values
    return picture


def _pixel_ratio(xs: np.ndarray, ys: np.ndarray, grid: Grid) -> float:
    """Raster pixels per tile pixel; 1 where there is a single pixel to judge by."""
    ratio = pixel_size(xs, ys) / grid.resolution_m
    return ratio if math.isfinite(ratio) else 1.0
