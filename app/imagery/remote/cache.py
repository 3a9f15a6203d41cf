"""What map servers gave, kept on disk: bounded, the least recently used go first, safe between processes."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

_KEPT_SHARE = 0.9  # of the limit, after a clearing: so that not every write clears
_BETWEEN_CLEARINGS = 0.05  # of the limit, written by one process
_UNFINISHED_S = 3600.0
_DIGEST_BYTES = 32


class BodyCache:
    """Bodies under keys (hex digests). most_bytes: 0 keeps nothing.

    A file holds the digest of a body and the body, appears whole by renaming, and is dated anew when it is read.
    Whoever finds a damaged or vanished file has not found anything. Processes share the folder without a lock: the
    worst two clearings can do together is to remove a little more.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._written: float | None = None  # bytes since the last clearing; the first write of a process clears

    def get(self, key: str) -> bytes | None:
        path = self._path(key)
        try:
            content = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        digest, body = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if hashlib.sha256(body).digest() == digest:
            return body
        path.unlink(missing_ok=True)
        return None

    def put(self, key: str, body: bytes) -> None:
        """Keeps a body; where the disk refuses, it is not kept, and that is all."""
        if len(body) > self._most_bytes:
            return
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix="unfinished-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(hashlib.sha256(body).digest())
                    file.write(body)
                Path(unfinished).replace(path)
            except OSError:
                Path(unfinished).unlink(missing_ok=True)
                raise
        except OSError as error:
            log.warning("imagery_not_kept", reason=error.strerror)
            return
        with self._lock:
            due = self._written is None or self._written + len(body) > self._most_bytes * _BETWEEN_CLEARINGS
            self._written = 0.0 if due else (self._written or 0.0) + len(body)
        if due:
            self._clear()

    def _clear(self) -> None:
        found = []
        for path in self._folder.glob("??/*"):
            with suppress(OSError):
                status = path.stat()
                if path.name.startswith("unfinished-") and time.time() - status.st_mtime > _UNFINISHED_S:
                    path.unlink(missing_ok=True)
                else:
                    found.append((status.st_mtime_ns, status.st_size, path))
        total = sum(size for _, size, _ in found)
        if total <= self._most_bytes:
            return
        for _, size, path in sorted(found):
            if total <= self._most_bytes * _KEPT_SHARE:
                break
            with suppress(OSError):
                path.unlink(missing_ok=True)
                total -= size

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key[2:]
