"""How long a job will take: what is left of it and what others have ahead, over the measured pace of the workers.

Active jobs take turns, so beside a small job a large one costs no more than the small one's own size. More urgent jobs
go first; less urgent ones wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from app import broker
from app.database import BlockRow, JobRow
from app.definitions import BLOCK_PX, parts_of
from app.jobs.fetching import Fetch
from app.jobs.paces import Paces
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
    session: Session,
    *,
    predicted_by: str,
    blocks: int,
    fetches: Sequence[Fetch] = (),
    priority: int = 1,
    before: JobRow | None = None,
) -> Outlook:
    """Of a job that has `blocks` to compute; before: that job, where it has been asked for already.

    fetches: where its imagery is from, as far as map servers give it. Of a job that has been asked for, and of those
    ahead, what was measured counts alone.
    """
    queue = broker.queue_of(*parts_of(predicted_by)[0]) if before is None else before.queue
    priority = priority if before is None else before.priority
    paces = Paces(session, queue)
    ahead = _blocks_ahead(session, queue=queue, priority=priority, blocks=blocks, job=before)
    blocks_per_s = paces.blocks_per_s(predicted_by, _fetches_of(before.source_id) if before is not None else fetches)
    seconds = None
    if blocks_per_s:
        seconds = blocks / blocks_per_s
        for (other, source_id), count in ahead.items():
            seconds += count / (paces.blocks_per_s(other, _fetches_of(source_id)) or blocks_per_s)
    return Outlook(
        workers=paces.workers,
        px_per_s=blocks_per_s and blocks_per_s * BLOCK_PX**2,
        jobs_ahead=_active(session, queue, JobRow.priority <= priority)
        if before is None
        else jobs_ahead(session, before),
        blocks_ahead=sum(ahead.values()),
        seconds=seconds if blocks else 0.0,
    )


def _fetches_of(source_id: str | None) -> list[Fetch]:
    return [] if source_id is None else [Fetch(source_id)]


def _blocks_ahead(
    session: Session, *, queue: str, priority: int, blocks: int, job: JobRow | None
) -> dict[tuple[str, str | None], int]:
    """What predicts, and from which imagery -> blocks of other active jobs that come before the last of these."""
    left = JobRow.blocks_total - JobRow.blocks_done - JobRow.blocks_failed
    turns = case((JobRow.priority < priority, left), (left < blocks, left), else_=blocks)
    statement = (
        select(JobRow.predicted_by, JobRow.source_id, func.sum(turns))
        .where(JobRow.status.in_(ACTIVE), JobRow.queue == queue, JobRow.priority <= priority)
        .group_by(JobRow.predicted_by, JobRow.source_id)
    )
    if job is not None:
        statement = statement.where(JobRow.id != job.id)
    return {(str(name), source_id): int(count or 0) for name, source_id, count in session.execute(statement)}


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
