"""Class GeoTIFFs as they are given to be published: any tiling, band 1 class, band 2 (optional) confidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import cv2
import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.windows import Window

from app.definitions import Grid, Nomenclature
from app.definitions.coding import Coding, CodingTable, coding_table
from app.errors import RasterRefused
from app.publish.sources import projected_epsg, snapped

_ROWS = 512
_MAX_BLOCK_PX = 1 << 27
"""Pixels of the largest block (tile or strip) that is read: GDAL holds a block whole."""
_CACHE_BYTES = 192 << 20
"""GDAL's own choice is a share of the machine's memory, which a publication must not take."""


@dataclass(frozen=True)
class GeoTiff:
    """A checked class GeoTIFF. path: what GDAL opens; sha256: of the file's bytes."""

    name: str
    path: str
    grid: Grid
    bands: int
    sha256: str
    coding: Coding
    table: CodingTable = field(repr=False, compare=False)
    rows_at_once: int = _ROWS
    without_class: Counter[int] = field(default_factory=Counter, repr=False, compare=False)

    @property
    def has_confidence(self) -> bool:
        return self.bands > 1

    @property
    def identity(self) -> str:
        return f"{self.sha256} {self.coding}"

    def classes(self, row: int, height: int) -> np.ndarray:
        numbers = self._read(1, row, height)
        counts = cv2.calcHist([numbers], [0], None, [256], [0, 256]).ravel()
        wrong = np.flatnonzero((counts > 0) & ~self.table.known).tolist()
        if wrong:
            raise RasterRefused(
                f"{self.name} holds the values {', '.join(map(str, wrong[:8]))}, which coding {self.coding.value!r} "
                f"does not have: allowed are {self.table.allowed}"
            )
        for number in np.flatnonzero((counts > 0) & self.table.classless).tolist():
            self.without_class[number] += int(np.count_nonzero(numbers == number))
        return numbers if self.table.is_identity else cv2.LUT(numbers, self.table.values)

    def confidence(self, row: int, height: int) -> np.ndarray:
        return self._read(2, row, height)

    def _read(self, band: int, row: int, height: int) -> np.ndarray:
        with _opened(self.path, self.name) as dataset:
            window = Window(0, row, self.grid.width, height)
            values: np.ndarray = dataset.read(band, window=window)
            return values


def inspect_geotiff(
    path: str, name: str, sha256: str, nomenclature: Nomenclature, coding: Coding = Coding.VALUES
) -> GeoTiff:
    """Checks form and place of a class raster. Raises RasterRefused, naming the file and what is expected."""
    with _opened(path, name) as dataset:
        if dataset.count not in (1, 2) or set(dataset.dtypes) != {"uint8"}:
            raise RasterRefused(
                f"{name} has {dataset.count} bands of {dataset.dtypes[0]}: expected one band of bytes (class "
                "values), or two (class values and confidence)"
            )
        t = dataset.transform
        if t.b or t.d or t.a <= 0 or abs(t.a + t.e) > 1e-6 * t.a:
            raise RasterRefused(f"{name}: pixels must be square, columns eastwards, rows southwards")
        block_height, block_width = dataset.block_shapes[0]
        if block_height * block_width > _MAX_BLOCK_PX:
            raise RasterRefused(
                f"{name} lies in blocks of {block_width} × {block_height} pixels, which need too much memory: write it "
                "in tiles (gdal_translate -co TILED=YES)"
            )
        grid = Grid(projected_epsg(dataset.crs, name), t.c, t.f, t.a, dataset.width, dataset.height)
        nodata = dataset.nodata
    try:
        table = coding_table(coding, nomenclature, None if nodata is None else _byte(nodata))
    except RasterRefused as refused:
        raise RasterRefused(f"{name}: {refused.message}") from refused
    rows = -(-_ROWS // block_height) * block_height
    return GeoTiff(name, path, snapped(grid), dataset.count, sha256, coding, table, rows)


def _byte(nodata: float) -> int | None:
    """The byte that a declared nodata is; None where no byte can be it."""
    return int(nodata) if nodata in range(256) else None


@contextmanager
def _opened(path: str, name: str) -> Iterator[rasterio.DatasetReader]:
    try:
        # The driver is named: others would open files that the content of this one names.
        with (
            rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES),
            rasterio.open(path, driver="GTiff", num_threads="ALL_CPUS") as dataset,
        ):
            yield dataset
    except RasterioError as error:
        raise RasterRefused(f"{name} cannot be read as a GeoTIFF: it is missing, damaged or cut short") from error
