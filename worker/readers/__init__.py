"""Imagery of a source on the pixels of a grid, from files or from a map server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from app.definitions import Band, Grid, ImagerySource
from app.imagery import ImageryFile
from worker.readers.files import FileReader, OpenedFiles
from worker.readers.remote import RemoteReader

__all__ = ["FileReader", "ImageryReader", "OpenedFiles", "RemoteReader", "reader_of"]


class ImageryReader(Protocol):
    """What reads a source."""

    def read(self, grid: Grid, bands: tuple[Band, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Bytes of the bands on the grid, (bands, height, width) uint8, and (height, width) bool, where they are."""
        ...


def reader_of(source: ImagerySource, files: Sequence[ImageryFile], opened: OpenedFiles | None = None) -> ImageryReader:
    """files: those of the source that may be needed; none where it is read from a map server."""
    return RemoteReader(source) if source.service is not None else FileReader(files, source, opened)
