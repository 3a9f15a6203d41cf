"""What can be counted in a polygon: windows, what each adds, and the document that the sum makes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from app import aoi
from app.catalogue import Layer
from app.statistics.windows import Window, windows
from app.tiling import RasterRef
from app.tiling.reproject import bounds_in

_EDGE_STEP_M = 1000.0


class Measurement(ABC):
    """A layer and a polygon, and what is counted there.

    Nothing is read before `count`; the windows are always the same in the same order, so that a sum over the first
    ones can be kept and gone on with, as long as `version` stays.
    """

    def __init__(self, layer: Layer, area: aoi.Aoi) -> None:
        self.layer = layer
        self.aoi = area

    @property
    @abstractmethod
    def version(self) -> str:
        """Changes with the content of what is read."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Of the array of counts."""

    @abstractmethod
    def count(self, window: Window) -> np.ndarray:
        """Pixels of one window, int64 of `shape`. Raises RasterUnreadable."""

    @abstractmethod
    def document(self, counts: np.ndarray) -> dict[str, Any]:
        """The answer."""

    @cached_property
    def polygons(self) -> dict[int, BaseGeometry]:
        """The polygon in each CRS that the rasters near it have, by EPSG code."""
        codes = sorted({raster.epsg for raster in rasters_near(self.layer, self.aoi)})
        return {epsg: aoi.to_grid_crs(self.aoi, epsg) for epsg in codes}

    @cached_property
    def windows(self) -> list[Window]:
        return list(windows(self.layer, self.polygons))

    @cached_property
    def asked_m2(self) -> float:
        """The area of the polygon: in the plane of the rasters there, on the ellipsoid where there are none."""
        ellipsoidal = aoi.ellipsoidal_m2(self.aoi)
        planar = next((float(polygon.area) for polygon in self.polygons.values()), ellipsoidal)
        # Far beyond a CRS' territory its plane means nothing.
        return planar if 0.5 * ellipsoidal < planar < 2 * ellipsoidal else ellipsoidal

    @property
    def outline_m(self) -> float:
        """Length of the polygon's outline: along it, whole windows are read for a part of each."""
        return sum(float(polygon.length) for polygon in self.polygons.values())

    @cached_property
    def outside_m2(self) -> float:
        """The part of `asked_m2` where the layer has no raster."""
        if not self.polygons:
            return self.asked_m2
        epsg, polygon = next(iter(self.polygons.items()))
        footprints = [
            shapely.box(*raster.grid.bounds)
            if raster.epsg == epsg
            else aoi.to_grid_crs(
                aoi.from_grid_crs(shapely.box(*raster.grid.bounds), raster.epsg, step_m=_EDGE_STEP_M), epsg
            )
            for raster in rasters_near(self.layer, self.aoi)
        ]
        return max(0.0, self.asked_m2 - float(polygon.intersection(shapely.union_all(footprints)).area))


def rasters_near(layer: Layer, area: aoi.Aoi) -> list[RasterRef]:
    """Rasters of a layer whose bounds meet those of an area; elsewhere their CRS may have no coordinates for it."""
    west, south, east, north = area.bounds
    found = []
    for raster in layer.rasters_in(4326, area.bounds):
        left, bottom, right, top = bounds_in(raster.grid, 4326)
        if left <= east and right >= west and bottom <= north and top >= south:
            found.append(raster)
    return found
