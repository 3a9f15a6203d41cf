"""Results of jobs: kept while they are used, or are a layer; then taken away, least recently used first."""

from __future__ import annotations

import time
from collections.abc import Sequence

import structlog
from sqlalchemy import ColumnElement, and_, func, literal, select, update
from sqlalchemy.orm import Session

from app.database import JobRow, LayerRow, Sessions, now_s
from app.errors import ResultExpired, Unavailable
from app.expiry.presence import storage_is_there
from app.publish.results import JOB_PREFIX
from app.settings import Settings
from app.storage import Storage

log = structlog.get_logger(__name__)

DAY_S = 86_400.0
JUST_USED_S = 3600.0
"""Uses are noted to the hour; what was used within one is in use."""

_AT_ONCE = 20


def folder_of(job_id: str) -> str:
    return f"jobs/{job_id}"


def promised() -> ColumnElement[bool]:
    """A job whose results are there for whoever asks."""
    return and_(JobRow.status == "successful", JobRow.expired_at.is_(None))


def expirable() -> ColumnElement[bool]:
    """One whose results may go: they are not a layer."""
    layer = select(LayerRow.id).where(LayerRow.id == literal(JOB_PREFIX).concat(JobRow.id))
    return and_(promised(), ~layer.exists())


def note_use(sessions: Sessions, job: JobRow) -> None:
    """Notes that somebody takes a job's results, so that they stay. Raises ResultExpired where they are gone."""
    if job.expired_at is not None:
        raise _expired()
    if time.time() - job.used_at < JUST_USED_S:
        return
    try:
        with sessions.write() as session:
            session.execute(update(JobRow).where(JobRow.id == job.id).values(used_at=now_s()))
    except Unavailable as error:
        log.warning("use_not_noted", job_id=job.id, reason=error.message)  # no reason to refuse what is there


def lost(sessions: Sessions, storage: Storage, job: JobRow) -> ResultExpired | Unavailable:
    """What to say of results whose file is missing: that they are gone for good, where the storage itself is there."""
    if not storage_is_there(sessions, storage):
        return Unavailable("the storage does not have its files at the moment: try again later")
    log.error("result_lost", job_id=job.id)
    take_away(sessions, storage, job.id)
    return _expired()


def _expired() -> ResultExpired:
    return ResultExpired("the results of this job were kept for a time and are gone: ask for the same again")


def expire(sessions: Sessions, storage: Storage, settings: Settings) -> int:
    """Takes away some results that are too old or too many; gives their number."""
    with sessions.read() as session:
        due = [*_too_old(session, settings), *_too_many(session, settings)]
    return sum(take_away(sessions, storage, job_id, unused_since=used_at) for job_id, used_at in dict(due).items())


def _too_old(session: Session, settings: Settings) -> Sequence[tuple[str, float]]:
    """(job, when it was last used) of results that nobody has used for so many days."""
    if not settings.result_days:
        return []
    before = now_s() - settings.result_days * DAY_S
    statement = select(JobRow.id, JobRow.used_at).where(expirable(), JobRow.used_at < before)
    return [(job_id, used_at) for job_id, used_at in session.execute(statement.limit(_AT_ONCE))]


def _too_many(session: Session, settings: Settings) -> Sequence[tuple[str, float]]:
    """(job, when it was last used) of the least recently used results that make the others fit into the quota."""
    if not settings.result_bytes:
        return []
    kept = session.scalar(select(func.sum(JobRow.result_bytes)).where(expirable())) or 0
    statement = (
        select(JobRow.id, JobRow.used_at, JobRow.result_bytes)
        .where(expirable(), JobRow.used_at < now_s() - JUST_USED_S)
        .order_by(JobRow.used_at, JobRow.id)
        .limit(_AT_ONCE)
    )
    due = []
    for job_id, used_at, size in session.execute(statement) if kept > settings.result_bytes else ():
        if kept <= settings.result_bytes:
            break
        due.append((job_id, used_at))
        kept -= size or 0
    return due


def take_away(sessions: Sessions, storage: Storage, job_id: str, *, unused_since: float | None = None) -> bool:
    """Ends the promise of a job's results, then removes them; False where they are gone, a layer, or used since."""
    with sessions.write() as session:
        if session.scalar(select(JobRow.id).where(JobRow.id == job_id).with_for_update()) is None:
            return False
        # A statement of its own: it sees what was committed while the lock was waited for, a layer for one.
        statement = select(JobRow).where(JobRow.id == job_id, expirable())
        if unused_since is not None:
            statement = statement.where(JobRow.used_at <= unused_since)
        job = session.scalar(statement)
        if job is None:
            return False
        job.expired_at = now_s()  # an SQL expression, evaluated at flush
    storage.remove(folder_of(job_id))
    log.info("result_expired", job_id=job_id, bytes=job.result_bytes)
    return True


def measure(sessions: Sessions, storage: Storage) -> None:
    """Notes the bytes of some results that do not know theirs, so that the quota counts them."""
    with sessions.read() as session:
        statement = select(JobRow.id).where(promised(), JobRow.result_bytes.is_(None)).limit(_AT_ONCE)
        job_ids = session.scalars(statement).all()
    for job_id in job_ids:
        size = sum(found.bytes for found in storage.listing(folder_of(job_id)))
        with sessions.write() as session:
            session.execute(update(JobRow).where(JobRow.id == job_id).values(result_bytes=size))
