"""Asking for a job: its blocks and itself in one transaction, within the limits, then the bell."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from prometheus_client import Counter
from shapely.geometry.base import BaseGeometry
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from app import blocks, broker
from app.block_keys import BlockKeys
from app.database import BlockRow, JobBlockRow, JobRow, Sessions
from app.definitions import BlockCell, Ensemble, ImagerySource, PredictionGrid
from app.errors import Conflict
from app.jobs.bells import ring
from app.jobs.limits import Limits, require_room
from app.jobs.outlook import ready_blocks
from app.jobs.reopening import try_again
from app.jobs.states import PREDICT_LAND_COVER, record

_ADVISORY_LOCK = 0x0C051B
_MANY_ROWS = 500
_BLOCKS_ASKED = Counter("cosia_blocks_asked", "Blocks of new jobs; reused: done before.", ["reused"])


@dataclass(frozen=True)
class Request:
    """What a job is to predict, already checked: see `app.aoi` for the polygon.

    priority: 0 urgent, 1 normal, 2 when there is room. inputs: `gaps` and what the writers of outputs take. coverage:
    share (0-1) of the area that has imagery. compared: a second source, of which the same cells are predicted too.
    response: how the results are told, `document` or `raw` (OGC API - Processes 1.0).
    """

    aoi: BaseGeometry
    area_m2: float
    cells: Sequence[BlockCell]
    grid: PredictionGrid
    source: ImagerySource
    ensemble: Ensemble
    outputs: Sequence[str]
    owner: str
    idempotency_key: str | None
    sha256: str
    priority: int = 1
    inputs: Mapping[str, Any] = field(default_factory=dict)
    coverage: float = 1.0
    compared: ImagerySource | None = None
    response: str = "document"


@dataclass(frozen=True)
class Count:
    """What a job is to count, already checked. inputs: what its process takes, but for the polygon."""

    process: str
    inputs: dict[str, Any]
    output: str
    aoi: BaseGeometry
    area_m2: float
    epsg: int
    owner: str
    idempotency_key: str | None
    sha256: str
    response: str = "document"


def submit(sessions: Sessions, request: Request, limits: Limits) -> JobRow:
    """Commits a job and its blocks, then rings the workers.

    The same idempotency key with the same request gives the job that is already there. Raises Conflict where the
    key came with another request, LimitReached, QueueFull and AoiTooLarge as `app.jobs.limits` says.
    """
    with sessions.write() as session:
        serialise_submissions(session)
        known = _job_of_key(session, request)
        if known is not None:
            return known
        rows = list(_rows(request))
        require_room(
            session,
            limits,
            request.owner,
            area_m2=request.area_m2,
            blocks=len(rows) - ready_blocks(session, [row.key for row in rows]),
            predicted_by=request.ensemble.predicted_by,
        )
        job = _insert(session, request, rows)
    _BLOCKS_ASKED.labels("yes").inc(job.blocks_reused)
    _BLOCKS_ASKED.labels("no").inc(job.blocks_total - job.blocks_reused)
    ring(sessions, job.id)
    return job


def submit_count(sessions: Sessions, asked: Count, limits: Limits) -> JobRow:
    """Commits a job that counts, then rings. Raises as `submit` does."""
    with sessions.write() as session:
        serialise_submissions(session)
        known = _job_of_key(session, asked)
        if known is not None:
            return known
        require_room(session, limits, asked.owner)
        job = JobRow(
            id=_new_id(),
            permalink=_new_id(),
            request_id=_request_id(),
            owner=asked.owner,
            idempotency_key=asked.idempotency_key,
            request_sha256=asked.sha256,
            process=asked.process,
            inputs=asked.inputs,
            outputs={"names": [asked.output], "response": asked.response},
            aoi=asked.aoi,
            area_m2=asked.area_m2,
            epsg=asked.epsg,
            queue=broker.CPU,
            blocks_total=0,
        )
        session.add(job)
        session.flush()
        record(session, job.id, "status")
        session.refresh(job)
    ring(sessions, job.id)
    return job


def _new_id() -> str:
    # Hexadecimal: the id names a folder of the storage, and a name may not begin with every sign.
    return secrets.token_hex(16)


def _request_id() -> str | None:
    """Of the HTTP request at hand; log lines of workers about the job carry it too."""
    known = structlog.contextvars.get_contextvars().get("request_id")
    return None if known is None else str(known)


def serialise_submissions(session: Session) -> None:
    """Lets nobody ask for a job, nor take blocks away that one may be about to refer to, until the commit."""
    # SQLite's write transactions exclude each other anyway; on PostgreSQL two POSTs could both see the last free place.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _ADVISORY_LOCK})


def _job_of_key(session: Session, request: Request | Count) -> JobRow | None:
    if request.idempotency_key is None:
        return None
    job = session.scalar(
        select(JobRow).where(JobRow.owner == request.owner, JobRow.idempotency_key == request.idempotency_key)
    )
    if job is not None and job.request_sha256 != request.sha256:
        raise Conflict("this Idempotency-Key was used for another request: send a new key with a new request")
    return job


def _insert(session: Session, request: Request, rows: Sequence[BlockRow]) -> JobRow:
    blocks.ensure(session, rows)
    statuses = blocks.locked(session, [row.key for row in rows])
    try_again(session, [key for key, status in statuses.items() if status == "failed"])
    done = {key for key, status in statuses.items() if status == "done"}
    blocks.touch(session, sorted(done))
    job = JobRow(
        id=_new_id(),
        permalink=_new_id(),
        request_id=_request_id(),
        process=PREDICT_LAND_COVER,
        owner=request.owner,
        idempotency_key=request.idempotency_key,
        request_sha256=request.sha256,
        inputs=dict(request.inputs),
        source_id=request.source.id,
        model_id=request.ensemble.cards[0].id,
        predicted_by=request.ensemble.predicted_by,
        outputs={"names": list(request.outputs), "response": request.response},
        aoi=request.aoi,
        area_m2=request.area_m2,
        epsg=request.grid.epsg,
        coverage=request.coverage,
        priority=request.priority,
        queue=broker.queue_of(*(card.id for card in request.ensemble.cards)),
        blocks_total=len(rows),
        blocks_done=len(done),
        blocks_reused=len(done),
    )
    session.add(job)
    session.flush()
    session.execute(
        insert(JobBlockRow).returning(JobBlockRow.block_key),  # a thousand rows a statement, see `blocks`
        [
            {"job_id": job.id, "block_key": row.key, "position": position, "ended": row.key in done}
            for position, row in enumerate(rows)
        ],
    )
    _tell_planner(session, len(rows))
    record(session, job.id, "status")
    session.refresh(job)
    return job


def _tell_planner(session: Session, new_rows: int) -> None:
    """Lets PostgreSQL know of many new blocks now: autovacuum looks once a minute.

    From statistics of before it takes a job of 35 000 blocks for one of a single block, joins each of them with each
    other one, and a claim takes longer than a statement may.
    """
    if new_rows >= _MANY_ROWS and session.get_bind().dialect.name == "postgresql":
        session.execute(text("ANALYZE block, job_block"))


def _rows(request: Request) -> Iterator[BlockRow]:
    """The blocks of each cell, of the source and of the one it is compared with, in the order of the cells."""
    sources = [source for source in (request.source, request.compared) if source is not None]
    keys = [BlockKeys(request.grid, source, request.ensemble) for source in sources]
    first, *further = request.ensemble.ordered
    for cell in request.cells:
        for source, key in zip(sources, keys, strict=True):
            yield BlockRow(
                key=key.of(cell),
                epsg=request.grid.epsg,
                grid_column=cell.column,
                grid_row=cell.row,
                source_id=source.id,
                source_version=source.version,
                model_id=first.card.id,
                model_sha256=first.sha256,
                further_models=[[member.card.id, member.sha256] for member in further] or None,
                augmentation=str(request.ensemble.augmentation),
            )
