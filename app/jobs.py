"""The life of a job: accepted, running, then successful, failed or dismissed for ever (OGC API - Processes 1.0).

Commit, then ring: what is asked stands in the database before the broker hears of it, and whatever the broker
forgets `sweep` rings again.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from shapely import box
from shapely.geometry.base import BaseGeometry
from sqlalchemy import and_, case, func, or_, select, text, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from app import aoi, blocks, broker
from app.blocks import Claim
from app.database import BlockRow, EventRow, JobBlockRow, JobRow, Sessions, now_s
from app.definitions import BlockCell, ImagerySource, ModelCard, PredictionGrid, prediction_grid
from app.errors import Conflict, JobUnknown, LimitReached, QueueFull

ACTIVE = ("accepted", "running")
TERMINAL = ("successful", "failed", "dismissed")
PROCESS_ID = "predict-land-cover"

_ADVISORY_LOCK = 0x0C051B
_RETRY_AFTER_S = 30


@dataclass(frozen=True)
class Request:
    """What a job is to predict, already checked: see `app.aoi` for the polygon."""

    aoi: BaseGeometry
    area_m2: float
    cells: Sequence[BlockCell]
    grid: PredictionGrid
    source: ImagerySource
    card: ModelCard
    weights_sha256: str
    outputs: Sequence[str]
    owner: str
    idempotency_key: str | None
    sha256: str


@dataclass(frozen=True)
class Limits:
    """Jobs an owner may have active, blocks that may wait in all, batches of a job that may be in flight."""

    active_jobs: int
    queue_length: int
    batches_in_flight: int


class Progress(NamedTuple):
    """Blocks of a job: all, done, failed."""

    total: int
    done: int
    failed: int

    @property
    def finished(self) -> bool:
        return self.done + self.failed == self.total


def submit(sessions: Sessions, request: Request, limits: Limits) -> JobRow:
    """Commits a job and its blocks, then rings the workers.

    The same idempotency key with the same request gives the job that is already there. Raises Conflict where the
    key came with another request, LimitReached where the owner has too many, QueueFull.
    """
    with sessions.write() as session:
        _serialise_submissions(session)
        known = _job_of_key(session, request)
        if known is not None:
            return known
        _require_room(session, request, limits)
        job = _insert(session, request)
    ring(sessions, job.id, batches=min(limits.batches_in_flight, len(request.cells)))
    return job


def _serialise_submissions(session: Session) -> None:
    # SQLite's write transactions exclude each other anyway; on PostgreSQL two POSTs could both see the last free place.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _ADVISORY_LOCK})


def _job_of_key(session: Session, request: Request) -> JobRow | None:
    if request.idempotency_key is None:
        return None
    job = session.scalar(
        select(JobRow).where(JobRow.owner == request.owner, JobRow.idempotency_key == request.idempotency_key)
    )
    if job is not None and job.request_sha256 != request.sha256:
        raise Conflict("this Idempotency-Key was used for another request: send a new key with a new request")
    return job


def _require_room(session: Session, request: Request, limits: Limits) -> None:
    active = session.scalar(
        select(func.count()).select_from(JobRow).where(JobRow.owner == request.owner, JobRow.status.in_(ACTIVE))
    )
    if (active or 0) >= limits.active_jobs:
        raise LimitReached(
            f"you have {active} jobs waiting or running, the limit is {limits.active_jobs}: wait or dismiss one",
            _RETRY_AFTER_S,
        )
    waiting = session.scalar(
        select(func.count(func.distinct(JobBlockRow.block_key)))
        .join(JobRow, JobRow.id == JobBlockRow.job_id)
        .join(BlockRow, BlockRow.key == JobBlockRow.block_key)
        .where(JobRow.status.in_(ACTIVE), BlockRow.status != "done")
    )
    if (waiting or 0) + len(request.cells) > limits.queue_length:
        raise QueueFull(
            f"the queue holds {waiting} blocks of at most {limits.queue_length}: try again later or ask for less",
            _RETRY_AFTER_S,
        )


def _insert(session: Session, request: Request) -> JobRow:
    keys = [
        blocks.block_key(cell, request.grid, request.source, request.card, request.weights_sha256)
        for cell in request.cells
    ]
    blocks.ensure(
        session,
        [
            BlockRow(
                key=key,
                epsg=request.grid.epsg,
                grid_column=cell.column,
                grid_row=cell.row,
                source_id=request.source.id,
                source_version=request.source.version,
                model_id=request.card.id,
                model_sha256=request.weights_sha256,
            )
            for key, cell in zip(keys, request.cells, strict=True)
        ],
    )
    job = JobRow(
        id=secrets.token_urlsafe(16),
        owner=request.owner,
        idempotency_key=request.idempotency_key,
        request_sha256=request.sha256,
        source_id=request.source.id,
        model_id=request.card.id,
        outputs={"names": list(request.outputs)},
        aoi=request.aoi,
        area_m2=request.area_m2,
        epsg=request.grid.epsg,
        blocks_total=len(keys),
    )
    session.add(job)
    session.flush()
    session.add_all(JobBlockRow(job_id=job.id, block_key=key, position=i) for i, key in enumerate(keys))
    session.flush()
    record(session, job.id, "status")
    session.refresh(job)
    return job


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


def get(session: Session, job_id: str) -> JobRow:
    """Raises JobUnknown where there is none of that id."""
    job = session.get(JobRow, job_id)
    if job is None:
        raise JobUnknown("there is no job of that id")
    return job


def list_of(session: Session, owner: str, *, limit: int = 100) -> Sequence[JobRow]:
    """The owner's jobs, newest first."""
    return session.scalars(
        select(JobRow).where(JobRow.owner == owner).order_by(JobRow.created_at.desc()).limit(limit)
    ).all()


