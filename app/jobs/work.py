"""What workers do to the blocks of a job: claim them, tell of their end; and a job's dismissal."""

from __future__ import annotations

from collections.abc import Sequence

from shapely import box
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import aoi, blocks
from app.blocks import Claim
from app.database import JobBlockRow, JobRow, Sessions, now_s
from app.definitions import BlockCell, prediction_grid
from app.errors import Conflict
from app.jobs.states import ACTIVE, end, get, move, progress, record


def claim_blocks(
    session: Session, job_id: str, *, owner: str, limit: int, lease_s: float, most_attempts: int
) -> list[Claim]:
    """Blocks of an active job for one worker; none when the job has ended. The first claim sets it running."""
    job = session.get(JobRow, job_id)
    if job is None or job.status not in ACTIVE:
        return []
    claims = blocks.claim(session, job_id, owner=owner, limit=limit, lease_s=lease_s, most_attempts=most_attempts)
    if claims and move(session, job_id, "accepted", status="running", started_at=now_s()):
        record(session, job_id, "status")
    return claims


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
        if not end(session, job_id, "dismissed", "dismissed on request"):
            session.refresh(job)
            raise Conflict(f"the job is {job.status}: only an accepted or running job can be dismissed")
        session.refresh(job)
        return job
