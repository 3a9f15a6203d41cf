"""How fast a batch of blocks is."""

from __future__ import annotations

import threading
import time


class Pace:
    """Seconds per block of a batch, from the first that begins to the last that is written, without the loading of the
    network. Threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began: float | None = None
        self._ended = 0.0
        self._blocks = 0

    def begin(self) -> float:
        """Now, on the clock that only goes forward."""
        now = time.monotonic()
        with self._lock:
            self._began = self._began or now
        return now

    def end(self) -> None:
        """Another block is written."""
        with self._lock:
            self._ended = time.monotonic()
            self._blocks += 1

    @property
    def seconds_per_block(self) -> float | None:
        """None before the first is written."""
        with self._lock:
            return (self._ended - self._began) / self._blocks if self._began and self._blocks else None
