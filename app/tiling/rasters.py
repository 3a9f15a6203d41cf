"""A raster as the tile engine knows it: all that its row says, so that a tile needs no SQL."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import rasterio

from app.definitions import Grid


class Band(NamedTuple):
    """One band of one file; `version` changes with its content."""

    path: str
    number: int
    version: str


@dataclass(frozen=True)
class RasterRef:
    """A class raster: band 1 holds class values; confidence is band 2, or band 1 of `confidence_path`, or absent.

    path: what GDAL opens, from our own storage. left, top: corner in the CRS of `epsg`. version: changes with the
    content.
    """

    path: str
    epsg: int
    left: float
    top: float
    resolution_m: float
    width: int
    height: int
    bands: int
    version: str
    confidence_path: str | None = None

    @classmethod
    def of(cls, path: str, grid: Grid, *, bands: int, version: str, confidence_path: str | None = None) -> RasterRef:
        """The raster of that grid."""
        corner = (grid.epsg, grid.left, grid.top, grid.resolution_m)
        return cls(path, *corner, grid.width, grid.height, bands, version, confidence_path)

    @classmethod
    def of_file(cls, path: str, *, version: str, confidence_path: str | None = None) -> RasterRef:
        """A GeoTIFF of one band, on the grid that it states. Raises RasterioError where it cannot be read."""
        with rasterio.open(path, driver="GTiff") as dataset:
            left, top, resolution_m = dataset.transform.c, dataset.transform.f, dataset.transform.a
            grid = Grid(dataset.crs.to_epsg(), left, top, resolution_m, dataset.width, dataset.height)
        return cls.of(path, grid, bands=1, version=version, confidence_path=confidence_path)

    @cached_property
    def grid(self) -> Grid:
        return Grid(self.epsg, self.left, self.top, self.resolution_m, self.width, self.height)

    @cached_property
    def classes(self) -> Band:
        return Band(self.path, 1, self.version)

    @cached_property
    def confidence(self) -> Band | None:
        if self.confidence_path is not None:
            return Band(self.confidence_path, 1, self.version)
        return Band(self.path, 2, self.version) if self.bands > 1 else None
