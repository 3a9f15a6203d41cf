"""Tiles of class rasters: the grid of a tile, reads from open handles, nearest gather, palette PNG."""

from __future__ import annotations

from app.tiling.grids import TileGrid, tile_grid
from app.tiling.point import PointValue, value_at
from app.tiling.rasters import RasterRef
from app.tiling.render import empty_tile, render
from app.tiling.styles import Look, Style

__all__ = [
    "Look",
    "PointValue",
    "RasterRef",
    "Style",
    "TileGrid",
    "empty_tile",
    "render",
    "tile_grid",
    "value_at",
]
