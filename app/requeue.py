"""Trying again what somebody asked for. No ended job is taken up again: the same is asked anew, for the same owner."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import imagery, jobs, models
from app.database import BlockRow, JobBlockRow, JobRow, Sessions
from app.definitions import BlockCell, prediction_grid
from app.storage import Storage


class Requeued(NamedTuple):
    """The job that now stands for the one named: that one itself while it is active, else a new one."""

    job: JobRow
    is_new: bool


def requeue(sessions: Sessions, storage: Storage, job_id: str) -> Requeued:
    """Rings again for an active job, as if all its bells were lost; asks anew for one that has ended.

    The new job is held to no limits: it was let in once. Blocks that are done are not computed again, and those that
    failed are tried afresh. Raises JobUnknown; Unknown where imagery, model or layer are gone by now.
    """
    with sessions.read() as session:
        job = jobs.get(session, job_id)
    if job.status in jobs.ACTIVE:
        jobs.ring(sessions, job.id, lost_of=job.rung_at)
        return Requeued(job, is_new=False)
    if job.process == jobs.PREDICT_LAND_COVER:
        with sessions.read() as session:
            request = _request(session, storage, job)
        return Requeued(jobs.submit(sessions, request, jobs.Limits()), is_new=True)
    return Requeued(jobs.submit_count(sessions, _count(job), jobs.Limits()), is_new=True)


def _request(session: Session, storage: Storage, job: JobRow) -> jobs.Request:
    """From imagery and weights as they are now: they may have been replaced since."""
    source = imagery.find(session, job.source_id or "")
    compared = ((job.inputs or {}).get("compare") or {}).get("source")
    return jobs.Request(
        aoi=job.aoi,
        area_m2=job.area_m2,
        cells=_cells(session, job.id),
        grid=prediction_grid(job.epsg),
        source=source,
        ensemble=models.ensemble_of_job(session, storage, job),
        outputs=job.outputs["names"],
        owner=job.owner,
        idempotency_key=None,
        sha256=job.request_sha256,
        priority=job.priority,
        inputs=job.inputs or {},
        coverage=1.0 if job.coverage is None else job.coverage,
        compared=imagery.find(session, compared) if compared else None,
        response=job.outputs.get("response", "document"),
    )


def _cells(session: Session, job_id: str) -> list[BlockCell]:
    """In the job's order; a job that compares has two blocks of each."""
    statement = (
        select(BlockRow.grid_column, BlockRow.grid_row)
        .join(JobBlockRow, JobBlockRow.block_key == BlockRow.key)
        .where(JobBlockRow.job_id == job_id)
        .order_by(JobBlockRow.position)
    )
    return list(dict.fromkeys(BlockCell(column, row) for column, row in session.execute(statement)))


def _count(job: JobRow) -> jobs.Count:
    return jobs.Count(
        process=job.process,
        inputs=job.inputs or {},
        output=job.outputs["names"][0],
        aoi=job.aoi,
        area_m2=job.area_m2,
        epsg=job.epsg,
        owner=job.owner,
        idempotency_key=None,
        sha256=job.request_sha256,
        response=job.outputs.get("response", "document"),
    )
