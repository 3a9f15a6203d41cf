"""Area per class inside a polygon, exact at full resolution.

The rule: a pixel counts, whole, when its centre lies inside the polygon (on its very edge: either way). Areas are
those of the grid's plane.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import cv2
import numpy as np
import shapely
from rasterio.features import rasterize
from shapely.geometry.base import BaseGeometry

from app.definitions import Grid, Nomenclature
from app.tiling import RasterRef, handles
from app.tiling.grids import Rectangle

# OpenCV counts in float32, exact below 2^24: larger arrays are counted in strips.
_STRIP_PX = 1 << 23

_WINDOW_PX = 2048
_ALIGNED_PX = 256  # side of a stored tile: windows begin at one, so that none is decoded twice


def count_values(parts: Iterable[tuple[Grid, np.ndarray]], polygon: BaseGeometry) -> np.ndarray:
    """Pixels per value whose centre lies inside: (256,) int64.

    parts: grids that do not overlap, each with its (height, width) uint8 values. polygon: in the grids' CRS.
    """
    shapely.prepare(polygon)
    counts = no_values()
    for grid, values in parts:
        footprint = shapely.box(*grid.bounds)
        if polygon.contains(footprint):
            counts += _histogram(values, None)
        elif polygon.intersects(footprint):
            counts += _histogram(values, inside(polygon, grid))
    return counts


def no_values() -> np.ndarray:
    """Counts to begin with: (256,) int64 zeros."""
    return np.zeros(256, np.int64)


def read_parts(rasters: Iterable[RasterRef], polygon: BaseGeometry) -> Iterator[tuple[Grid, np.ndarray]]:
    """Windows of the class values of rasters, those that a polygon (in the rasters' CRS) may touch.

    Full resolution, never overviews. Raises RasterUnreadable.
    """
    shapely.prepare(polygon)
    left, bottom, right, top = polygon.bounds
    for raster in rasters:
        whole = raster.grid
        first_column = math.floor((left - whole.left) / whole.resolution_m) // _ALIGNED_PX * _ALIGNED_PX
        first_row = math.floor((whole.top - top) / whole.resolution_m) // _ALIGNED_PX * _ALIGNED_PX
        last_column = min(math.ceil((right - whole.left) / whole.resolution_m), whole.width)
        last_row = min(math.ceil((whole.top - bottom) / whole.resolution_m), whole.height)
        for row in range(max(0, first_row), last_row, _WINDOW_PX):
            for column in range(max(0, first_column), last_column, _WINDOW_PX):
                window = Rectangle(column, row, _WINDOW_PX, _WINDOW_PX).clipped(whole.width, whole.height)
                grid = None if window is None else _cut(whole, window)
                if window is not None and grid is not None and polygon.intersects(shapely.box(*grid.bounds)):
                    yield grid, handles.read(raster.classes, handles.FULL_RESOLUTION, window)


def _cut(grid: Grid, window: Rectangle) -> Grid:
    left = grid.left + window.column * grid.resolution_m
    top = grid.top - window.row * grid.resolution_m
    return Grid(grid.epsg, left, top, grid.resolution_m, window.width, window.height)


def area_table(counts: np.ndarray, resolution_m: float, nomenclature: Nomenclature) -> dict[str, Any]:
    """The area of each class that is present, in m² and as a share (0-1) of the classified area.

    counts: (256,) pixels per value. Nodata is reported apart, as `nodata_m2`.
    """
    pixel_m2 = resolution_m * resolution_m
    total = int(counts[1:].sum())
    present = [c for c in sorted(nomenclature.classes, key=lambda c: c.value) if counts[c.value]]
    return {
        "area_m2": _square_metres(total, pixel_m2),
        "nodata_m2": _square_metres(int(counts[0]), pixel_m2),
        "resolution_m": resolution_m,
        "classes": [
            {
                "value": c.value,
                "code": c.code,
                "title_fr": c.title_fr,
                "title_en": c.title_en,
                "colour": c.colour,
                "area_m2": _square_metres(int(counts[c.value]), pixel_m2),
                "share": int(counts[c.value]) / total,
            }
            for c in present
        ],
    }


def _square_metres(pixels: int, pixel_m2: float) -> float:
    # 0.2 × 0.2 is not 0.04 in binary; a square millimetre is far below a pixel.
    return round(pixels * pixel_m2, 6)


def inside(polygon: BaseGeometry, grid: Grid) -> np.ndarray:
    """(height, width) uint8, 255 where the pixel's centre lies inside the polygon."""
    mask: np.ndarray = rasterize(
        [(polygon, 255)], out_shape=(grid.height, grid.width), transform=grid.transform, dtype="uint8"
    )
    return mask


def _histogram(values: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """(256,) int64 counts of uint8 values, where the mask is not 0."""
    counts = no_values()
    for rows in _strips(values.shape):
        part = np.ascontiguousarray(values[rows])
        shown = None if mask is None else mask[rows]
        counts += cv2.calcHist([part], [0], shown, [256], [0, 256]).ravel().astype(np.int64)
    return counts


def _strips(shape: tuple[int, ...]) -> Iterator[slice]:
    height, width = shape
    step = max(1, _STRIP_PX // max(1, width))
    for start in range(0, height, step):
        yield slice(start, start + step)
