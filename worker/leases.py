"""Keeps what a worker holds alive while it is worked on: the claims of a batch, or a job whose results are made."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

import structlog

from app import blocks, jobs
from app.blocks import Claim
from app.database import JobRow, Sessions
from app.errors import Unavailable

log = structlog.get_logger(__name__)

# Between two looks at whether the job is still wanted.
_LOOK_S = 1.0


class _Heartbeat:
    """Renews three times per lease, from a thread of its own, between entering and leaving.

    A worker that hangs would renew for ever: renewal ends `most_s` after the last `progress` was told.
    """

    def __init__(self, renew: Callable[[], None], *, lease_s: float, most_s: float) -> None:
        self._renew = renew
        self._every_s = lease_s / 3
        self._rounds_without_progress = 0
        self._most_rounds = int(most_s / self._every_s)
        self._stop = threading.Event()
        # Its log lines name the job too.
        self._thread = threading.Thread(
            target=contextvars.copy_context().run, args=(self._beat,), name="leases", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._stop.set()
        self._thread.join()

    def progress(self) -> None:
        self._rounds_without_progress = 0

    def _beat(self) -> None:
        while not self._stop.wait(self._every_s) and self._rounds_without_progress < self._most_rounds:
            self._rounds_without_progress += 1
            try:
                self._renew()
            except Unavailable:
                log.warning("lease_not_renewed")


class Leases:
    """The claims of a batch, renewed until they are dropped."""

    def __init__(self, sessions: Sessions, *, lease_s: float, most_s: float) -> None:
        self._sessions = sessions
        self._claims: dict[str, Claim] = {}
        self._lease_s = lease_s
        self._heartbeat = _Heartbeat(self._renew, lease_s=lease_s, most_s=most_s)

    @contextmanager
    def holding(self, claims: Sequence[Claim]) -> Iterator[None]:
        """Renews these claims meanwhile."""
        self._claims = {claim.key: claim for claim in claims}
        self._heartbeat.start()
        try:
            yield
        finally:
            self._heartbeat.end()

    def drop(self, claim: Claim) -> None:
        """The block has ended: its lease needs no renewal, and the others have made progress."""
        self._claims.pop(claim.key, None)
        self._heartbeat.progress()

    def progress(self) -> None:
        """A piece of the work is done: the worker does not hang."""
        self._heartbeat.progress()

    def held(self) -> list[Claim]:
        """Those not dropped yet, in the order in which they were claimed."""
        return list(self._claims.values())

    def _renew(self) -> None:
        with self._sessions.write() as session:
            for claim in sorted(self.held(), key=lambda held: held.key):  # in the order in which all lock blocks
                if not blocks.renew(session, claim, lease_s=self._lease_s):
                    log.warning("lease_lost", block=claim.key, fence=claim.fence)


class JobLease:
    """A job whose results this worker is making, renewed until the end of the `with`."""

    def __init__(
        self,
        sessions: Sessions,
        job: JobRow,
        *,
        lease_s: float,
        most_s: float,
        on_progress: Callable[[], None] | None = None,
    ) -> None:
        self._sessions = sessions
        self._job = job
        self._on_progress = on_progress
        self._looked = time.monotonic()
        self._lease_s = lease_s
        self._heartbeat = _Heartbeat(self._renew, lease_s=lease_s, most_s=most_s)
        self.lost = False
        """Whether the job has ended (a dismissal) or is in other hands: nothing more is to be done for it."""

    def __enter__(self) -> JobLease:
        self._heartbeat.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._heartbeat.end()

    def progress(self) -> None:
        """A piece of the work is done: the worker does not hang."""
        self._heartbeat.progress()
        if self._on_progress is not None:
            self._on_progress()

    def require(self) -> None:
        """As `progress`; raises NotWanted where the job was dismissed or is in other hands. Looks once a second."""
        self.progress()
        if not self.lost and time.monotonic() > self._looked + _LOOK_S:
            self._looked = time.monotonic()
            self._renew()
        if self.lost:
            raise NotWanted

    def _renew(self) -> None:
        with self._sessions.write() as session:
            if not jobs.renew_finalizing(session, self._job, lease_s=self._lease_s):
                self.lost = True
                log.warning("lease_lost", job_id=self._job.id, fence=self._job.fence)


class NotWanted(Exception):
    """The job was dismissed, or is in other hands."""
