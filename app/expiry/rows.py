"""Rows that tell of nothing any more: events of ended jobs, old jobs, blocks that no job refers to."""

from __future__ import annotations

from typing import Any

import structlog
from sqlalchemy import Delete, and_, delete, or_, select
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from app.database import BlockRow, EventRow, JobBlockRow, JobRow, Sessions, now_s
from app.expiry.results import DAY_S
from app.jobs import TERMINAL, serialise_submissions
from app.settings import Settings

log = structlog.get_logger(__name__)

_EVENTS_KEPT_S = DAY_S
_AT_ONCE = 100


def clear(sessions: Sessions, settings: Settings) -> None:
    """Removes some events and some jobs that are old enough."""
    with sessions.write() as session:
        _clear_events(session)
    if settings.job_days:
        with sessions.write() as session:
            cleared = _clear_jobs(session, settings.job_days * DAY_S)
        if cleared:
            log.info("jobs_forgotten", jobs=cleared)


def _clear_events(session: Session) -> None:
    """Who followed a job has seen its end within a day; whoever comes later is told how it stands."""
    ended = (
        select(EventRow.job_id)
        .join(JobRow, JobRow.id == EventRow.job_id)
        .where(JobRow.status.in_(TERMINAL), JobRow.finished_at < now_s() - _EVENTS_KEPT_S)
        .distinct()
        .limit(_AT_ONCE)
    )
    session.execute(delete(EventRow).where(EventRow.job_id.in_(session.scalars(ended).all())))


def _clear_jobs(session: Session, older_than_s: float) -> int:
    """Ended jobs that promise no results; with a job go its events and what says which blocks it had."""
    old = (
        select(JobRow.id)
        .where(
            JobRow.status.in_(TERMINAL),
            JobRow.finished_at < now_s() - older_than_s,
            or_(JobRow.status != "successful", JobRow.expired_at.is_not(None)),
        )
        .order_by(JobRow.id)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    return _deleted(session, delete(JobRow).where(JobRow.id.in_(session.scalars(old).all())))


def clear_blocks(sessions: Sessions, first: str, last: str) -> None:
    """Removes the blocks from key `first` up to `last` (excluded) that have no file and that no job refers to."""
    referred = select(JobBlockRow.block_key).where(JobBlockRow.block_key == BlockRow.key)
    of_nothing = and_(
        BlockRow.key >= first, BlockRow.key < last, BlockRow.status.in_(("waiting", "failed")), ~referred.exists()
    )
    with sessions.read() as session:
        if session.scalar(select(BlockRow.key).where(of_nothing).limit(1)) is None:
            return
    with sessions.write() as session:
        serialise_submissions(session)  # one of which might be about to refer to it
        _deleted(session, delete(BlockRow).where(of_nothing))


def _deleted(session: Session, statement: Delete) -> int:
    result: Any = session.execute(statement.execution_options(synchronize_session=False))
    return result.rowcount if isinstance(result, CursorResult) else 0
