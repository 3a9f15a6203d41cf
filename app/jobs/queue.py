"""What waits, what is ahead of it, and the bells that keep it moving."""

from __future__ import annotations

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from app import blocks, broker
from app.database import BlockRow, JobBlockRow, JobRow, Sessions, now_s
from app.definitions import BlockCell
from app.jobs.states import ACTIVE, get, progress
from app.jobs.work import block_bbox, block_ended
from app.settings import settings

_AT_ONCE = 100


def ring(sessions: Sessions, job_id: str, *, batches: int = 1) -> None:
    """Asks the workers to look at an active job: at the blocks that can be claimed, or at its end."""
    with sessions.read() as session:
        if get(session, job_id).status not in ACTIVE:
            return
        finished, claimable = progress(session, job_id).finished, has_claimable(session, job_id)
    if finished:
        broker.ring(broker.FINALIZE, job_id)
    elif claimable:
        for _ in range(batches):
            broker.ring(broker.PREDICT, job_id)


def has_claimable(session: Session, job_id: str) -> bool:
    """Whether a job has a block that a worker could claim now."""
    statement = (
        select(JobBlockRow.block_key)
        .join(BlockRow, BlockRow.key == JobBlockRow.block_key)
        .where(JobBlockRow.job_id == job_id, blocks.open_(), blocks.claimable(settings().lease_s))
        .limit(1)
    )
    return session.scalar(statement) is not None


def fail_the_lost(sessions: Sessions, *, most_attempts: int) -> list[str]:
    """Fails some blocks whose last allowed attempt ended without a word; returns the jobs that wait for none now."""
    lease_s = settings().lease_s
    with sessions.read() as session:
        keys = blocks.lost(session, lease_s=lease_s, most_attempts=most_attempts, limit=_AT_ONCE)
    complete: list[str] = []
    for key in keys:  # one a transaction: who holds a job's row waits for no block
        with sessions.write() as session:
            row = blocks.expire(session, key, lease_s=lease_s)
            if row is not None:
                bbox = block_bbox(row.epsg, BlockCell(row.grid_column, row.grid_row))
                complete += block_ended(session, key, bbox, failed=True)
    return complete


def sweep(sessions: Sessions, *, most_attempts: int, silence_s: float) -> list[str]:
    """Fails blocks that were lost too often, and rings for active jobs nobody has worked on for `silence_s`.

    Any number of processes may sweep: a job is rung by the one whose update came first. Returns the jobs rung.
    """
    complete = fail_the_lost(sessions, most_attempts=most_attempts)
    with sessions.write() as session:
        held = (
            select(JobBlockRow.job_id)
            .join(BlockRow, BlockRow.key == JobBlockRow.block_key)
            .where(blocks.held(settings().lease_s))
        )
        job_ids = session.scalars(
            select(JobRow.id)
            .where(
                JobRow.status.in_(ACTIVE),
                JobRow.lease_until < now_s(),
                or_(
                    JobRow.id.in_(complete),
                    and_(JobRow.rung_at < now_s() - silence_s, JobRow.id.not_in(held)),
                ),
            )
            .with_for_update(skip_locked=True)
        ).all()
        session.execute(update(JobRow).where(JobRow.id.in_(job_ids)).values(rung_at=now_s()))
    for job_id in job_ids:
        ring(sessions, job_id)
    return list(job_ids)
