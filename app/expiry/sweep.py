"""The rounds of expiry, led by one worker; two that lead at once take nothing away twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

from app.database import Sessions
from app.expiry import blocks, results, rows
from app.expiry.audit import Audit
from app.expiry.results import DAY_S
from app.settings import Settings
from app.storage import Storage

_ROUND_S = 4.0
"""A worker that sweeps for longer would miss its own sign of life."""

GRACE_S = DAY_S
"""No writing takes as long, and no clock of a host is so far off."""


class Expired(NamedTuple):
    """How many results and blocks went in a round."""

    results: int
    blocks: int

    def and_(self, more: Expired) -> Expired:
        return Expired(self.results + more.results, self.blocks + more.blocks)


class Expiry:
    """What one process remembers from round to round: how far its audit is."""

    def __init__(self, sessions: Sessions, storage: Storage, settings: Settings, *, grace_s: float = GRACE_S) -> None:
        self._sessions = sessions
        self._storage = storage
        self._settings = settings
        self._audit = Audit(sessions, storage, settings, grace_s=grace_s)
        self._walk: Iterator[None] = iter(())

    def round(self) -> Expired:
        """What is due, as far as seconds allow, some old rows, and one piece of the audit. Raises Unavailable."""
        started = time.monotonic()
        expired = some = self._due()
        while any(some) and time.monotonic() - started < _ROUND_S:
            some = self._due()
            expired = expired.and_(some)
        try:
            next(self._walk)
        except StopIteration:
            self._walk = self._audit.walk()
        return expired

    def all_at_once(self) -> Expired:
        """Everything that is due, and a whole audit, here and now."""
        gone = Expired(0, 0)
        while any(some := self._due()):
            gone = gone.and_(some)
        for _ in self._audit.walk():
            pass
        return gone

    def _due(self) -> Expired:
        results.measure(self._sessions, self._storage)
        blocks.measure(self._sessions, self._storage)
        expired = Expired(
            results.expire(self._sessions, self._storage, self._settings),
            blocks.expire(self._sessions, self._storage, self._settings),
        )
        rows.clear(self._sessions, self._settings)
        return expired
