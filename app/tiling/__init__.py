"""Tiles of class rasters: the grid of a tile, reads from open handles, nearest gather, palette PNG."""

from __future__ import annotations

from app.tiling.rasters import RasterRef
from app.tiling.render import empty_tile, render
from app.tiling.styles import Style

__all__ = ["RasterRef", "Style", "empty_tile", "render"]
