"""Who sees a job: its owner under its id, anybody under its permalink, and nobody else.

A job of somebody else is not even read: that it exists shows neither in the answer nor in the time the answer takes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from app.access import Caller
from app.database import JobRow
from app.errors import JobUnknown

_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Seen:
    """A job as one caller sees it. `shown_id` is what its documents call it: its id, or its permalink."""

    job: JobRow
    shown_id: str


def seen_by(session: Session, job_id: str, caller: Caller) -> Seen:
    """The caller's job of that id, or anybody's of that permalink. Raises JobUnknown for all others alike."""
    job = _find(session, job_id, or_(_owned(job_id, caller), JobRow.permalink == job_id))
    return Seen(job, job_id)


def own(session: Session, job_id: str, caller: Caller) -> JobRow:
    """The caller's job of that id; a permalink is for reading only. Raises JobUnknown for all others alike."""
    return _find(session, job_id, _owned(job_id, caller))


def _owned(job_id: str, caller: Caller) -> ColumnElement[bool]:
    named = JobRow.id == job_id
    return named if caller.operator else and_(named, JobRow.owner == caller.owner)


def _find(session: Session, job_id: str, condition: ColumnElement[bool]) -> JobRow:
    job = session.scalar(select(JobRow).where(condition)) if _ID.fullmatch(job_id) else None
    if job is None:
        raise JobUnknown("there is no job of that id")
    return job
