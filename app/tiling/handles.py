"""Open rasters, kept by each thread: a warm tile opens no file.

A handle belongs to one thread (GDAL datasets are not shared between threads), one overview level and one version of
the file; the least recently used are closed when there are too many, all those of a file when it cannot be read.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
import rasterio
import structlog
from rasterio.errors import RasterioError
from rasterio.windows import Window

from app.errors import RasterUnreadable
from app.settings import settings
from app.tiling.grids import Rectangle
from app.tiling.rasters import Band

log = structlog.get_logger(__name__)

FULL_RESOLUTION = -1

_Key = tuple[str, str, int]


class _Handle(NamedTuple):
    dataset: rasterio.DatasetReader
    factors: tuple[int, ...]


class _Handles(threading.local):
    def __init__(self) -> None:
        self.open: OrderedDict[_Key, _Handle] = OrderedDict()


_handles = _Handles()


def factors(band: Band) -> tuple[int, ...]:
    """Decimation factors of the overviews of a file, finest first. Raises RasterUnreadable."""
    return _handle(band, FULL_RESOLUTION).factors


def level_size(band: Band, level: int) -> tuple[int, int]:
    """(width, height) of a level in pixels. Raises RasterUnreadable."""
    dataset = _handle(band, level).dataset
    return dataset.width, dataset.height


def read(band: Band, level: int, pixels: Rectangle) -> np.ndarray:
    """(height, width) uint8 of pixels that lie inside the level. Raises RasterUnreadable."""
    window = Window(pixels.column, pixels.row, pixels.width, pixels.height)
    try:
        array: np.ndarray = _handle(band, level).dataset.read(band.number, window=window)
    except (RasterioError, IndexError) as error:
        forget(band)
        raise _unreadable(band, error) from error
    return array


def forget(band: Band) -> None:
    """Closes this thread's handles of a file: the next read opens it anew, repaired perhaps."""
    for key in [key for key in _handles.open if key[:2] == (band.path, band.version)]:
        _handles.open.pop(key).dataset.close()


def _handle(band: Band, level: int) -> _Handle:
    key = (band.path, band.version, level)
    known = _handles.open.get(key)
    if known is not None:
        _handles.open.move_to_end(key)
        return known
    # No listing of the folder and no side files: what a tile shows is in the one file that was named.
    options = {} if level == FULL_RESOLUTION else {"OVERVIEW_LEVEL": level}
    try:
        with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_PAM_ENABLED=False):
            dataset = rasterio.open(band.path, driver="GTiff", **options)
    except RasterioError as error:
        raise _unreadable(band, error) from error
    handle = _Handle(dataset, tuple(dataset.overviews(1)))
    _handles.open[key] = handle
    while len(_handles.open) > settings().raster_handles:
        _handles.open.popitem(last=False)[1].dataset.close()
    return handle


def _unreadable(band: Band, error: Exception) -> RasterUnreadable:
    log.error("raster_unreadable", raster=band.path, reason=str(error))
    return RasterUnreadable("the raster under this place cannot be read at the moment: try again in some seconds")
