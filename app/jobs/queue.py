"""What waits, what is ahead of it, and the bells that keep it moving."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from app import blocks, broker
from app.database import BlockRow, JobBlockRow, JobRow, Sessions, now_s
from app.definitions import BlockCell
from app.jobs.states import ACTIVE, get, progress
from app.jobs.work import block_bbox, block_ended


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
        select(func.count())
        .select_from(JobBlockRow)
        .join(BlockRow, BlockRow.key == JobBlockRow.block_key)
        .where(JobBlockRow.job_id == job_id, blocks.claimable())
    )
    return bool(session.scalar(statement))


def sweep(sessions: Sessions, *, most_attempts: int, silence_s: float) -> list[str]:
    """Fails blocks that were lost too often, and rings for active jobs nobody has worked on for `silence_s`.

    Any number of processes may sweep: a job is rung by the one whose update came first. Returns the jobs rung.
    """
    with sessions.write() as session:
        complete: list[str] = []
        for key in blocks.expire(session, most_attempts):
            row = session.get_one(BlockRow, key)
            complete += block_ended(session, key, block_bbox(row.epsg, BlockCell(row.grid_column, row.grid_row)))
        held = (
            select(JobBlockRow.job_id)
            .join(BlockRow, BlockRow.key == JobBlockRow.block_key)
            .where(BlockRow.status == "claimed", BlockRow.lease_until >= now_s())
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


def jobs_ahead(session: Session, job: JobRow) -> int:
    """Active jobs that are older."""
    statement = select(func.count()).where(JobRow.status.in_(ACTIVE), JobRow.created_at < job.created_at)
    return session.scalar(statement) or 0


def blocks_ahead(session: Session, job: JobRow) -> int:
    """Blocks still to compute that older active jobs asked for."""
    return (
        session.scalar(
            select(func.count(func.distinct(JobBlockRow.block_key)))
            .join(JobRow, JobRow.id == JobBlockRow.job_id)
            .join(BlockRow, BlockRow.key == JobBlockRow.block_key)
            .where(
                JobRow.status.in_(ACTIVE),
                JobRow.created_at < job.created_at,
                BlockRow.status.in_(("waiting", "claimed")),
            )
        )
        or 0
    )


def seconds_per_block(session: Session, model_id: str | None, *, sample: int = 20) -> float | None:
    """Mean of the latest blocks computed with that model; None before the first."""
    latest = (
        select(BlockRow.seconds)
        .where(BlockRow.model_id == model_id, BlockRow.status == "done", BlockRow.seconds.is_not(None))
        .order_by(BlockRow.finished_at.desc())
        .limit(sample)
        .subquery()
    )
    return session.scalar(select(func.avg(latest.c.seconds)))


def ready_blocks(session: Session, keys: Sequence[str]) -> int:
    """How many of these blocks are computed already."""
    return session.scalar(select(func.count()).where(BlockRow.key.in_(keys), BlockRow.status == "done")) or 0
