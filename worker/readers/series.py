"""A source's Sentinel-2 series on pixels of 10 m that are fixed on the ground.

They are counted from the origin of the prediction grid, in the CRS of the source, so that what a patch is given hangs
on where it lies and on nothing else. Images in that CRS or another are resampled bilinearly and their masks by the
nearest pixel, with weights in fixed point and here: the bytes of GDAL's warper depend on the window that is asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from app.definitions import SERIES_BANDS, SERIES_COVERS, Grid, ImagerySource, prediction_grid
from app.errors import RasterRefused, RasterUnreadable
from app.imagery import Bounds, PixelLayout, SeriesImage
from app.tiling.reproject import transformer
from worker.readers.handles import Handles
from worker.series import PreparedSeries, prepare

PIXEL_M = 10.0
SIDE_PX = 40
"""Of what a network sees around the middle of a patch."""

_MASK_M = 24.0
"""How far the edges of a mask may lie from its image's: a pixel of 20 m and some."""
_ONE = 256  # weights are 8-bit fractions
_EDGE_PX = 1e-3  # a pixel centre on the edge of a file belongs to it in spite of rounding


@dataclass(frozen=True)
class PlaceSeries:
    """All dates of a series around one block.

    first_column, first_row: of its pixels of 10 m, counted from the origin of the source's prediction grid.
    images: (dates, 10, height, width) uint16, reflectance times 10 000. covers: (dates, 2, height, width) uint8,
    probability of snow and of cloud in percent. seen: (dates, height, width) bool, where an image has no gap.
    """

    epsg: int
    first_column: int
    first_row: int
    taken: tuple[date, ...]
    images: np.ndarray
    covers: np.ndarray
    seen: np.ndarray

    def around(self, x_m: float, y_m: float) -> PreparedSeries | None:
        """What a network sees around a place of the block (CRS of the source), or None where no date shows anything.

        The middle is the corner of pixels nearest to the place, as in FLAIR, whose places are whole pixels as well.
        """
        column, row = _first_pixel(self.epsg, x_m, y_m)
        rows = slice(row - self.first_row, row - self.first_row + SIDE_PX)
        columns = slice(column - self.first_column, column - self.first_column + SIDE_PX)
        images, covers, seen = (array[..., rows, columns] for array in (self.images, self.covers, self.seen))
        return prepare(images, covers, self.taken, seen)


class SeriesReader:
    """Reads the images of a source's series; threads share it. images: those that may be needed, in their order."""

    def __init__(self, source: ImagerySource, images: Sequence[SeriesImage], handles: Handles | None = None) -> None:
        self._source = source
        self._images = images
        self._handles = handles or Handles()

    def read(self, block: Grid) -> PlaceSeries:
        """The series around all places of a block without its margin. Raises RasterUnreadable, Unavailable."""
        left, bottom, right, top = block.bounds
        first_column, first_row = _first_pixel(block.epsg, left, top)
        last_column, last_row = _first_pixel(block.epsg, right, bottom)
        x_m, y_m = _middles(
            block.epsg, first_column, first_row, last_column - first_column + SIDE_PX, last_row - first_row + SIDE_PX
        )
        taken = tuple(sorted({image.taken for image in self._images}))
        values = np.zeros((len(taken), len(SERIES_BANDS), *x_m.shape), np.uint16)
        covers = np.zeros((len(taken), len(SERIES_COVERS), *x_m.shape), np.uint8)
        seen = np.zeros((len(taken), *x_m.shape), bool)
        positions: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        for image in self._images:
            if image.epsg not in positions:
                positions[image.epsg] = transformer(block.epsg, image.epsg).transform(x_m, y_m)
            if not image.bounds.meets(_reach(*positions[image.epsg])):
                continue
            day = taken.index(image.taken)
            found = self._read(image, *positions[image.epsg])
            better = found.seen & ~seen[day]  # of images of one day the first that has a pixel gives it
            values[day][:, better] = found.values[:, better]
            covers[day][:, better] = found.covers[:, better]
            seen[day] |= better
        return PlaceSeries(block.epsg, first_column, first_row, taken, values, covers, seen)

    def _read(self, image: SeriesImage, x_m: np.ndarray, y_m: np.ndarray) -> _Found:
        try:
            raster = self._handles.open(image.href, image.bounds)
            values, seen = _bilinear(raster, x_m, y_m)
            mask = self._handles.open(image.mask_href, image.bounds, _MASK_M)
            return _Found(values, _nearest(mask, x_m, y_m), seen)
        except (OSError, RasterioError, RasterRefused) as error:
            self._handles.forget()
            raise RasterUnreadable(
                f"the image of {image.taken} in the series of imagery source {self._source.id}, or its mask, cannot be"
                " read: it is damaged or gone"
            ) from error


class _Found(NamedTuple):
    """What one image holds of a place: as in `PlaceSeries`, of one date."""

    values: np.ndarray
    covers: np.ndarray
    seen: np.ndarray


