"""Several layers drawn over each other: where one knows nothing, the next is seen."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from app.catalogue.index import Bounds
from app.catalogue.layer import Layer
from app.definitions import Nomenclature
from app.definitions.tile_matrix_set import TileMatrixSet
from app.errors import ParameterInvalid
from app.tiling import RasterRef, Style
from app.tiling.grids import TileGrid


@dataclass(frozen=True)
class Overlay:
    """layers: of one nomenclature, the topmost first."""

    layers: tuple[Layer, ...]

    @property
    def id(self) -> str:
        return ",".join(layer.id for layer in self.layers)

    @property
    def nomenclature(self) -> Nomenclature:
        return self.layers[0].nomenclature

    @cached_property
    def version(self) -> str:
        """Changes with the content of any of the layers, and with their order."""
        return hashlib.sha256(" ".join(f"{layer.id} {layer.version}" for layer in self.layers).encode()).hexdigest()[
            :12
        ]

    @property
    def styles(self) -> tuple[Style, ...]:
        """Those of all layers: confidence is seen only where nothing covers it that has none."""
        return tuple(style for style in Style if all(style in layer.styles for layer in self.layers))

    @property
    def tile_matrix_sets(self) -> tuple[TileMatrixSet, ...]:
        """Those of any of the layers."""
        return tuple({tms.id: tms for layer in self.layers for tms in layer.tile_matrix_sets}.values())

    @property
    def bbox(self) -> Bounds:
        """(west, south, east, north), degrees."""
        return self.bounds(4326)

    def bounds(self, epsg: int) -> Bounds:
        """Of all layers, in that CRS."""
        lefts, bottoms, rights, tops = zip(*(layer.bounds(epsg) for layer in self.layers), strict=True)
        return (min(lefts), min(bottoms), max(rights), max(tops))

    def rasters_for_tile(self, tile: TileGrid) -> list[RasterRef]:
        """What a tile is drawn from, the topmost first."""
        return [raster for layer in self.layers for raster in layer.rasters_for_tile(tile)]


def overlay(layers: Sequence[Layer]) -> Overlay:
    """The newest vintage on top. Raises ParameterInvalid for layers whose values do not mean the same."""
    if len({layer.nomenclature.id for layer in layers}) > 1:
        raise ParameterInvalid("these collections have different nomenclatures: ask for each by itself", "collections")
    return Overlay(tuple(sorted(layers, key=lambda layer: (-(layer.vintage or 0), layer.id))))
