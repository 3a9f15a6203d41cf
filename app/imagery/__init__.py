"""Imagery sources: registered, looked up, and kept at hand for tiles."""

from __future__ import annotations

from app.imagery.files import Bounds, ImageryFile, PixelLayout, open_raster, role_of
from app.imagery.index import ImageryIndex, IndexedSource
from app.imagery.sources import coverage, covered_share, files_for, find, list_sources, register

__all__ = [
    "Bounds",
    "ImageryFile",
    "ImageryIndex",
    "IndexedSource",
    "PixelLayout",
    "coverage",
    "covered_share",
    "files_for",
    "find",
    "list_sources",
    "open_raster",
    "register",
    "role_of",
]
