"""Blocks that had ended and are to be computed once more: asked for again after a failure, or found damaged.

Jobs that had counted their end count it back, unless a worker is making their results: those it makes from what it has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import blocks
from app.blocks import batches
from app.database import JobBlockRow, JobRow, Sessions, now_s
from app.jobs.states import ACTIVE


def try_again(session: Session, keys: Sequence[str]) -> None:
    """Lets failed blocks, whose rows are locked, be tried afresh, also for the active jobs that waited for them."""
    if keys:
        blocks.renew_attempts(session, keys)
        for job_id, count in sorted(_reopened(session, keys).items()):
            values = {"blocks_failed": JobRow.blocks_failed - count, "bells": 0, "rung_at": 0.0}
            session.execute(update(JobRow).where(JobRow.id == job_id).values(values))


def damaged(sessions: Sessions, keys: Sequence[str]) -> None:
    """Lets blocks be computed again whose files are not what was written; the active jobs that had them wait again."""
    with sessions.write() as session:
        done = [key for key, status in blocks.locked(session, keys).items() if status == "done"]
        blocks.recall(session, done)
        for job_id, count in sorted(_reopened(session, done).items()):
            values = {"blocks_done": JobRow.blocks_done - count, "bells": 0, "rung_at": 0.0, "progress": 0}
            session.execute(update(JobRow).where(JobRow.id == job_id).values(values))


def _reopened(session: Session, keys: Sequence[str]) -> Counter[str]:
    """How many of these blocks each active job had counted, and now waits for again. Locks the jobs by their ids."""
    held_by: set[str] = set()
    for batch in batches(keys):
        held_by.update(
            session.scalars(select(JobBlockRow.job_id).where(JobBlockRow.block_key.in_(batch), JobBlockRow.ended))
        )
    job_ids = [
        job_id
        for job_id in sorted(held_by)
        if session.scalar(
            select(JobRow.id)
            .where(JobRow.id == job_id, JobRow.status.in_(ACTIVE), JobRow.lease_until < now_s())
            .with_for_update()
        )
    ]
    reopened: Counter[str] = Counter()
    for batch in batches(keys):
        reopened.update(
            session.scalars(
                update(JobBlockRow)
                .where(JobBlockRow.block_key.in_(batch), JobBlockRow.job_id.in_(job_ids), JobBlockRow.ended)
                .values(ended=False)
                .returning(JobBlockRow.job_id)
                .execution_options(synchronize_session=False)
            )
        )
    return reopened
