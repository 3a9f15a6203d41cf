"""What workers do to a job: claim its blocks, tell of their end, write its outputs, end it; and its dismissal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shapely import box
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import aoi, blocks
from app.blocks import Claim
from app.database import BlockRow, JobBlockRow, JobRow, Sessions, now_s
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
        end(session, job_id, "failed", f"{state.failed} of {state.total} blocks failed: {'; '.join(map(str, reasons))}")
        return None
    if job.finalize_attempts >= most_attempts:
        end(session, job_id, "failed", "the results could not be written")
        return None
    job.finalize_attempts += 1
    return job


def postpone_finalizing(session: Session, job_id: str) -> None:
    """Gives the attempt back: that the storage was away is not the job's fault."""
    session.execute(update(JobRow).where(JobRow.id == job_id).values(finalize_attempts=JobRow.finalize_attempts - 1))


def succeed(session: Session, job_id: str, results: dict[str, Any]) -> bool:
    """Ends a job well; False when it had ended before (a message delivered twice, a dismissal)."""
    return end(session, job_id, "successful", "", results=results)


def fail(session: Session, job_id: str, message: str) -> bool:
    return end(session, job_id, "failed", message)
