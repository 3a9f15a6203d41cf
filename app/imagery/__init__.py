"""Imagery sources: registered, looked up, and kept at hand for tiles."""

from __future__ import annotations

from app.imagery.files import Bounds, ImageryFile, PixelLayout, href_is_there, open_href, open_raster
from app.imagery.index import ImageryIndex, IndexedSource
from app.imagery.inspection import Told
from app.imagery.registration import define_service, register, register_service
from app.imagery.series import SeriesImage, series_images, series_over
from app.imagery.sources import coverage, covered_share, files_for, find, list_sources

__all__ = [
    "Bounds",
    "ImageryFile",
    "ImageryIndex",
    "IndexedSource",
    "PixelLayout",
    "SeriesImage",
    "Told",
    "coverage",
    "covered_share",
    "define_service",
    "files_for",
    "find",
    "href_is_there",
    "list_sources",
    "open_href",
    "open_raster",
    "register",
    "register_service",
    "series_images",
    "series_over",
]