def progress(session: Session, job_id: str) -> Progress:
    total, done, failed = session.execute(
        select(
            func.count(),
            func.sum(case((BlockRow.status == "done", 1), else_=0)),
            func.sum(case((BlockRow.status == "failed", 1), else_=0)),
        )
        .select_from(JobBlockRow)
        .join(BlockRow, BlockRow.key == JobBlockRow.block_key)
        .where(JobBlockRow.job_id == job_id)
    ).one()
    return Progress(total, done or 0, failed or 0)


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


def jobs_ahead(session: Session, job: JobRow) -> int:
    """Active jobs that are older."""
    statement = select(func.count()).where(JobRow.status.in_(ACTIVE), JobRow.created_at < job.created_at)
    return session.scalar(statement) or 0


def seconds_per_block(session: Session, model_id: str, *, sample: int = 20) -> float | None:
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


def done_blocks(session: Session, job_id: str) -> list[BlockRow]:
    """In the job's order."""
    statement = (
        select(BlockRow)
        .join(JobBlockRow, JobBlockRow.block_key == BlockRow.key)
        .where(JobBlockRow.job_id == job_id, BlockRow.status == "done")
        .order_by(JobBlockRow.position)
    )
    return list(session.scalars(statement))


def record(session: Session, job_id: str, kind: str, data: dict[str, Any] | None = None) -> None:
    """Appends an event; those who follow the job are shown it in the order of ids."""
    session.add(EventRow(job_id=job_id, kind=kind, data=data or {}))


def events_since(session: Session, job_id: str, event_id: int, *, limit: int = 500) -> Sequence[EventRow]:
    return session.scalars(
        select(EventRow).where(EventRow.job_id == job_id, EventRow.id > event_id).order_by(EventRow.id).limit(limit)
    ).all()


def claim_blocks(
    session: Session, job_id: str, *, owner: str, limit: int, lease_s: float, most_attempts: int
) -> list[Claim]:
    """Blocks of an active job for one worker; none when the job has ended. The first claim sets it running."""
    job = session.get(JobRow, job_id)
    if job is None or job.status not in ACTIVE:
        return []
    claims = blocks.claim(session, job_id, owner=owner, limit=limit, lease_s=lease_s, most_attempts=most_attempts)
    if claims and _moved(session, job_id, "accepted", status="running", started_at=now_s()):
        record(session, job_id, "status")
    return claims


