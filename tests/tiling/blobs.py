"""A class raster with a texture: blobs of some pixels, so that a shift of one pixel shows."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import rasterio

from app.definitions import Grid, nomenclature
from app.outputs import write_class_cog
from app.tiling import RasterRef

GRID = Grid(2154, 720896.0, 6273792.0, 0.2, 2048, 2048)


def blobs(height: int, width: int, seed: int = 0) -> np.ndarray:
    """(height, width) uint8 values 1-16."""
    rng = np.random.default_rng(seed)
    planes = [cv2.GaussianBlur(rng.random((height // 4, width // 4), np.float32), (0, 0), 4) for _ in range(16)]
    small = (np.argmax(planes, axis=0) + 1).astype(np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)


def write(path: Path, values: np.ndarray, grid: Grid) -> RasterRef:
    write_class_cog(path, grid, [((0, 0, grid.width, grid.height), values)], nomenclature())
    return reference(path, grid)


def reference(path: Path, grid: Grid, version: str = "v1") -> RasterRef:
    return RasterRef.of(str(path), grid, bands=1, version=version)


def level(path: str, factor: int) -> np.ndarray:
    """An overview of a file, or the full resolution for 1, read by GDAL itself."""
    options = {} if factor == 1 else {"OVERVIEW_LEVEL": factor.bit_length() - 2}
    with rasterio.open(path, **options) as dataset:
        values: np.ndarray = dataset.read(1)
    return values
