"""Imagery sources: registered, looked up, and kept at hand for tiles."""

from __future__ import annotations

from app.imagery.files import Bounds, ImageryFile, PixelLayout, open_raster
from app.imagery.index import ImageryIndex, IndexedSource
from app.imagery.inspection import Told
from app.imagery.registration import define_service, register, register_service
from app.imagery.sources import coverage, covered_share, files_for, find, list_sources

__all__ = [
    "Bounds",
    "ImageryFile",
    "ImageryIndex",
    "IndexedSource",
    "PixelLayout",
    "Told",
    "coverage",
    "covered_share",
    "define_service",
    "files_for",
    "find",
    "list_sources",
    "open_raster",
    "register",
    "register_service",
]
