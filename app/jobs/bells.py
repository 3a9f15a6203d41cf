"""Bells: messages that ask a worker to look at a job. As many as can be of use are on their way, and no more.

A job has at most as many batches in flight as there are workers for it, and COSIA_BATCHES_IN_FLIGHT: its next bell is
rung when a batch ends, behind those of others, so that a large job takes turns with small ones. What is on its way is
counted in the job's row; whoever hears a bell that is not counted there hears it twice, and does nothing.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from app import blocks, broker, workers
from app.database import BellRow, BlockRow, JobRow, Sessions, now_s
from app.jobs.finishing import held
from app.jobs.states import ACTIVE
from app.jobs.work import batch_owner, claimable
from app.settings import settings

_NOTED_PER_ROUND = 5
"""How often in a round of the sweeper the latest bell is noted: its grace is two rounds."""


def ring(sessions: Sessions, job_id: str, *, lost_of: float | None = None) -> int:
    """Rings for an active job as often as is of use: for its blocks, or for its end. Returns how often.

    lost_of: the time when its bells were rung that are known to be lost; they are rung anew.
    """
    with sessions.write() as session:
        job = session.scalar(select(JobRow).where(JobRow.id == job_id, JobRow.status.in_(ACTIVE)).with_for_update())
        if job is None:
            return 0
        if lost_of is not None and job.rung_at == lost_of:
            job.bells = 0
        finished = job.blocks_done + job.blocks_failed == job.blocks_total
        wanted = _wanted_for_end(session, job) if finished else _wanted_for_blocks(session, job)
        if wanted <= 0:
            return 0
        job.bells += wanted
        job.rung_at = now_s()  # an SQL expression, evaluated at flush
        session.flush()
        session.refresh(job, ["rung_at"])
        task, queue = (broker.FINALIZE, broker.CPU) if finished else (broker.PREDICT, job.queue)
    for sent in range(wanted):
        if not broker.ring(task, job_id, job.rung_at, queue, job.priority):
            _take_back(sessions, job_id, wanted - sent)
            return sent
    return wanted


def _wanted_for_end(session: Session, job: JobRow) -> int:
    in_hand = session.scalar(select(held(settings().lease_s)).where(JobRow.id == job.id))
    return 0 if in_hand or job.bells else 1


def _wanted_for_blocks(session: Session, job: JobRow) -> int:
    most = min(max(1, workers.count_live(session, job.queue)), settings().batches_in_flight)
    room = most - job.bells
    if room > 0:
        room -= _batches_running(session, job.id)
    if room > 0:
        room = min(room, claimable(session, job.id, most=room, lease_s=settings().lease_s))
    return room


def _batches_running(session: Session, job_id: str) -> int:
    """Workers that hold blocks for the job; found among the few blocks that are held by anybody."""
    of_job = BlockRow.owner.endswith(batch_owner("", job_id), autoescape=True)
    statement = select(func.count(func.distinct(BlockRow.owner))).where(blocks.held(settings().lease_s), of_job)
    return session.scalar(statement) or 0


def _take_back(sessions: Sessions, job_id: str, bells: int) -> None:
    """The broker was away: these bells are not on their way. One that got through all the same is heard as a double."""
    with sessions.write() as session:
        session.execute(
            update(JobRow).where(JobRow.id == job_id, JobRow.bells >= bells).values(bells=JobRow.bells - bells)
        )


def hear(sessions: Sessions, job_id: str, rung_at: float, queue: str, priority: int) -> bool:
    """A worker has heard a bell. False where it was heard before, or the job needs no bell of this kind any more.

    Also notes how far the queue has come: bells of the same queue and priority that were rung before are lost, unless
    they were heard.
    """
    _note_heard(sessions, rung_at, queue, priority)
    with sessions.write() as session:
        finished = JobRow.blocks_done + JobRow.blocks_failed == JobRow.blocks_total
        heard = session.execute(
            update(JobRow)
            .where(
                JobRow.id == job_id,
                JobRow.status.in_(ACTIVE),
                JobRow.bells > 0,
                finished if queue == broker.CPU else ~finished,
            )
            .values(bells=JobRow.bells - 1)
        )
        return isinstance(heard, CursorResult) and heard.rowcount == 1


def _note_heard(sessions: Sessions, rung_at: float, queue: str, priority: int) -> None:
    """All workers share this row: it is looked at first, and no other lock is waited for with it in hand."""
    # One noted ahead of time was rung before the clock was set back.
    behind = (BellRow.heard < rung_at - settings().sweep_s / _NOTED_PER_ROUND) | (BellRow.heard > now_s())
    with sessions.read() as session:
        known = session.scalar(select(behind).where(BellRow.queue == queue, BellRow.priority == priority))
    if known is not None and not known:
        return
    values: dict[str, Any] = {"queue": queue, "priority": priority, "heard": rung_at}
    with sessions.write() as session:
        insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
        session.execute(
            insert(BellRow)
            .values(values)
            .on_conflict_do_update(index_elements=["queue", "priority"], set_={"heard": rung_at}, where=behind)
        )
