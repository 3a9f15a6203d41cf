"""This worker process as others see it: its row, its measured pace, what it has counted, and whether it takes work."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Sequence

import structlog

from app import workers
from app.database import Sessions

log = structlog.get_logger(__name__)

_WEIGHT_OF_LATEST = 0.5


class Presence:
    """Shared by the threads of the process. `id` is also the owner of its claims."""

    def __init__(self, sessions: Sessions, *, device: str, queues: Sequence[str]) -> None:
        self.id = _new_id()
        self.queues = tuple(queues)
        self.device = device
        self._sessions = sessions
        self._lock = threading.Lock()
        self._registered = False
        self._told: dict[str, int] = {}
        self._tallies: Counter[str] = Counter()
        self._paces: dict[str, float] = {}
        self._fetch_paces: dict[str, float] = {}
        self._postponed = 0
        self._reason: str | None = "starting"
        self._listeners: list[Callable[[bool], None]] = []

    def tally(self, name: str, amount: float = 1) -> None:
        """Counts something that Prometheus is told of, see `app.workers`."""
        with self._lock:
            self._tallies[name] += amount  # type: ignore[assignment]  # seconds are counted too

    def measured(self, predicted_by: str, seconds_per_block: float) -> None:
        """The pace of a batch; the latest counts half."""
        self._note(self._paces, predicted_by, seconds_per_block)

    def fetched(self, source_id: str, seconds_per_block: float) -> None:
        """How fast a map server gave the imagery of a batch; the latest counts half."""
        self._note(self._fetch_paces, source_id, seconds_per_block)

    def _note(self, paces: dict[str, float], name: str, seconds_per_block: float) -> None:
        with self._lock:
            before = paces.get(name, seconds_per_block)
            paces[name] = before + _WEIGHT_OF_LATEST * (seconds_per_block - before)

    def paces(self) -> dict[str, float]:
        """What predicts (as in `JobRow.predicted_by`) -> seconds per block; without those not measured yet."""
        with self._lock:
            return dict(self._paces)

    def fetch_paces(self) -> dict[str, float]:
        """Imagery source -> seconds that its map server takes for a block; without those not measured yet."""
        with self._lock:
            return dict(self._fetch_paces)

    def weather_is_bad(self) -> int:
        """How many blocks in a row this worker has had to postpone, with this one."""
        with self._lock:
            self._postponed += 1
            return self._postponed

    def weather_is_fine(self) -> None:
        with self._lock:
            self._postponed = 0

    @property
    def out_of_service(self) -> str | None:
        """Why this worker predicts nothing; None where it does."""
        return self._reason

    def leave(self, reason: str) -> None:
        """Takes the worker out of service: the queues of predictions are for others."""
        if reason != self._reason:
            log.error("worker_out_of_service", reason=reason)
        self._set(reason)

    def come_back(self) -> None:
        """Puts the worker in service."""
        log.info("worker_in_service")
        self._set(None)

    def on_change(self, listener: Callable[[bool], None]) -> None:
        """listener: told whether the worker is in service, now and whenever that changes."""
        self._listeners.append(listener)
        listener(self._reason is None)

    def _set(self, reason: str | None) -> None:
        self._reason = reason
        for listener in self._listeners:
            listener(reason is None)

    def beat(self) -> None:
        """A sign of life. Raises Unavailable."""
        if self._registered and not self._tell():
            log.warning("worker_was_taken_for_dead", worker=self.id)
            with self._lock:  # what the row held is kept in the row of the past
                self._tallies.subtract(self._told)
                self._told = {}
                self.id = _new_id()
            self._registered = False
        if not self._registered:
            with self._sessions.write() as session:
                workers.register(session, self.id, host=socket.gethostname(), device=self.device, queues=self.queues)
            self._registered = True
            self._tell()

    def _tell(self) -> bool:
        """Whether the row is still there."""
        with self._lock:
            tallies, paces, fetch_paces = dict(self._tallies), dict(self._paces), dict(self._fetch_paces)
        with self._sessions.write() as session:
            there = workers.beat(
                session,
                self.id,
                seconds_per_block=paces,
                fetch_seconds=fetch_paces,
                tallies=tallies,
                out_of_service=self._reason,
            )
        if there:
            self._told = tallies
        return there

    def stop(self, reason: str | None = None) -> None:
        """The last word; reason: why the worker ends, where it was not asked to. Raises Unavailable."""
        self.beat()
        with self._sessions.write() as session:
            workers.stopped(session, self.id, reason=reason)


def _new_id() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
