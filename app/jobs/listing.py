"""Lists of an owner's jobs: which of them, newest first, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, case, or_, select
from sqlalchemy.orm import Session

from app.database import JobRow, now_s
from app.errors import ParameterInvalid


@dataclass(frozen=True)
class Selection:
    """Which jobs. Times in seconds since 1970, durations in seconds; None and empty: whatever.

    created_from, created_until: the latter excluded. A job lasts from its start to its end, or to this moment; one that
    has not begun has no duration. `before`: those that were asked for before the job of that id.
    """

    processes: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    created_from: float | None = None
    created_until: float | None = None
    least_s: float | None = None
    most_s: float | None = None
    before: str | None = None


def list_of(session: Session, owner: str, chosen: Selection = Selection(), *, limit: int = 100) -> Sequence[JobRow]:
    """The owner's jobs, newest first. Raises ParameterInvalid where there is no job to go on after."""
    lasts_s = case((JobRow.status == "running", now_s()), else_=JobRow.finished_at) - JobRow.started_at
    wanted = select(JobRow).where(JobRow.owner == owner)
    if chosen.processes:
        wanted = wanted.where(JobRow.process.in_(chosen.processes))
    if chosen.statuses:
        wanted = wanted.where(JobRow.status.in_(chosen.statuses))
    if chosen.created_from is not None:
        wanted = wanted.where(JobRow.created_at >= chosen.created_from)
    if chosen.created_until is not None:
        wanted = wanted.where(JobRow.created_at < chosen.created_until)
    if chosen.least_s is not None:
        wanted = wanted.where(lasts_s >= chosen.least_s)
    if chosen.most_s is not None:
        wanted = wanted.where(lasts_s <= chosen.most_s)
    if chosen.before is not None:
        created_at = session.scalar(select(JobRow.created_at).where(JobRow.id == chosen.before, JobRow.owner == owner))
        if created_at is None:
            raise ParameterInvalid("there is no such job to go on after: begin the list anew", "before")
        older = and_(JobRow.created_at == created_at, JobRow.id < chosen.before)
        wanted = wanted.where(or_(JobRow.created_at < created_at, older))
    return session.scalars(wanted.order_by(JobRow.created_at.desc(), JobRow.id.desc()).limit(limit)).all()
