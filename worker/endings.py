"""How blocks leave a worker: published, failed, postponed or handed back, each in one transaction."""

from __future__ import annotations

from typing import NamedTuple

import structlog
from sqlalchemy.orm import Session

from app import blocks, jobs
from app.blocks import Claim
from worker.persisting import Persistence
from worker.presence import Presence

log = structlog.get_logger(__name__)


class BlockFile(NamedTuple):
    """A block's file, whole in the storage. histogram: class value, as JSON has it -> pixels."""

    href: str
    sha256: str
    size_bytes: int
    histogram: dict[str, int]


class Endings:
    """Of the blocks of one batch, whose threads share it. most_attempts: the one with that number is a block's last."""

    def __init__(self, database: Persistence, presence: Presence, job_id: str, most_attempts: int) -> None:
        self._database = database
        self._presence = presence
        self._job_id = job_id
        self._most_attempts = most_attempts
        self.complete: list[str] = []
        """Jobs, this one or others, that wait for no block any more."""

    def publish(self, claim: Claim, file: BlockFile, seconds: float) -> None:
        """The block is done, unless its claim was taken over by another worker. seconds: that it took."""

        def publish(session: Session) -> list[str] | None:
            published = blocks.complete(
                session,
                claim,
                href=file.href,
                sha256=file.sha256,
                histogram=file.histogram,
                seconds=seconds,
                size_bytes=file.size_bytes,
            )
            return _ended(session, claim) if published else None

        complete = self._database.write(publish)
        if complete is None:
            log.warning("write_fenced", fence=claim.fence)
            self._presence.tally("writes_fenced")
            return
        log.info("block_done", seconds=round(seconds, 2))
        self._presence.tally("blocks_computed")
        self._presence.tally("px_computed", sum(file.histogram.values()))
        self._presence.tally("seconds_computing", seconds)
        self._presence.weather_is_fine()
        self.complete += complete

    def fail(self, claim: Claim, reason: str, *, final: bool = False) -> None:
        """Ends an attempt that counts; the last one, or one that no other can better, fails the block."""
        final = final or claim.attempts >= self._most_attempts
        wait_s = blocks.wait_s(claim.attempts)

        def fail(session: Session) -> list[str]:
            ended = blocks.fail_attempt(session, claim, reason, final=final, wait_s=wait_s)
            return _ended(session, claim, failed=True) if ended and final else []

        log.warning("attempt_failed", reason=reason, attempt=claim.attempts, final=final)
        self._presence.tally("attempts_failed")
        self.complete += self._database.write(fail)

    def postpone(self, claim: Claim, reason: str) -> None:
        """Gives a block back because of the weather: another try later, and no attempt is counted."""
        wait_s = blocks.wait_s(self._presence.weather_is_bad())

        def postpone(session: Session) -> None:
            if blocks.hand_back(session, claim, reason=reason, wait_s=wait_s):
                jobs.postponed(session, self._job_id, reason)

        log.warning("block_postponed", reason=reason, wait_s=wait_s)
        self._presence.tally("blocks_handed_back")
        self._database.write(postpone)

    def hand_back(self, claim: Claim) -> None:
        """Gives a block back that was not begun, for whoever comes first."""
        self._presence.tally("blocks_handed_back")
        self._database.write(lambda session: blocks.hand_back(session, claim))


def _ended(session: Session, claim: Claim, *, failed: bool = False) -> list[str]:
    return jobs.block_ended(session, claim.key, jobs.block_bbox(claim.epsg, claim.cell), failed=failed)
