"""The windows in which a layer is counted inside a polygon: each pixel in exactly one of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from app import areas
from app.catalogue import Layer
from app.definitions import Grid
from app.statistics.mosaic import cover, read_onto
from app.tiling import RasterRef
from app.tiling.reproject import bounds_in

# Four to eight stored tiles on a side, and few enough pixels to be counted in one go.
_WINDOW_PX = 2048
# The largest side of a stored tile: windows begin at one, so that none is decoded twice.
_ALIGNED_PX = 512


class Window(NamedTuple):
    """Some pixels of one raster of a layer.

    inside: whether the polygon holds all of it. before, after: other rasters of the layer that reach into it, those
    that come first in the layer's order and those that come later.
    """

    raster: RasterRef
    grid: Grid
    inside: bool
    before: tuple[RasterRef, ...]
    after: tuple[RasterRef, ...]

    def mask(self, polygon: BaseGeometry) -> np.ndarray | None:
        """(height, width) uint8, not 0 where a pixel is to be counted here; None for everywhere.

        polygon: in the raster's CRS. Where rasters overlap, a place counts once, as it is shown: as what the first
        raster with data says, and as nodata where none has any. Raises RasterUnreadable.
        """
        mask = None if self.inside else areas.inside(polygon, self.grid)
        if not (self.before or self.after):
            return mask
        own = read_onto(self.grid, [self.raster])
        as_class = (own != 0) & (read_onto(self.grid, self.before) == 0)
        as_nodata = (own == 0) & (read_onto(self.grid, (*self.before, *self.after)) == 0)
        once = as_class | (as_nodata & ~cover(self.grid, self.before))
        return once.astype(np.uint8) if mask is None else np.where(once, mask, 0).astype(np.uint8)


def windows(layer: Layer, polygons: Mapping[int, BaseGeometry]) -> Iterator[Window]:
    """The windows of a layer that may hold pixels inside a polygon, always in the same order.

    polygons: EPSG code -> the polygon in that CRS, for each CRS that the layer's rasters near the polygon have.
    """
    for epsg, polygon in polygons.items():
        shapely.prepare(polygon)
        for raster in layer.rasters_in(epsg, polygon.bounds):
            if raster.epsg == epsg:
                yield from _of_raster(layer, raster, polygon)


def _of_raster(layer: Layer, raster: RasterRef, polygon: BaseGeometry) -> Iterator[Window]:
    whole = raster.grid
    if not polygon.intersects(shapely.box(*whole.bounds)):
        return
    left, bottom, right, top = polygon.bounds
    first_column = max(0, math.floor((left - whole.left) / whole.resolution_m) // _ALIGNED_PX * _ALIGNED_PX)
    first_row = max(0, math.floor((whole.top - top) / whole.resolution_m) // _ALIGNED_PX * _ALIGNED_PX)
    last_column = min(math.ceil((right - whole.left) / whole.resolution_m), whole.width)
    last_row = min(math.ceil((whole.top - bottom) / whole.resolution_m), whole.height)
    grids = [
        whole.window(column, row, min(_WINDOW_PX, whole.width - column), min(_WINDOW_PX, whole.height - row))
        for row in range(first_row, last_row, _WINDOW_PX)
        for column in range(first_column, last_column, _WINDOW_PX)
    ]
    if not grids:
        return
    boxes = shapely.box(*np.array([grid.bounds for grid in grids]).T)
    touched, held = shapely.intersects(polygon, boxes), shapely.contains(polygon, boxes)
    others = _others(layer, raster)
    for grid, meets, inside in zip(grids, touched.tolist(), held.tolist(), strict=True):
        if meets:
            yield Window(raster, grid, inside, _reaching(grid, others[0]), _reaching(grid, others[1]))


def _others(layer: Layer, raster: RasterRef) -> tuple[list[RasterRef], list[RasterRef]]:
    """Rasters that overlap this one: those before it in the layer's order, and those after."""
    near = layer.rasters_in(raster.epsg, raster.grid.bounds)
    place = near.index(raster)
    return list(_reaching(raster.grid, near[:place])), list(_reaching(raster.grid, near[place + 1 :]))


def _reaching(grid: Grid, rasters: list[RasterRef]) -> tuple[RasterRef, ...]:
    """Those that share area with a grid: neighbours that only touch it do not."""
    left, bottom, right, top = grid.bounds
    slack = 0.01 * grid.resolution_m
    found = []
    for raster in rasters:
        west, south, east, north = bounds_in(raster.grid, grid.epsg)
        if west < right - slack and east > left + slack and south < top - slack and north > bottom + slack:
            found.append(raster)
    return tuple(found)
