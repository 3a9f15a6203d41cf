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
from shapely.geometry.base import BaseGeometry

from app.definitions import Grid, LandCoverClass, Nomenclature

RULE = (
    "A pixel counts, whole, when its centre lies inside the polygon; pixels are those of the layer at full "
    "resolution, and areas are those of the plane of their CRS."
)
"""The same for people who read an answer."""

# OpenCV counts in float32, exact below 2^24: larger arrays are counted in strips.
_STRIP_PX = 1 << 23


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
    """(height, width) uint8, 255 where the pixel's centre lies inside the polygon (in the grid's CRS).

    By even and odd: going along a row, each edge that crosses the line of its centres changes sides. (rasterio's
    rasterize gives the same, but changes the warning filters of all threads while it works.)
    """
    crossings = np.zeros((grid.height, grid.width + 1), np.uint8)
    edges = _edges(polygon, grid)
    # The rows whose centres lie from the upper end of an edge, included, to the lower one, excluded.
    first = np.clip(np.ceil(edges[:, :, 1].min(axis=1) - 0.5), 0, grid.height).astype(int)
    beyond = np.clip(np.ceil(edges[:, :, 1].max(axis=1) - 0.5), 0, grid.height).astype(int)
    crossed = np.maximum(beyond - first, 0)
    edge = np.repeat(np.arange(len(edges)), crossed)
    rows = np.arange(len(edge)) - np.repeat(np.cumsum(crossed) - crossed, crossed) + first[edge]
    (start_x, start_y), (end_x, end_y) = edges[edge, 0].T, edges[edge, 1].T
    columns = start_x + (rows + 0.5 - start_y) * (end_x - start_x) / (end_y - start_y)
    np.bitwise_xor.at(crossings, (rows, np.clip(np.ceil(columns - 0.5), 0, grid.width).astype(int)), 255)
    mask: np.ndarray = np.bitwise_xor.accumulate(crossings[:, :-1], axis=1)
    return mask


def _edges(polygon: BaseGeometry, grid: Grid) -> np.ndarray:
    """(n, 2, 2) float64: column and row of both ends of the edges that may matter for a grid, in its pixels."""
    # A pixel more on each side: where the clipping rounds, no centre is near.
    near = shapely.get_parts(shapely.clip_by_rect(polygon, *grid.grown(1).bounds))
    rings = shapely.get_rings(near[shapely.get_type_id(near) == shapely.GeometryType.POLYGON])
    places, ring = shapely.get_coordinates(rings, return_index=True)
    pixels = (places - (grid.left, grid.top)) / (grid.resolution_m, -grid.resolution_m)
    edges: np.ndarray = np.stack([pixels[:-1], pixels[1:]], axis=1)[ring[:-1] == ring[1:]]
    return edges


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
