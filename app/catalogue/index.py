"""Which rasters meet a rectangle: an index in one CRS, made for thousands at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from app.tiling import RasterRef
from app.tiling.reproject import transformer

Bounds = tuple[float, float, float, float]
"""(left, bottom, right, top), x or longitude first."""

_POINTS_PER_EDGE = 21
_SLACK = 1e-4
"""Of a box's size, added on every side: an edge bends a little between two of its points."""


class RasterIndex:
    """Rasters that share a CRS, found by bounds in one CRS, which may be another."""

    def __init__(self, rasters: Sequence[RasterRef], epsg: int) -> None:
        self._rasters = rasters
        boxes = _bounds(rasters, epsg)
        self.bounds: Bounds = (*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist())
        slack = _SLACK * (boxes[:, 2:] - boxes[:, :2])
        boxes[:, :2] -= slack
        boxes[:, 2:] += slack
        self._tree = shapely.STRtree(shapely.box(*boxes.T))

    def meeting(self, bounds: Bounds) -> list[RasterRef]:
        """Rasters that may meet the bounds, in their order."""
        found = self._tree.query(shapely.box(*bounds))
        found.sort()
        return [self._rasters[i] for i in found.tolist()]


def _bounds(rasters: Sequence[RasterRef], epsg: int) -> np.ndarray:
    """(rasters, 4) float64: left, bottom, right, top of each in the CRS of `epsg`.

    One call of PROJ for all points of all edges: a call per raster would take seconds for a country.
    """
    corners = np.array([raster.grid.bounds for raster in rasters])
    if rasters[0].epsg == epsg:
        return corners
    along = np.linspace(0.0, 1.0, _POINTS_PER_EDGE)
    left, bottom, right, top = (side[:, None] for side in corners.T)
    across_x, across_y = left + along * (right - left), bottom + along * (top - bottom)
    level_x, level_y = np.broadcast_to(left, across_x.shape), np.broadcast_to(bottom, across_y.shape)
    xs = np.hstack([across_x, across_x, level_x, level_x + (right - left)])
    ys = np.hstack([level_y, level_y + (top - bottom), across_y, across_y])
    xs, ys = transformer(rasters[0].epsg, epsg).transform(xs, ys)
    return np.column_stack([xs.min(axis=1), ys.min(axis=1), xs.max(axis=1), ys.max(axis=1)])
