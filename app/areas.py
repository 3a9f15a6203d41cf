"""Area per class inside a polygon, exact at full resolution: the rule, the counting, the table.

The rule: a pixel counts, whole, when its centre lies inside the polygon (on its very edge: either way). Areas are
those of the grid's plane.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import cv2
import numpy as np
import shapely
from rasterio.features import rasterize
from shapely.geometry.base import BaseGeometry

from app.definitions import Grid, LandCoverClass, Nomenclature

RULE = (
    "A pixel counts, whole, when its centre lies inside the polygon; pixels are those of the layer at full "
    "resolution, and areas are those of the plane of their CRS."
)
"""The same for people who read an answer."""

# OpenCV counts in float32, exact below 2^24: larger arrays are counted in strips.
_STRIP_PX = 1 << 23

# Side of the cells of a mask: only those that the polygon's edge crosses are rasterised.
_CELL_PX = 512


def count_values(parts: Iterable[tuple[Grid, np.ndarray]], polygon: BaseGeometry) -> np.ndarray:
    """Pixels per value whose centre lies inside: (256,) int64.

    parts: grids that do not overlap, each with its (height, width) uint8 values. polygon: in the grids' CRS.
    """
    shapely.prepare(polygon)
    counts = no_values()
    for grid, values in parts:
        footprint = shapely.box(*grid.bounds)
        if polygon.contains(footprint):
            counts += histogram(values, None)
        elif polygon.intersects(footprint):
            counts += histogram(values, inside(polygon, grid))
    return counts


def no_values() -> np.ndarray:
    """Counts to begin with: (256,) int64 zeros."""
    return np.zeros(256, np.int64)


def histogram(values: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """(256,) int64 counts of (height, width) uint8 values, where the uint8 mask is not 0."""
    counts = no_values()
    for rows in _strips(values.shape):
        part = np.ascontiguousarray(values[rows])
        shown = None if mask is None else mask[rows]
        counts += cv2.calcHist([part], [0], shown, [256], [0, 256]).ravel().astype(np.int64)
    return counts


def inside(polygon: BaseGeometry, grid: Grid) -> np.ndarray:
    """(height, width) uint8, 255 where the pixel's centre lies inside the polygon (in the grid's CRS)."""
    mask = np.zeros((grid.height, grid.width), np.uint8)
    # A pixel more on each side: where the clipping itself rounds, no centre is near.
    left, bottom, right, top = grid.grown(1).bounds
    piece = shapely.clip_by_rect(polygon, left, bottom, right, top)
    if piece.is_empty:
        return mask
    shapely.prepare(piece)
    for row in range(0, grid.height, _CELL_PX):
        for column in range(0, grid.width, _CELL_PX):
            cell = grid.window(column, row, min(_CELL_PX, grid.width - column), min(_CELL_PX, grid.height - row))
            box = shapely.box(*cell.bounds)
            shown = mask[row : row + cell.height, column : column + cell.width]
            if piece.contains(box):
                shown[:] = 255
            elif piece.intersects(box):
                shown[:] = _burnt(piece, cell)
    return mask


def _burnt(polygon: BaseGeometry, grid: Grid) -> np.ndarray:
    left, bottom, right, top = grid.grown(1).bounds
    piece = shapely.clip_by_rect(polygon, left, bottom, right, top)
    if piece.is_empty:
        return np.zeros((grid.height, grid.width), np.uint8)
    mask: np.ndarray = rasterize(
        [(piece, 255)], out_shape=(grid.height, grid.width), transform=grid.transform, dtype="uint8"
    )
    return mask


def area_table(counts: np.ndarray, resolution_m: float, nomenclature: Nomenclature) -> dict[str, Any]:
    """The area of each class that is present, in m² and as a share (0-1) of the classified area.

    counts: (256,) pixels per value. Nodata is reported apart, as `nodata_m2`.
    """
    total = int(counts[1:].sum())
    present = [c for c in sorted(nomenclature.classes, key=lambda c: c.value) if counts[c.value]]
    return {
        "area_m2": square_metres(total, resolution_m),
        "nodata_m2": square_metres(int(counts[0]), resolution_m),
        "resolution_m": resolution_m,
        "classes": [
            {
                **class_words(c),
                "area_m2": square_metres(int(counts[c.value]), resolution_m),
                "share": int(counts[c.value]) / total,
            }
            for c in present
        ],
    }


def class_words(c: LandCoverClass) -> dict[str, Any]:
    """What an answer says of a class: its value, code, names and colour."""
    return {"value": c.value, "code": c.code, "title_fr": c.title_fr, "title_en": c.title_en, "colour": c.colour}


def square_metres(pixels: int, resolution_m: float) -> float:
    """The area of so many pixels."""
    # 0.2 × 0.2 is not 0.04 in binary; a square millimetre is far below a pixel.
    return round(pixels * resolution_m * resolution_m, 6)


def _strips(shape: tuple[int, ...]) -> Iterator[slice]:
    height, width = shape
    step = max(1, _STRIP_PX // max(1, width))
    for start in range(0, height, step):
        yield slice(start, start + step)
