"""A reference class raster, on any square north-up pixels in any projected CRS, read onto other pixels by nearest."""

from __future__ import annotations

import threading
from pathlib import Path

import cv2
import numpy as np
import rasterio
import shapely
from rasterio.errors import RasterioError
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from app import aoi
from app.definitions import Grid, Nomenclature
from app.definitions.coding import Coding
from app.errors import RasterRefused
from app.publish.geotiffs import inspect_geotiff
from app.storage import sha256
from app.tiling.reproject import raster_positions

# Of a pixel: positions are sums of decimal fractions, and one that is whole but for rounding must not fall short.
_SAME_PLACE = 1e-6
_OUTLINE_STEP_M = 100.0


class ReferenceRaster:
    """A checked GeoTIFF of one band of bytes; threads share it, each with a handle of its own.

    Raises RasterRefused where it is none, or its coding does not suit.
    """

    def __init__(self, path: Path, coding: Coding, nomenclature: Nomenclature) -> None:
        self.name = path.name
        self.coding = coding
        self.sha256 = _digest(path)
        self._path = path
        checked = inspect_geotiff(str(path), path.name, self.sha256, nomenclature, coding)
        self.grid = checked.grid
        self._known = checked.table.known
        self._allowed = checked.table.allowed
        self._mark_of = np.where(checked.table.classless, max(nomenclature.by_value) + 1, checked.table.values)
        self._opened = threading.local()

    @property
    def outline(self) -> BaseGeometry:
        """Its rectangle in longitude/latitude, two pixels wider on every side: to find what may meet it."""
        rectangle = shapely.box(*self.grid.grown(2).bounds)
        return aoi.from_grid_crs(rectangle, self.grid.epsg, step_m=_OUTLINE_STEP_M)

    def read(self, grid: Grid) -> np.ndarray:
        """(height, width) uint8 marks (see `worker.evaluation.counts`) on the grid's pixels.

        The mark of a pixel is that of the reference pixel which holds its centre; on the line between two, of the
        right or lower one. 0 outside the reference. Raises RasterRefused for a number that the coding does not have.
        """
        marks = np.zeros((grid.height, grid.width), np.uint8)
        if grid.epsg == self.grid.epsg:
            columns, rows = _along(grid, self.grid)
            inside_x, inside_y = _within(columns, self.grid.width), _within(rows, self.grid.height)
            if inside_x.any() and inside_y.any():
                found = self._marks(columns[inside_x], rows[inside_y])
                first_column, first_row = columns[inside_x].min(), rows[inside_y].min()
                picked = found[np.ix_(rows[inside_y] - first_row, columns[inside_x] - first_column)]
                marks[np.ix_(inside_y, inside_x)] = picked
            return marks
        placed = raster_positions(grid.epsg, grid.left, grid.top, grid.resolution_m, grid.width, grid.height, self.grid)
        columns, rows = (np.floor(each + _SAME_PLACE).astype(np.int64) for each in placed)
        inside = _within(columns, self.grid.width) & _within(rows, self.grid.height)
        if inside.any():
            columns, rows = columns[inside], rows[inside]
            marks[inside] = self._marks(columns, rows)[rows - rows.min(), columns - columns.min()]
        return marks

    def _marks(self, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Of the rectangle that holds these columns and rows."""
        left, top = int(columns.min()), int(rows.min())
        window = Window(left, top, int(columns.max()) - left + 1, int(rows.max()) - top + 1)
        try:
            numbers: np.ndarray = self._dataset().read(1, window=window)
        except RasterioError as error:
            raise RasterRefused(f"{self.name} cannot be read: it is damaged or cut short") from error
        wrong = np.flatnonzero((np.bincount(numbers.ravel(), minlength=256) > 0) & ~self._known).tolist()
        if wrong:
            raise RasterRefused(
                f"{self.name} holds the values {', '.join(map(str, wrong[:8]))}, which coding {self.coding.value!r} "
                f"does not have: allowed are {self._allowed}"
            )
        marks: np.ndarray = cv2.LUT(numbers, self._mark_of.astype(np.uint8))
        return marks

    def _dataset(self) -> rasterio.DatasetReader:
        if not hasattr(self._opened, "dataset"):
            self._opened.dataset = rasterio.open(self._path, driver="GTiff")
        dataset: rasterio.DatasetReader = self._opened.dataset
        return dataset


def _along(grid: Grid, raster: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Column of each of the grid's columns in a raster of the same CRS, and row of each row; they may lie outside."""
    size, raster_size = grid.resolution_m, raster.resolution_m
    x = (grid.left - raster.left) / raster_size + (np.arange(grid.width) + 0.5) * (size / raster_size)
    y = (raster.top - grid.top) / raster_size + (np.arange(grid.height) + 0.5) * (size / raster_size)
    return np.floor(x + _SAME_PLACE).astype(np.int64), np.floor(y + _SAME_PLACE).astype(np.int64)


def _within(places: np.ndarray, size: int) -> np.ndarray:
    found: np.ndarray = (places >= 0) & (places < size)
    return found


def _digest(path: Path) -> str:
    try:
        return sha256(path)
    except OSError as error:
        raise RasterRefused(f"{path.name} cannot be read: {error.strerror}") from error
