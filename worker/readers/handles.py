"""Open rasters, kept by the threads that read them."""

from __future__ import annotations

import threading
from collections import OrderedDict

from rasterio.io import DatasetReader

from app.errors import RasterRefused
from app.imagery import Bounds, PixelLayout, open_href
from app.settings import settings

_MOVED_M = 0.01


class Handles:
    """Each thread's own: `raster_handles` at most, the least recently read closed first."""

    def __init__(self) -> None:
        self._most = settings().raster_handles
        self._of_thread = threading.local()

    def open(self, href: str, bounds: Bounds, moved_m: float = _MOVED_M) -> DatasetReader:
        """A file of that href, open already or anew. bounds: as it was registered, true but for `moved_m`.

        Raises RasterRefused where it is another file, OSError or rasterio's RasterioIOError where it cannot be read,
        Unavailable where the storage is away.
        """
        opened: OrderedDict[str, DatasetReader] = self._of_thread.__dict__.setdefault("opened", OrderedDict())
        if href not in opened:
            raster = open_href(href)
            now = PixelLayout.of(raster).bounds
            if max(abs(a - b) for a, b in zip(now, bounds, strict=True)) > moved_m:
                raise RasterRefused("the file is another one than was registered")
            opened[href] = raster
            if len(opened) > self._most:
                opened.popitem(last=False)[1].close()
        opened.move_to_end(href)
        return opened[href]

    def forget(self) -> None:
        """Those of this thread: of a file that comes back, the old handle may stay broken."""
        self._of_thread.__dict__.pop("opened", None)
