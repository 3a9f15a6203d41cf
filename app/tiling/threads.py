"""The threads that read rasters: few, each with files of its own kept open, and nobody waits long for one."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from prometheus_client import Counter

from app.errors import TilesBusy

REFUSED = Counter("cosia_tiles_refused", "Tiles that nobody had time to draw, answered with 503.")

T = TypeVar("T")


class TileThreads:
    """A pool with a bounded queue.

    Work is refused (TilesBusy) when `queue_length` pieces wait already, and dropped unstarted when it has waited longer
    than `wait_s`: under more requests than can be answered, some are answered in time rather than all too late.
    """

    def __init__(self, threads: int, queue_length: int, wait_s: float) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="tile")
        self._limit = threads + queue_length
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._unfinished = 0

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Runs it as soon as a thread is free, with the caller's log context. Raises TilesBusy."""
        with self._lock:
            if self._unfinished >= self._limit:
                raise _busy()
            self._unfinished += 1
        future = self._pool.submit(contextvars.copy_context().run, self._run, work, time.monotonic())
        future.add_done_callback(self._finished)
        return future

    def _run(self, work: Callable[[], T], asked_at: float) -> T:
        if time.monotonic() - asked_at > self._wait_s:
            raise _busy()
        return work()

    def _finished(self, _: Future[T]) -> None:
        with self._lock:
            self._unfinished -= 1


class Flights:
    """One computation per key at a time: whoever asks for a key while it is being computed waits for the same one."""

    def __init__(self, threads: TileThreads) -> None:
        self._threads = threads
        # Re-entrant: a flight that ends while it is being entered lands within `join`.
        self._lock = threading.RLock()
        self._flying: dict[Hashable, Future[bytes]] = {}

    def join(self, key: Hashable, work: Callable[[], bytes]) -> Future[bytes]:
        """The flight of that key, which does `work` if it has to be started. Raises TilesBusy.

        It is shared: whoever loses interest leaves it alone rather than cancelling it.
        """
        with self._lock:
            flight = self._flying.get(key)
            if flight is None:
                flight = self._flying[key] = self._threads.submit(work)
                flight.add_done_callback(lambda _: self._land(key))
            return flight

    def _land(self, key: Hashable) -> None:
        with self._lock:
            self._flying.pop(key, None)


def _busy() -> TilesBusy:
    REFUSED.inc()
    return TilesBusy("more tiles are asked for than can be drawn at the moment: try again in some seconds", 2)
