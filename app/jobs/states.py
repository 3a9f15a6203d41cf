"""What a job's row says: its status, its progress, its events, and the one way a status changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from app.database import BlockRow, EventRow, JobBlockRow, JobRow, now_s
from app.errors import JobUnknown

ACTIVE = ("accepted", "running")
TERMINAL = ("successful", "failed", "dismissed")

PREDICT_LAND_COVER = "predict-land-cover"
MEASURE_AREAS = "measure-areas"
COMPARE_LAYERS = "compare-layers"


class Progress(NamedTuple):
    """Blocks of a job: all, done, failed. A job that counts has none: nothing but its end is left to do."""

    total: int
    done: int
    failed: int

    @property
    def finished(self) -> bool:
        return self.done + self.failed == self.total


def get(session: Session, job_id: str) -> JobRow:
    """Raises JobUnknown where there is none of that id."""
    job = session.get(JobRow, job_id)
    if job is None:
        raise JobUnknown("there is no job of that id")
    return job


def request_id(session: Session, job_id: str) -> str | None:
    """Under which the logs have the request for a job."""
    return session.scalar(select(JobRow.request_id).where(JobRow.id == job_id))


def progress(session: Session, job_id: str) -> Progress:
    """As the job's row counts it. Raises JobUnknown."""
    counted = session.execute(
        select(JobRow.blocks_total, JobRow.blocks_done, JobRow.blocks_failed).where(JobRow.id == job_id)
    ).one_or_none()
    if counted is None:
        raise JobUnknown("there is no job of that id")
    return Progress(*counted)


def done_blocks(session: Session, job_id: str) -> list[BlockRow]:
    """In the job's order."""
    statement = (
        select(BlockRow)
        .join(JobBlockRow, JobBlockRow.block_key == BlockRow.key)
        .where(JobBlockRow.job_id == job_id, BlockRow.status == "done")
        .order_by(JobBlockRow.position)
    )
    return list(session.scalars(statement))


def ended_blocks(session: Session, job_id: str) -> list[BlockRow]:
    """Those done and those failed, of every imagery source that the job is about, in the job's order."""
    statement = (
        select(BlockRow)
        .join(JobBlockRow, JobBlockRow.block_key == BlockRow.key)
        .where(JobBlockRow.job_id == job_id, BlockRow.status.in_(("done", "failed")))
        .order_by(JobBlockRow.position)
    )
    return list(session.scalars(statement))


def record(session: Session, job_id: str, kind: str, data: dict[str, Any] | None = None) -> None:
    """Appends an event; those who follow the job are shown it in the order of ids.

    Counting up locks the job until the commit, so that no event becomes visible after one of a higher id.
    """
    number = session.scalar(
        update(JobRow)
        .where(JobRow.id == job_id)
        .values(last_event=JobRow.last_event + 1)
        .returning(JobRow.last_event)
        .execution_options(synchronize_session=False)
    )
    session.add(EventRow(job_id=job_id, id=number, kind=kind, data=data or {}))


def events_since(session: Session, job_id: str, event_id: int, *, limit: int = 500) -> Sequence[EventRow]:
    return session.scalars(
        select(EventRow).where(EventRow.job_id == job_id, EventRow.id > event_id).order_by(EventRow.id).limit(limit)
    ).all()


def move(session: Session, job_id: str, *from_statuses: str, fence: int | None = None, **values: Any) -> bool:
    """Changes a job that is in one of these statuses; False, and nothing happens, when it is in another by now.

    fence: the number the job must still have, for a worker that holds it.
    """
    statement = update(JobRow).where(JobRow.id == job_id, JobRow.status.in_(from_statuses))
    if fence is not None:
        statement = statement.where(JobRow.fence == fence)
    result = session.execute(statement.values(updated_at=now_s(), **values))
    return isinstance(result, CursorResult) and result.rowcount == 1


def end(session: Session, job_id: str, status: str, message: str, *, fence: int | None = None, **values: Any) -> bool:
    """Ends an active job, once: a terminal status is never left."""
    values |= {"status": status, "message": message, "finished_at": now_s(), "used_at": now_s()}
    moved = move(session, job_id, *ACTIVE, fence=fence, **values)
    if moved:
        record(session, job_id, "status")
    return moved
