"""Imagery of a source on the pixels of a grid, from files or from a map server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from app.definitions import Band, Grid, ImagerySource
from app.imagery import ImageryFile
from worker.readers.files import FileReader, OpenedFiles
from worker.readers.handles import Handles
from worker.readers.remote import RemoteReader
from worker.readers.series import PlaceSeries, SeriesReader, around

__all__ = [
    "FileReader",
    "Handles",
    "ImageryReader",
    "OpenedFiles",
    "PlaceSeries",
    "RemoteReader",
    "SeriesReader",
    "around",
    "reader_of",
]


class ImageryReader(Protocol):
    """What reads a source."""

    def read(self, grid: Grid, bands: tuple[Band, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Bytes of the bands on the grid, (bands, height, width) uint8, and (height, width) bool, where they are."""
        ...


def reader_of(source: ImagerySource, files: Sequence[ImageryFile], handles: Handles | None = None) -> ImageryReader:
    """files: those of the source that may be needed; none where it is read from a map server. handles: those of the
    thread, where they are shared.
    """
    if source.service is not None:
        return RemoteReader(source)
    return FileReader(files, source, OpenedFiles(source, handles))
