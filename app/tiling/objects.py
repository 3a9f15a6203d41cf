"""Class rasters in an object store, read by GDAL: it asks for ranges, and keeps what it was given."""

from __future__ import annotations

import math
import os

import numpy as np
import rasterio
from rasterio.windows import Window

from app.tiling.grids import FULL_RESOLUTION, Rectangle

PREFIX = "/vsi"
"""What GDAL's names of places that are no local files begin with."""

# MB of decoded tiles that GDAL keeps; by itself it takes a twentieth of the machine's memory, in each process. It looks
# up the variable once, at its first read. An operator's own value stays.
os.environ.setdefault("GDAL_CACHEMAX", "128")


class ObjectFile:
    """An open object, with a dataset for each level that was read. It belongs to one thread. Raises RasterioError."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._datasets: dict[int, rasterio.DatasetReader] = {}
        # GDAL tells quotients of sizes, 255 for the 196 pixels that 50 000 become: ours are halved exactly.
        told = self._dataset(FULL_RESOLUTION).overviews(1)
        self.factors = tuple(1 << round(math.log2(quotient)) for quotient in told)

    def close(self) -> None:
        for dataset in self._datasets.values():
            dataset.close()

    def size(self, level: int) -> tuple[int, int]:
        """(width, height) in pixels."""
        dataset = self._dataset(level)
        return dataset.width, dataset.height

    def read(self, band: int, level: int, pixels: Rectangle) -> np.ndarray:
        """(height, width) uint8 of pixels that lie inside the level. Bands count from 1."""
        window = Window(pixels.column, pixels.row, pixels.width, pixels.height)
        array: np.ndarray = self._dataset(level).read(band, window=window)
        return array

    def _dataset(self, level: int) -> rasterio.DatasetReader:
        if level not in self._datasets:
            options = {} if level == FULL_RESOLUTION else {"OVERVIEW_LEVEL": level}
            # No listing of the folder and no side files: what a tile shows is in the one file that was named.
            with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_PAM_ENABLED=False):
                self._datasets[level] = rasterio.open(self._path, driver="GTiff", **options)
        return self._datasets[level]
