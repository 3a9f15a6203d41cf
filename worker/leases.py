"""Keeps the claims of a batch alive while it is worked on."""

from __future__ import annotations

import threading
from types import TracebackType

import structlog

from app import blocks
from app.blocks import Claim
from app.database import Sessions
from app.errors import Unavailable

log = structlog.get_logger(__name__)


class Leases:
    """Renews the claims of a batch three times per lease, from a thread of its own, until they are dropped.

    A worker that hangs would renew for ever: renewal ends `most_s` after the last `progress` was told.
    """

    def __init__(self, sessions: Sessions, claims: list[Claim], *, lease_s: float, most_s: float) -> None:
        self._sessions = sessions
        self._claims = {claim.key: claim for claim in claims}
        self._lease_s = lease_s
        self._rounds_without_progress = 0
        self._most_rounds = int(most_s / (lease_s / 3))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="leases", daemon=True)

    def __enter__(self) -> Leases:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def drop(self, claim: Claim) -> None:
        """The block has ended: its lease needs no renewal, and the others have made progress."""
        self._claims.pop(claim.key, None)
        self._rounds_without_progress = 0

    def _renew(self) -> None:
        while not self._stop.wait(self._lease_s / 3) and self._rounds_without_progress < self._most_rounds:
            self._rounds_without_progress += 1
            try:
                with self._sessions.write() as session:
                    for claim in list(self._claims.values()):
                        if not blocks.renew(session, claim, lease_s=self._lease_s):
                            log.warning("lease_lost", block=claim.key, fence=claim.fence)
            except Unavailable:
                log.warning("lease_not_renewed", blocks=list(self._claims))