def has_claimable(session: Session, job_id: str) -> bool:
    """Whether a job has a block that a worker could claim now."""
    statement = (
        select(func.count())
        .select_from(JobBlockRow)
        .join(BlockRow, BlockRow.key == JobBlockRow.block_key)
        .where(JobBlockRow.job_id == job_id, blocks.claimable())
    )
    return bool(session.scalar(statement))


def block_bbox(epsg: int, cell: BlockCell) -> tuple[float, float, float, float]:
    """(west, south, east, north) of a block, degrees."""
    west, south, east, north = aoi.from_grid_crs(box(*prediction_grid(epsg).block(cell).bounds), epsg).bounds
    return (west, south, east, north)


def block_ended(session: Session, key: str, bbox: Sequence[float]) -> list[str]:
    """Tells the active jobs that hold a block; returns those that have no block left to wait for."""
    job_ids = session.scalars(
        select(JobRow.id)
        .join(JobBlockRow, JobBlockRow.job_id == JobRow.id)
        .where(JobBlockRow.block_key == key, JobRow.status.in_(ACTIVE))
    ).all()
    complete = []
    for job_id in job_ids:
        now = progress(session, job_id)
        record(session, job_id, "block", {"bbox": list(bbox), "done": now.done, "total": now.total})
        if now.finished:
            complete.append(job_id)
    return complete


def dismiss(sessions: Sessions, job_id: str) -> JobRow:
    """Dismisses an active job; its blocks stay for others. Raises Conflict once it has ended another way."""
    with sessions.write() as session:
        job = get(session, job_id)
        if job.status == "dismissed":
            return job
        if not _ended(session, job_id, "dismissed", "dismissed on request"):
            session.refresh(job)
            raise Conflict(f"the job is {job.status}: only an accepted or running job can be dismissed")
        session.refresh(job)
        return job


def begin_finalizing(session: Session, job_id: str, *, most_attempts: int) -> JobRow | None:
    """The job whose outputs are to be written now; None where there is nothing (any more) to write.

    Counts the attempt; a job whose outputs could not be written `most_attempts` times fails.
    """
    job = session.get(JobRow, job_id)
    if job is None or job.status not in ACTIVE:
        return None
    state = progress(session, job_id)
    if not state.finished:
        return None
    if state.failed:
        reasons = session.scalars(
            select(BlockRow.reason)
            .join(JobBlockRow, JobBlockRow.block_key == BlockRow.key)
            .where(JobBlockRow.job_id == job_id, BlockRow.status == "failed")
            .distinct()
        ).all()
        _ended(
            session, job_id, "failed", f"{state.failed} of {state.total} blocks failed: {'; '.join(map(str, reasons))}"
        )
        return None
    if job.finalize_attempts >= most_attempts:
        _ended(session, job_id, "failed", "the results could not be written")
        return None
    job.finalize_attempts += 1
    return job


def postpone_finalizing(session: Session, job_id: str) -> None:
    """Gives the attempt back: that the storage was away is not the job's fault."""
    session.execute(update(JobRow).where(JobRow.id == job_id).values(finalize_attempts=JobRow.finalize_attempts - 1))


def succeed(session: Session, job_id: str, results: dict[str, Any]) -> bool:
    """Ends a job well; False when it had ended before (a message delivered twice, a dismissal)."""
    return _ended(session, job_id, "successful", "", results=results)


def fail(session: Session, job_id: str, message: str) -> bool:
    return _ended(session, job_id, "failed", message)


def _ended(session: Session, job_id: str, status: str, message: str, **values: Any) -> bool:
    moved = _moved(session, job_id, *ACTIVE, status=status, message=message, finished_at=now_s(), **values)
    if moved:
        record(session, job_id, "status")
    return moved


def _moved(session: Session, job_id: str, *from_statuses: str, **values: Any) -> bool:
    result = session.execute(
        update(JobRow).where(JobRow.id == job_id, JobRow.status.in_(from_statuses)).values(updated_at=now_s(), **values)
    )
    return isinstance(result, CursorResult) and result.rowcount == 1


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
