"""What a worker does beside its work, every few seconds: a sign of life and, if it is its turn, sweeping for all."""

from __future__ import annotations

import threading

import structlog

from app import jobs, workers
from app.database import Sessions
from app.errors import CosiaError
from app.expiry import Expiry
from worker.presence import Presence

log = structlog.get_logger(__name__)

_ROUNDS_PER_EXPIRY = 6


class Sweeper:
    """A thread of the worker; a round every `every_s` seconds, and one in some looks at what has expired."""

    def __init__(self, sessions: Sessions, presence: Presence, expiry: Expiry, *, every_s: float) -> None:
        self._sessions = sessions
        self._presence = presence
        self._expiry = expiry
        self._every_s = every_s
        self._rounds = 0

    def start(self, stop: threading.Event) -> None:
        threading.Thread(target=self._run, args=(stop,), name="sweeper", daemon=True).start()

    def _run(self, stop: threading.Event) -> None:
        while True:
            try:
                self.round()
            except CosiaError as error:
                log.warning("sweep_postponed", reason=error.message)
            except Exception:
                # The sweeper is what everything else relies on to recover: it outlives its own surprises.
                log.exception("sweep_failed")
            if stop.wait(self._every_s):
                return

    def round(self) -> None:
        """Raises Unavailable while the database is away."""
        self._presence.beat()
        with self._sessions.read() as session:
            if workers.leader(session) != self._presence.id:
                return
        swept = jobs.sweep(self._sessions)
        for key in swept.blocks_failed:
            log.warning("block_given_up", block=key, reason="its worker was lost")
        for job_id in swept.jobs_rung:
            log.info("job_rung_again", job_id=job_id)
        self._presence.tally("sweeps")
        self._presence.tally("jobs_rung_again", len(swept.jobs_rung))
        self._presence.tally("attempts_failed", len(swept.blocks_failed))
        with self._sessions.write() as session:
            workers.fold(session)
        if self._rounds % _ROUNDS_PER_EXPIRY == 0:
            expired = self._expiry.round()
            self._presence.tally("results_expired", expired.results)
            self._presence.tally("blocks_expired", expired.blocks)
        self._rounds += 1
