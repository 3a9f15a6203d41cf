"""What workers do to the blocks of a job: claim them, tell of their end; and a job's dismissal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from shapely import box
from sqlalchemy import case, func, not_, select, update
from sqlalchemy.orm import Session

from app import aoi, blocks, workers
from app.blocks import Claim
from app.database import BlockRow, EventRow, JobBlockRow, JobRow, Sessions, now_s
from app.definitions import BlockCell, prediction_grid
from app.errors import Conflict
from app.jobs.paces import expected_seconds
from app.jobs.states import ACTIVE, Progress, end, get, move, record

_MOST_BLOCKS = 64


def claim_blocks(
    session: Session, job_id: str, *, owner: str, limit: int, lease_s: float, most_attempts: int
) -> list[Claim]:
    """Blocks of an active job for one worker; none when the job has ended. The first claim sets it running."""
    job = session.get(JobRow, job_id)
    if job is None or job.status not in ACTIVE:
        return []
    claims = blocks.claim(
        session, job_id, owner=batch_owner(owner, job_id), limit=limit, lease_s=lease_s, most_attempts=most_attempts
    )
    if claims and move(session, job_id, "accepted", status="running", started_at=now_s()):
        record(session, job_id, "status")
    return claims


def batch_size(
    session: Session,
    job_id: str,
    *,
    seconds_per_block: Mapping[str, float],
    fetch_seconds: Mapping[str, float],
    batch_s: float,
    lease_s: float,
) -> int:
    """How many blocks of a job one worker takes at a time: what it predicts in `batch_s`, and no more than its share.

    seconds_per_block: what predicts -> pace of this worker; a single block where it knows none yet. fetch_seconds:
    imagery source -> how long a block of it takes this worker to fetch, where that was measured. The
    share is an even part of the blocks that can be claimed, so that no worker is left without while another has many.
    """
    job = session.get(JobRow, job_id)
    pace = expected_seconds(seconds_per_block, job.predicted_by or "") if job is not None else None
    if job is None or not pace:
        return 1
    pace = max(pace, fetch_seconds.get(job.source_id or "", 0.0))
    most = max(1, min(_MOST_BLOCKS, int(batch_s / pace)))
    if most == 1:
        return 1
    live = max(1, workers.count_live(session, job.queue))
    # Whatever the others hold, that much is left: only towards the end it has to be counted.
    if job.blocks_total - job.blocks_done - job.blocks_failed >= 2 * most * live:
        return most
    left = claimable(session, job_id, most=most * live, lease_s=lease_s)
    return max(1, min(most, math.ceil(left / live)))


def claimable(session: Session, job_id: str, *, most: int, lease_s: float) -> int:
    """How many blocks of a job a worker could claim now, counted up to `most`."""
    found = (
        select(JobBlockRow.block_key)
        .join(BlockRow, BlockRow.key == JobBlockRow.block_key)
        .where(JobBlockRow.job_id == job_id, blocks.open_(), blocks.claimable(lease_s))
        .order_by(JobBlockRow.position)  # of no matter, but in this order the first few are found without the others
        .limit(most)
    )
    return session.scalar(select(func.count()).select_from(found.subquery())) or 0


def postponed(session: Session, job_id: str, reason: str) -> None:
    """Tells those who follow the job why nothing happens for the moment; the next block that ends takes it back."""
    message = f"postponed: {reason}"
    if session.scalar(select(JobRow.message).where(JobRow.id == job_id)) != message and move(
        session, job_id, *ACTIVE, message=message
    ):
        record(session, job_id, "status")


def batch_owner(worker_id: str, job_id: str) -> str:
    """Who holds the blocks of a batch: a worker, for a job."""
    return f"{worker_id}/{job_id}"


def block_bbox(epsg: int, cell: BlockCell) -> tuple[float, float, float, float]:
    """(west, south, east, north) of a block, degrees."""
    west, south, east, north = aoi.from_grid_crs(box(*prediction_grid(epsg).block(cell).bounds), epsg).bounds
    return (west, south, east, north)


def block_ended(session: Session, key: str, bbox: Sequence[float], *, failed: bool = False) -> list[str]:
    """Counts the end of a block in the active jobs that hold it; returns those that have no block left to wait for.

    Called in the transaction that ends the block, whose lock on the block's row keeps a job that is being asked for
    from taking it for unfinished. One statement for each job, however many blocks it has; jobs in the order of ids.
    """
    job_ids = session.scalars(
        update(JobBlockRow)
        .where(JobBlockRow.block_key == key, not_(JobBlockRow.ended))
        .values(ended=True)
        .returning(JobBlockRow.job_id)
        .execution_options(synchronize_session=False)
    ).all()
    complete = []
    for job_id in sorted(job_ids):
        counted = session.execute(
            update(JobRow)
            .where(JobRow.id == job_id, JobRow.status.in_(ACTIVE))
            .values(
                blocks_done=JobRow.blocks_done + (0 if failed else 1),
                blocks_failed=JobRow.blocks_failed + (1 if failed else 0),
                # At the last block the bells of blocks are of no use; those that count now are for the job's end.
                bells=case(
                    (JobRow.blocks_done + JobRow.blocks_failed + 1 >= JobRow.blocks_total, 0), else_=JobRow.bells
                ),
                message="",
                last_event=JobRow.last_event + 1,
                updated_at=now_s(),
            )
            .returning(JobRow.last_event, JobRow.blocks_total, JobRow.blocks_done, JobRow.blocks_failed)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        if counted is None:
            continue
        number, now = counted[0], Progress(*counted[1:])
        data = {"key": key, "bbox": list(bbox), "done": now.done, "total": now.total}
        session.add(EventRow(job_id=job_id, id=number, kind="block", data=data))
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
