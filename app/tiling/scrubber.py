"""Watches the files of the layers: a tile must not show what was not published.

A file overwritten by another valid one reads well. So each round looks at size, time and inode of every file, and
judges a change by the file's sha256; readers refuse a changed file until then. All files are also read through again
and again, slowly: rot changes neither size nor time, and what lies outside the compressed pixels has no checksum.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import rasterio
import structlog
from rasterio.errors import RasterioError
from rasterio.windows import Window

from app.tiling.integrity import Integrity, Stamp, stamp_of
from app.tiling.rasters import RasterRef

log = structlog.get_logger(__name__)

_CHUNK_BYTES = 1 << 20


class Scrubber:
    """`start` and `stop` its thread; `look` is one round.

    rasters: those of all layers as they are now. every_s: between two rounds. bytes_per_s: of reading files through
    that nothing has happened to; 0 for none.

    Files of an object store, whose content is known only by reading it over the network, and of confidence, whose
    sha256 no row holds, are not watched: a suspect one is acquitted when it can be read again.
    """

    def __init__(
        self, rasters: Callable[[], Iterable[RasterRef]], integrity: Integrity, every_s: float, bytes_per_s: int
    ) -> None:
        self._rasters = rasters
        self._integrity = integrity
        self._every_s = every_s
        self._bytes_per_round = int(bytes_per_s * every_s)
        self._expected: dict[str, str] = {}
        self._reading = self._read_through()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="scrubber", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def look(self) -> None:
        """One round over all files; changed and doubtful ones are judged."""
        rasters = list(self._rasters())
        self._expected = {raster.path: raster.version for raster in rasters if _is_local(raster.path)}
        doubtful = self._integrity.doubtful()
        for path in self._expected:
            stamp = stamp_of(path)
            # The first time, the content is believed until it is read through: a start must not read a country.
            watched = self._integrity.watched(path)
            if watched is None and stamp is not None and path not in doubtful:
                self._integrity.watch(path, stamp)
            elif stamp is None or stamp != watched or (path in doubtful and not self._integrity.is_condemned(path)):
                self._judge(path, stamp)
        for path in doubtful - self._expected.keys():
            if _reads(path):
                self._acquit(path)
        self._read_on()

    def _judge(self, path: str, stamp: Stamp | None) -> None:
        digest = None if stamp is None else _sha256(path)
        # Written to while it was read: the next round sees another stamp and judges again.
        self._integrity.watch(path, stamp)
        if digest == self._expected[path]:
            self._acquit(path)
        elif self._integrity.condemn(path):
            log.error("raster_condemned", raster=path, reason="missing" if digest is None else "other content")

    def _acquit(self, path: str) -> None:
        if self._integrity.acquit(path):
            log.info("raster_acquitted", raster=path)

    def _read_on(self) -> None:
        read_bytes = 0
        while read_bytes < self._bytes_per_round and (step := next(self._reading)):
            read_bytes += step

    def _read_through(self) -> Iterator[int]:
        """Reads one file after the other, for ever; gives the bytes of each step, 1 at least, and 0 after the last."""
        while True:
            for path, expected in list(self._expected.items()):
                if path in self._integrity.doubtful():
                    continue
                digest, stamp = hashlib.sha256(), stamp_of(path)
                for chunk in _chunks(path):
                    digest.update(chunk)
                    yield len(chunk)
                yield 1
                if stamp == stamp_of(path) and self._expected.get(path) == expected != digest.hexdigest():
                    self._judge(path, stamp)
            yield 0

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            try:
                self.look()
            except Exception:  # the thread goes on: the next round may do better
                log.exception("scrubber_failed")


def _is_local(path: str) -> bool:
    return not path.startswith("/vsi")


def _chunks(path: str) -> Iterator[bytes]:
    """The bytes of a file as far as they can be read."""
    try:
        with Path(path).open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
    except OSError as error:
        log.warning("raster_not_read_through", raster=path, reason=error.strerror)


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(path):
        digest.update(chunk)
    return digest.hexdigest()


def _reads(path: str) -> bool:
    """Whether a file opens and its last pixel can be read, which lies at the end of it."""
    try:
        with rasterio.open(path, driver="GTiff") as dataset:
            dataset.read(1, window=Window(dataset.width - 1, dataset.height - 1, 1, 1))
    except RasterioError:
        return False
    return True
