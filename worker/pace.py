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
        self._fetched: list[float] = []
        self._apart_s = 0.0

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

    def fetched(self, seconds: float) -> None:
        """The imagery of a block has come from a map server, which took so long."""
        with self._lock:
            self._fetched.append(seconds)

    def wait_apart(self, seconds: float) -> None:
        """So long nothing was predicted, for want of imagery from a map server: that is told apart."""
        with self._lock:
            self._apart_s += seconds

    @property
    def seconds_per_block(self) -> float | None:
        """Of prediction; None before the first is written."""
        with self._lock:
            if not self._began or not self._blocks:
                return None
            return max(0.0, self._ended - self._began - self._apart_s) / self._blocks

    @property
    def fetch_seconds(self) -> float | None:
        """Of a block's imagery from a map server; None where none was."""
        with self._lock:
            return sum(self._fetched) / len(self._fetched) if self._fetched else None
