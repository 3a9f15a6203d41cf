"""Open rasters, kept by each thread: a warm tile opens no file.

A handle belongs to one thread (GDAL datasets are not shared between threads), one overview level and one version of
the file. Handles are closed when there are too many (least recently used first), when a read of their file fails, when
the file was written to or is judged anew, and when it belongs to no layer any more. A thread closes its own, at its
next read.
"""

from __future__ import annotations

import math
import os
import threading
from collections import OrderedDict
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import rasterio
import structlog
from rasterio.errors import RasterioError
from rasterio.windows import Window

from app.errors import RasterUnreadable
from app.settings import settings
from app.tiling.grids import Rectangle
from app.tiling.integrity import integrity
from app.tiling.rasters import Band

log = structlog.get_logger(__name__)

# MB of decoded tiles that GDAL keeps; by itself it takes a twentieth of the machine's memory, in each process. It looks
# up the variable once, at its first read. An operator's own value stays.
os.environ.setdefault("GDAL_CACHEMAX", "128")

FULL_RESOLUTION = -1

_WORDS = "the raster under this place cannot be read at the moment: try again in some seconds"

_Key = tuple[str, str, int]


class _Handle(NamedTuple):
    dataset: rasterio.DatasetReader
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


@lru_cache(maxsize=16384)
def factors(band: Band) -> tuple[int, ...]:
    """Decimation factors of the overviews of a file, finest first: powers of two. Raises RasterUnreadable.

    GDAL tells quotients of sizes, 255 for the 196 pixels that 50 000 become; our writer halves pixels exactly
    (decision 0010), so that the last one of a row may reach beyond the raster.
    Kept for good, for many more files than are open: they follow from the content, which the band's version names, and
    without them every read of an overview would open the raster itself too.
    """
    return tuple(1 << round(math.log2(told)) for told in _handle(band, FULL_RESOLUTION).dataset.overviews(band.number))


def level_size(band: Band, level: int) -> tuple[int, int]:
    """(width, height) of a level in pixels. Raises RasterUnreadable."""
    dataset = _handle(band, level).dataset
    return dataset.width, dataset.height


def read(band: Band, level: int, pixels: Rectangle) -> np.ndarray:
    """(height, width) uint8 of pixels that lie inside the level. Raises RasterUnreadable."""
    if integrity.has_changed(band.path):
        _close(band)
        raise _unreadable(band, "it was written to")
    window = Window(pixels.column, pixels.row, pixels.width, pixels.height)
    try:
        array: np.ndarray = _handle(band, level).dataset.read(band.number, window=window)
    except (RasterioError, IndexError) as error:
        _close(band)
        raise _unreadable(band, str(error)) from error
    return array


def _handle(band: Band, level: int) -> _Handle:
    if _handles.kept is not _kept:
        _close_others()
    if integrity.is_condemned(band.path):
        _close(band)
        raise RasterUnreadable(_WORDS)
    key = (band.path, band.version, level)
    known = _handles.open.get(key)
    if known is not None:
        if known.epoch == integrity.epoch(band.path):
            _handles.open.move_to_end(key)
            return known
        _close(band)
    handle = _handles.open[key] = _open(band, level)
    while len(_handles.open) > settings().raster_handles:
        _handles.open.popitem(last=False)[1].dataset.close()
    return handle


def _open(band: Band, level: int) -> _Handle:
    epoch = integrity.epoch(band.path)  # before the file is opened: it may be judged meanwhile
    # No listing of the folder and no side files: what a tile shows is in the one file that was named.
    options = {} if level == FULL_RESOLUTION else {"OVERVIEW_LEVEL": level}
    try:
        with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_PAM_ENABLED=False):
            dataset = rasterio.open(band.path, driver="GTiff", **options)
    except RasterioError as error:
        raise _unreadable(band, str(error)) from error
    return _Handle(dataset, epoch)


def _close(band: Band) -> None:
    for key in [key for key in _handles.open if key[0] == band.path]:
        _handles.open.pop(key).dataset.close()


def _close_others() -> None:
    _handles.kept = _kept
    for key in [key for key in _handles.open if key[0] not in _handles.kept]:
        _handles.open.pop(key).dataset.close()


def _unreadable(band: Band, reason: str) -> RasterUnreadable:
    if integrity.suspect(band.path):  # once, however many tiles it has
        log.error("raster_unreadable", raster=band.path, reason=reason)
    return RasterUnreadable(_WORDS)
