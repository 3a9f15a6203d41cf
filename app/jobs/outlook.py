"""How long a job will take: what is left of it and what others have ahead, over the measured pace of the workers.

Active jobs take turns, so beside a small job a large one costs no more than the small one's own size. More urgent jobs
go first; less urgent ones wait.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from app import broker, workers
from app.database import BlockRow, JobRow, WorkerRow
from app.definitions import BLOCK_PX
from app.jobs.states import ACTIVE


class Outlook(NamedTuple):
    """workers: those that take such jobs now. px_per_s: of all of them together, None before the first measurement.

    jobs_ahead: active jobs that were asked for earlier, or are more urgent. blocks_ahead: how many blocks of others the
    workers will take in turn before the last of this job. seconds: until that; None where nobody works or no pace is
    known.
    """

    workers: int
    px_per_s: float | None
    jobs_ahead: int
    blocks_ahead: int
    seconds: float | None


def outlook(
    session: Session, *, model_id: str, blocks: int, priority: int = 1, before: JobRow | None = None
) -> Outlook:
    """Of a job that has `blocks` to compute; before: that job, where it has been asked for already."""
    queue = broker.queue_of(model_id) if before is None else before.queue
    priority = priority if before is None else before.priority
    paces = _seconds_per_block(session)
    rows = session.scalars(select(WorkerRow.seconds_per_block).where(workers.live(queue))).all()
    ahead = _blocks_ahead(session, queue=queue, priority=priority, blocks=blocks, job=before)
    blocks_per_s = _blocks_per_s(rows, paces, model_id)
    seconds = None
    if blocks_per_s:
        seconds = blocks / blocks_per_s
        for other, count in ahead.items():
            seconds += count / (_blocks_per_s(rows, paces, other) or blocks_per_s)
    return Outlook(
        workers=len(rows),
        px_per_s=blocks_per_s and blocks_per_s * BLOCK_PX**2,
        jobs_ahead=_active(session, queue, JobRow.priority <= priority)
        if before is None
        else jobs_ahead(session, before),
        blocks_ahead=sum(ahead.values()),
        seconds=seconds if blocks else 0.0,
    )


def _seconds_per_block(session: Session) -> dict[str, float]:
    """Model id -> the mean over all workers that have measured it, gone ones too: for those that have not yet."""
    measured: dict[str, list[float]] = {}
    for paces in session.scalars(select(WorkerRow.seconds_per_block)):
        for model_id, seconds in paces.items():
            measured.setdefault(model_id, []).append(seconds)
    return {model_id: sum(each) / len(each) for model_id, each in measured.items()}


def _blocks_per_s(rows: Sequence[Mapping[str, float]], paces: Mapping[str, float], model_id: str) -> float | None:
    each = [row.get(model_id) or paces.get(model_id) for row in rows]
    known = [1 / seconds for seconds in each if seconds]
    return sum(known) if known else None


def _blocks_ahead(session: Session, *, queue: str, priority: int, blocks: int, job: JobRow | None) -> dict[str, int]:
    """Model id -> blocks of other active jobs that come before the last of these `blocks`."""
    left = JobRow.blocks_total - JobRow.blocks_done - JobRow.blocks_failed
    turns = case((JobRow.priority < priority, left), (left < blocks, left), else_=blocks)
    statement = (
        select(JobRow.model_id, func.sum(turns))
        .where(JobRow.status.in_(ACTIVE), JobRow.queue == queue, JobRow.priority <= priority)
        .group_by(JobRow.model_id)
    )
    if job is not None:
        statement = statement.where(JobRow.id != job.id)
    return {str(model_id): int(count or 0) for model_id, count in session.execute(statement)}


def jobs_ahead(session: Session, job: JobRow) -> int:
    """Active jobs that were asked for earlier, or are more urgent."""
    earlier = and_(JobRow.priority == job.priority, JobRow.created_at < job.created_at, JobRow.id != job.id)
    return _active(session, job.queue, or_(JobRow.priority < job.priority, earlier))


def _active(session: Session, queue: str, which: ColumnElement[bool]) -> int:
    statement = select(func.count()).where(JobRow.status.in_(ACTIVE), JobRow.queue == queue, which)
    return session.scalar(statement) or 0


def ready_blocks(session: Session, keys: Sequence[str]) -> int:
    """How many of these blocks are computed already."""
    return session.scalar(select(func.count()).where(BlockRow.key.in_(keys), BlockRow.status == "done")) or 0
