"""A published layer: its words, its rasters, and which of them a place or a tile needs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from app.catalogue.index import Bounds, RasterIndex
from app.definitions import Nomenclature
from app.definitions.tile_matrix_set import TileMatrixSet, tile_matrix_sets
from app.tiling import RasterRef, Style
from app.tiling.grids import MAGNIFICATION, TileGrid

_EARTH_RADIUS_M = 6378137.0
_DEGREE_M = math.radians(_EARTH_RADIUS_M)


@dataclass(frozen=True)
class Layer:
    """A published layer as it was at one moment; a newer state is another object.

    overviews: for each CRS in which it has many rasters, one coarse raster of all of them. quality: headline of the
    report of its quality, where this content was evaluated.
    """

    id: str
    title: str
    description: str
    nomenclature: Nomenclature
    vintage: int | None
    imagery_source: str | None
    model: str | None
    attribution: str
    demonstration: bool
    version: str
    published_at: float
    rasters: tuple[RasterRef, ...]
    overviews: tuple[RasterRef, ...] = ()
    quality: dict[str, Any] | None = None
    _indexes: dict[tuple[int, int], RasterIndex] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def styles(self) -> tuple[Style, ...]:
        """The default first."""
        with_confidence = any(raster.confidence is not None for raster in self.rasters)
        there = {
            Style.NORMAL: True,
            Style.COLOUR_BLIND: self.nomenclature.has_colour_blind_palette,
            Style.CONFIDENCE: with_confidence,
        }
        return tuple(style for style in Style if there[style])

    @property
    def paths(self) -> Iterator[str]:
        """What GDAL opens of all files of this layer."""
        for raster in (*self.rasters, *self.overviews):
            yield raster.path
            if raster.confidence_path is not None:
                yield raster.confidence_path

    @property
    def resolution_m(self) -> float:
        """Of all rasters: publishing sees to it."""
        return self.rasters[0].resolution_m

    @cached_property
    def tile_matrix_sets(self) -> tuple[TileMatrixSet, ...]:
        """Those that suit the layer: Web Mercator first, the CRS of its rasters, then geographic ones."""
        order = [3857, *sorted(self._by_crs.keys() - {3857, 4326}), 4326]
        suited = [tms for tms in tile_matrix_sets().values() if tms.epsg in order]
        return tuple(sorted(suited, key=lambda tms: order.index(tms.epsg)))

    @property
    def bbox(self) -> Bounds:
        """(west, south, east, north), degrees."""
        return self.bounds(4326)

    def bounds(self, epsg: int) -> Bounds:
        """Of all rasters, in that CRS."""
        lefts, bottoms, rights, tops = zip(*(self._index(crs, epsg).bounds for crs in self._by_crs), strict=True)
        return (min(lefts), min(bottoms), max(rights), max(tops))

    def rasters_in(self, epsg: int, bounds: Bounds) -> list[RasterRef]:
        """Rasters that may meet the bounds (in that CRS), in their order; those of one CRS before those of another."""
        if len(self.rasters) == 1:  # reading finds out as cheaply
            return list(self.rasters)
        return [raster for crs in self._by_crs for raster in self._index(crs, epsg).meeting(bounds)]

    def rasters_for_tile(self, tile: TileGrid) -> list[RasterRef]:
        """What a tile is drawn from: rasters, or overviews of them where its pixels are as coarse as theirs.

        So a tile reads about four rasters at most, whatever its zoom and however many the layer has.
        """
        if not self.overviews:
            return self.rasters_in(tile.epsg, tile.bounds)
        found: list[RasterRef] = []
        coarsest_m = MAGNIFICATION * pixel_m(tile)
        for crs in self._by_crs:
            overview = self._overviews.get(crs)
            if overview is not None and overview.resolution_m <= coarsest_m:
                found.append(overview)
            else:
                found += self._index(crs, tile.epsg).meeting(tile.bounds)
        return found

    def prepare(self) -> None:
        """Makes the indexes that tiles ask for, so that no request has to."""
        for epsg in {tms.epsg for tms in self.tile_matrix_sets}:
            self.bounds(epsg)

    @cached_property
    def _by_crs(self) -> dict[int, list[RasterRef]]:
        groups: dict[int, list[RasterRef]] = {}
        for raster in self.rasters:
            groups.setdefault(raster.epsg, []).append(raster)
        return groups

    @cached_property
    def _overviews(self) -> dict[int, RasterRef]:
        return {overview.epsg: overview for overview in self.overviews}

    def _index(self, crs: int, epsg: int) -> RasterIndex:
        # Made at the first question in a CRS. Two threads may both make it; either result is right.
        if (crs, epsg) not in self._indexes:
            self._indexes[crs, epsg] = RasterIndex(self._by_crs[crs], epsg)
        return self._indexes[crs, epsg]


def pixel_m(tile: TileGrid) -> float:
    """The smaller side of a pixel in the middle of a tile, metres on the ground."""
    _, bottom, _, top = tile.bounds
    middle = (bottom + top) / 2
    if tile.epsg == 3857:
        return tile.cell_size / math.cosh(middle / _EARTH_RADIUS_M)  # 1 / cosh(y / R) is the cosine of the latitude
    if tile.epsg == 4326:
        return tile.cell_size * _DEGREE_M * math.cos(math.radians(middle))
    return tile.cell_size
