"""Open rasters, kept by each thread: a warm tile opens no file.

A handle belongs to one thread and one version of the file. Handles are closed when there are too many (least recently
used first), when a read of their file fails, when the file was written to or is judged anew, and when it belongs to no
layer any more. A thread closes its own, at its next read.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple, Protocol

import numpy as np
import structlog
from rasterio.errors import RasterioError

from app.errors import RasterUnreadable
from app.settings import settings
from app.tiling import objects
from app.tiling.grids import FULL_RESOLUTION, Rectangle
from app.tiling.integrity import integrity
from app.tiling.objects import ObjectFile
from app.tiling.rasters import Band
from app.tiling.tiff import FileDamaged, TiffFile

__all__ = ["FULL_RESOLUTION", "factors", "keep", "level_size", "read"]

log = structlog.get_logger(__name__)

_WORDS = "the raster under this place cannot be read at the moment: try again in some seconds"
_FAILURES = (FileDamaged, OSError, RasterioError, IndexError)

_Key = tuple[str, str]


class _File(Protocol):
    """levels: -1 is full resolution, 0 the finest overview."""

    factors: tuple[int, ...]

    def size(self, level: int) -> tuple[int, int]: ...

    def read(self, band: int, level: int, pixels: Rectangle) -> np.ndarray: ...

    def close(self) -> None: ...


class _Handle(NamedTuple):
    file: _File
    epoch: int


class _Handles(threading.local):
    def __init__(self) -> None:
        self.open: OrderedDict[_Key, _Handle] = OrderedDict()
        self.kept = _kept


_kept: frozenset[str] = frozenset()
_handles = _Handles()


def keep(paths: frozenset[str]) -> None:
    """Tells every thread which files the layers have now; it closes its handles of others at its next read.

    Blocks shown while a job runs belong to no layer: closed with the others, they are opened again when asked for.
    """
    global _kept
    _kept = paths
    integrity.forget_others(paths)


def factors(band: Band) -> tuple[int, ...]:
    """Decimation factors of the overviews of a file, finest first: powers of two. Raises RasterUnreadable."""
    return _file(band).factors


def level_size(band: Band, level: int) -> tuple[int, int]:
    """(width, height) of a level in pixels. Raises RasterUnreadable."""
    try:
        return _file(band).size(level)
    except _FAILURES as error:
        raise _failed(band, error) from error


def read(band: Band, level: int, pixels: Rectangle) -> np.ndarray:
    """(height, width) uint8 of pixels that lie inside the level. Raises RasterUnreadable."""
    if integrity.has_changed(band.path):
        _close(band)
        raise _unreadable(band, "it was written to")
    try:
        return _file(band).read(band.number, level, pixels)
    except _FAILURES as error:
        raise _failed(band, error) from error


def _file(band: Band) -> _File:
    if _handles.kept is not _kept:
        _close_others()
    if integrity.is_condemned(band.path):
        _close(band)
        raise RasterUnreadable(_WORDS)
    key = (band.path, band.version)
    known = _handles.open.get(key)
    if known is not None:
        if known.epoch == integrity.epoch(band.path):
            _handles.open.move_to_end(key)
            return known.file
        _close(band)
    handle = _handles.open[key] = _open(band)
    while len(_handles.open) > settings().raster_handles:
        _handles.open.popitem(last=False)[1].file.close()
    return handle.file


def _open(band: Band) -> _Handle:
    epoch = integrity.epoch(band.path)  # before the file is opened: it may be judged meanwhile
    try:
        if band.path.startswith(objects.PREFIX):
            return _Handle(ObjectFile(band.path), epoch)
        return _Handle(TiffFile(band.path, (band.version, epoch)), epoch)
    except _FAILURES as error:
        raise _failed(band, error) from error


def _close(band: Band) -> None:
    for key in [key for key in _handles.open if key[0] == band.path]:
        _handles.open.pop(key).file.close()


def _close_others() -> None:
    _handles.kept = _kept
    for key in [key for key in _handles.open if key[0] not in _handles.kept]:
        _handles.open.pop(key).file.close()


def _failed(band: Band, error: Exception) -> RasterUnreadable:
    _close(band)
    return _unreadable(band, str(error))


def _unreadable(band: Band, reason: str) -> RasterUnreadable:
    if integrity.suspect(band.path):  # once, however many tiles it has
        log.error("raster_unreadable", raster=band.path, reason=reason)
    return RasterUnreadable(_WORDS)
