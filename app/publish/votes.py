"""Coarse pixels out of fine ones: each fine pixel votes for the coarse pixel that holds its centre."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import rasterio
from rasterio.windows import Window

from app.definitions import Grid

_LEAST_VOTES = 4
"""Pixels along a side of a coarse pixel that are asked where a raster has overviews so fine."""
_STRIP_PX = 1 << 20


class Ballot(Protocol):
    """The votes for the pixels of one square window."""

    def add(self, columns: np.ndarray, rows: np.ndarray, values: np.ndarray) -> None:
        """values: (height, width) uint8, 0 abstains; columns (width,), rows (height,): the pixel each votes for."""
        ...

    def result(self) -> np.ndarray:
        """(side, side) uint8, 0 where nobody voted."""
        ...


class Mode:
    """The most frequent class; of equally frequent ones the smallest value, so that the result is always the same."""

    def __init__(self, side_px: int) -> None:
        self._side_px = side_px
        self._counts = np.zeros((side_px, side_px, 1), np.uint16)
        """By row, column and value; as many values as have come up."""

    def add(self, columns: np.ndarray, rows: np.ndarray, values: np.ndarray) -> None:
        first, last = int(rows[0]), int(rows[-1]) + 1
        kinds = max(int(values.max()) + 1, self._counts.shape[2])
        if kinds > self._counts.shape[2]:
            self._counts = np.pad(self._counts, ((0, 0), (0, 0), (0, kinds - self._counts.shape[2])))
        place = ((rows - first) * self._side_px * kinds)[:, None] + (columns * kinds)[None, :]
        place += values
        counts = np.bincount(place.ravel(), minlength=(last - first) * self._side_px * kinds)
        self._counts[first:last] += counts.reshape(-1, self._side_px, kinds).astype(np.uint16)

    def result(self) -> np.ndarray:
        self._counts[..., 0] = 0  # nodata abstains; where nobody votes, the first of all zeros is nodata
        best: np.ndarray = self._counts.argmax(axis=2).astype(np.uint8)
        return best


class Mean:
    """The mean of what is not 0, rounded."""

    def __init__(self, side_px: int) -> None:
        self._side_px = side_px
        self._sums = np.zeros((side_px, side_px))
        self._counts = np.zeros((side_px, side_px))

    def add(self, columns: np.ndarray, rows: np.ndarray, values: np.ndarray) -> None:
        first, last = int(rows[0]), int(rows[-1]) + 1
        place = (((rows - first) * self._side_px)[:, None] + columns[None, :]).ravel()
        cells = (last - first) * self._side_px
        sums = np.bincount(place, weights=values.ravel(), minlength=cells)
        counts = np.bincount(place, weights=(values > 0).ravel(), minlength=cells)
        self._sums[first:last] += sums.reshape(-1, self._side_px)
        self._counts[first:last] += counts.reshape(-1, self._side_px)

    def result(self) -> np.ndarray:
        mean = np.divide(self._sums, self._counts, out=np.zeros_like(self._sums), where=self._counts > 0)
        return np.rint(mean).astype(np.uint8)


def collect(ballot: Ballot, window: Grid, raster: Grid, path: str, band: int) -> None:
    """Lets the pixels of a raster vote in a window of the same CRS.

    The overview is asked that still has `_LEAST_VOTES` pixels along a side of a pixel of the window, the raster itself
    where it has none so fine. path: what GDAL opens. Raises rasterio's RasterioError.
    """
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_PAM_ENABLED=False):
        with rasterio.open(path, driver="GTiff") as dataset:
            coarsest = window.resolution_m / raster.resolution_m / _LEAST_VOTES + 1e-9
            levels = [(factor, level) for level, factor in enumerate(dataset.overviews(band)) if factor <= coarsest]
        factor, level = max(levels, default=(1, None))
        with rasterio.open(path, driver="GTiff", **({} if level is None else {"OVERVIEW_LEVEL": level})) as dataset:
            columns = _cells(raster.left - window.left, raster.resolution_m * factor, dataset.width, window)
            rows = _cells(window.top - raster.top, raster.resolution_m * factor, dataset.height, window)
            first_column, last_column = _inside(columns, window.width)
            first_row, last_row = _inside(rows, window.height)
            width = last_column - first_column
            if width <= 0:
                return
            step = max(1, _STRIP_PX // width)
            for row in range(first_row, last_row, step):
                height = min(step, last_row - row)
                values = dataset.read(band, window=Window(first_column, row, width, height))
                if values.any():
                    ballot.add(columns[first_column:last_column], rows[row : row + height], values)


def _cells(offset_m: float, pixel_m: float, pixels: int, window: Grid) -> np.ndarray:
    """(pixels,) cell of the window, along one axis, that holds the centre of each pixel; beyond it outside numbers.

    offset_m: from the window's corner to the raster's. Pixels of an overview are whole multiples of the raster's, also
    where its side is none: so our own files are written.
    """
    centres_m = offset_m + (np.arange(pixels) + 0.5) * pixel_m
    cells: np.ndarray = np.floor(centres_m / window.resolution_m + 1e-9).astype(np.int64)
    return cells


def _inside(cells: np.ndarray, side: int) -> tuple[int, int]:
    """First index and end of the ascending cells that lie in 0 … side."""
    return int(np.searchsorted(cells, 0, "left")), int(np.searchsorted(cells, side, "left"))
