"""Which files are not to be trusted: what threads that read, the scrubber and the readiness of the service share.

A file is *suspect* when a read of it failed: it is tried again at every read. It is *condemned* when its content is not
what was published: nothing is read from it, because it might open cleanly and show wrong classes. Paths stay in here
and in the log; they are never shown.
"""

from __future__ import annotations

import threading
from pathlib import Path

Stamp = tuple[int, int, int]
"""(size in bytes, time of modification in ns, inode) of a file: another one means that somebody wrote to it."""


def stamp_of(path: str) -> Stamp | None:
    """None where there is no such file, or none that can be looked at."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


class Integrity:
    """Safe to use from any thread; the questions of a reader cost a look into a dict."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._suspect: set[str] = set()
        self._condemned: set[str] = set()
        self._epochs: dict[str, int] = {}
        self._stamps: dict[str, Stamp | None] = {}

    def suspect(self, path: str) -> bool:
        """A read of it failed. Gives whether that is news."""
        with self._lock:
            news = path not in self._suspect and path not in self._condemned
            self._suspect.add(path)
            return news

    def condemn(self, path: str) -> bool:
        """Its content is wrong, or it is not there. Gives whether that is news."""
        with self._lock:
            news = path not in self._condemned
            self._condemned.add(path)
            self._begin_epoch(path)
            return news

    def acquit(self, path: str) -> bool:
        """Its content is right. Gives whether it was in doubt."""
        with self._lock:
            news = path in self._suspect or path in self._condemned
            self._suspect.discard(path)
            self._condemned.discard(path)
            self._begin_epoch(path)
            return news

    def watch(self, path: str, stamp: Stamp | None) -> None:
        """From now on the file counts as changed when its stamp is another one."""
        with self._lock:
            self._stamps[path] = stamp

    def watched(self, path: str) -> Stamp | None:
        """The stamp it was last seen with by whoever judges; None for none."""
        return self._stamps.get(path)

    def has_changed(self, path: str) -> bool:
        """Whether somebody wrote to a watched file since it was judged; looks at the file."""
        watched = self._stamps.get(path)
        return watched is not None and stamp_of(path) != watched

    def forget_others(self, paths: frozenset[str]) -> None:
        """Drops what is known of all files but these."""
        with self._lock:
            self._suspect &= paths
            self._condemned &= paths
            self._epochs = {path: epoch for path, epoch in self._epochs.items() if path in paths}
            self._stamps = {path: stamp for path, stamp in self._stamps.items() if path in paths}

    def is_condemned(self, path: str) -> bool:
        return path in self._condemned

    def epoch(self, path: str) -> int:
        """Grows with every judgement: whatever was opened in an earlier epoch may be another file."""
        return self._epochs.get(path, 0)

    def doubtful(self) -> frozenset[str]:
        """The suspect and the condemned."""
        with self._lock:
            return frozenset(self._suspect | self._condemned)

    def _begin_epoch(self, path: str) -> None:
        self._epochs[path] = self._epochs.get(path, 0) + 1


integrity = Integrity()
"""Of this process."""
