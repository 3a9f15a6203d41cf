"""One gate per host: how fast, and how many at a time, the threads of this process ask a server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import Unavailable


class Gate:
    """Lets requests to one host through, evenly spaced. Threads share it."""

    def __init__(self, per_s: float, parallel: int) -> None:
        self._changed = threading.Condition()
        self._spacing_s = 1 / per_s
        self._parallel = parallel
        self._inside = 0
        self._next_at = 0.0

    def keep_to(self, per_s: float, parallel: int) -> None:
        """Of several sources on one host, the one that allows least decides."""
        with self._changed:
            self._spacing_s = max(self._spacing_s, 1 / per_s)
            self._parallel = min(self._parallel, parallel)

    @contextmanager
    def turn(self, until: float) -> Iterator[None]:
        """Waits for a turn and holds it. until: by the monotonic clock. Raises Unavailable where none comes by then."""
        with self._changed:
            while (wait_s := self._next_at - time.monotonic()) > 0 or self._inside >= self._parallel:
                left_s = until - time.monotonic()
                if left_s <= max(wait_s, 0):
                    raise Unavailable("the map server asks for patience", max(1, round(wait_s)))
                self._changed.wait(wait_s if wait_s > 0 else left_s)
            self._inside += 1
            self._next_at = time.monotonic() + self._spacing_s
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify()

    def close_for(self, seconds: float) -> None:
        """Nobody asks for so long: the server said so to one of us, and counts us all together."""
        with self._changed:
            self._next_at = max(self._next_at, time.monotonic() + seconds)


_gates: dict[str, Gate] = {}
_registering = threading.Lock()


def gate_of(host: str, per_s: float, parallel: int) -> Gate:
    """The one gate of a host (name and port) in this process."""
    with _registering:
        gate = _gates.setdefault(host, Gate(per_s, parallel))
    gate.keep_to(per_s, parallel)
    return gate