def around(block: Grid) -> tuple[float, float, float, float]:
    """(left, bottom, right, top) of all that a series tells of the places of a block, in the CRS of the block."""
    left, bottom, right, top = block.bounds
    reach_m = (SIDE_PX // 2 + 1) * PIXEL_M  # the places' middles are moved by half a pixel at most
    return left - reach_m, bottom - reach_m, right + reach_m, top + reach_m


def _first_pixel(epsg: int, x_m: float, y_m: float) -> tuple[int, int]:
    """Column and row of the first of the pixels that a network sees around a place."""
    grid = prediction_grid(epsg)
    column, row = (x_m - grid.origin_x) / PIXEL_M, (grid.origin_y - y_m) / PIXEL_M
    return math.floor(column + 0.5) - SIDE_PX // 2, math.floor(row + 0.5) - SIDE_PX // 2


def _middles(epsg: int, column: int, row: int, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y of the middles of pixels, (height, width) each, metres of that CRS."""
    grid = prediction_grid(epsg)
    x_m = grid.origin_x + (np.arange(column, column + width) + 0.5) * PIXEL_M
    y_m = grid.origin_y - (np.arange(row, row + height) + 0.5) * PIXEL_M
    across, down = np.meshgrid(x_m, y_m)
    return across, down


def _reach(x_m: np.ndarray, y_m: np.ndarray) -> Bounds:
    """What files have to meet to be opened; wider than the places, so that one on a file's edge is not cut off."""
    left, bottom, right, top = x_m.min(), y_m.min(), x_m.max(), y_m.max()
    return Bounds(left - PIXEL_M, bottom - PIXEL_M, right + PIXEL_M, top + PIXEL_M)


def _bilinear(raster: DatasetReader, x_m: np.ndarray, y_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(bands, height, width) uint16 at places of the raster's CRS, and (height, width) bool, where all pixels that
    count are there. A pixel that is 0, or the declared nodata value, in all bands is none.
    """
    values = np.zeros((raster.count, *x_m.shape), np.uint16)
    seen = np.zeros(x_m.shape, bool)
    layout = PixelLayout.of(raster)
    inside, across, down = _inside(layout, x_m, y_m)
    if not inside.any():
        return values, seen
    (left, right, along), (top, bottom, below) = _between(across, layout.width), _between(down, layout.height)
    window = _window(left, right, top, bottom)
    pixels = raster.read(window=window)
    there = (pixels != 0).any(axis=0)
    if raster.nodata is not None:
        there &= (pixels != raster.nodata).any(axis=0)
    left, right = left - window.col_off, right - window.col_off
    top, bottom = top - window.row_off, bottom - window.row_off
    sums = np.zeros((raster.count, along.size), np.uint32)
    whole = np.ones(along.size, bool)
    for rows, columns, weight in (
        (top, left, (_ONE - below) * (_ONE - along)),
        (top, right, (_ONE - below) * along),
        (bottom, left, below * (_ONE - along)),
        (bottom, right, below * along),
    ):
        sums += pixels[:, rows, columns] * weight
        whole &= there[rows, columns] | (weight == 0)
    values[:, inside] = np.where(whole, (sums + _ONE * _ONE // 2) >> 16, 0)
    seen[inside] = whole
    return values, seen


def _nearest(raster: DatasetReader, x_m: np.ndarray, y_m: np.ndarray) -> np.ndarray:
    """(bands, height, width) uint8 at places of the raster's CRS, 0 beyond its edges."""
    values = np.zeros((raster.count, *x_m.shape), np.uint8)
    layout = PixelLayout.of(raster)
    inside, across, down = _inside(layout, x_m, y_m)
    if inside.any():
        columns = np.clip(across.astype(np.int64), 0, layout.width - 1)
        rows = np.clip(down.astype(np.int64), 0, layout.height - 1)
        window = _window(columns, columns, rows, rows)
        values[:, inside] = raster.read(window=window)[:, rows - window.row_off, columns - window.col_off]
    return values


def _inside(layout: PixelLayout, x_m: np.ndarray, y_m: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which of the places lie in a file, and (places,) across and down where those lie, in its pixels."""
    across = (x_m - layout.left) / layout.pixel_width_m
    down = (layout.top - y_m) / layout.pixel_height_m
    inside = (across >= -_EDGE_PX) & (across <= layout.width + _EDGE_PX)
    inside &= (down >= -_EDGE_PX) & (down <= layout.height + _EDGE_PX)
    return inside, across[inside], down[inside]


def _between(position_px: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The two pixels between whose middles each position lies, the outermost repeated, and the weight of the second
    in 1/256, uint32.
    """
    fixed = np.rint((position_px - 0.5) * _ONE).astype(np.int64)
    lower = fixed // _ONE
    return np.clip(lower, 0, length - 1), np.clip(lower + 1, 0, length - 1), (fixed % _ONE).astype(np.uint32)


def _window(left: np.ndarray, right: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> Window:
    column, row = int(left.min()), int(top.min())
    return Window(column, row, int(right.max()) + 1 - column, int(bottom.max()) + 1 - row)
