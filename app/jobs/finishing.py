"""The end of a job, in the hands of one worker: its results are written, or its areas counted.

The worker holds the job by a lease on the database's clock with a fencing number, as it holds blocks: the bell may be
rung again meanwhile, and nobody else begins; whoever comes back after losing the lease can end nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, not_, select
from sqlalchemy.orm import Session

from app import blocks
from app.database import BlockRow, JobBlockRow, JobRow, now_s
from app.jobs.states import ACTIVE, Progress, end, move, record


def begin_finalizing(session: Session, job_id: str, *, most_attempts: int, lease_s: float) -> JobRow | None:
    """The job whose results are to be made now, held under its `fence`; None where there is nothing to do.

    Nothing to do: blocks are missing, the job has ended, or another worker holds it. Counts the attempt; a job whose
    worker was lost `most_attempts` times fails, and so does one with failed blocks that was not to have gaps.
    """
    job = session.scalar(
        select(JobRow)
        .where(JobRow.id == job_id, JobRow.status.in_(ACTIVE), not_(held(lease_s)))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if job is None:
        return None
    state = Progress(job.blocks_total, job.blocks_done, job.blocks_failed)
    if not state.finished:
        return None
    if state.failed and not ((job.inputs or {}).get("gaps") and state.done):
        reasons = _reasons(session, job_id)
        end(session, job_id, "failed", f"{state.failed} of {state.total} blocks failed: {'; '.join(reasons)}")
        return None
    if job.finalize_attempts >= most_attempts:
        end(session, job_id, "failed", f"the worker was lost {most_attempts} times while it made the results")
        return None
    job.finalize_attempts += 1
    job.fence += 1
    job.lease_until = now_s() + lease_s  # an SQL expression, evaluated at flush
    session.flush()
    if move(session, job_id, "accepted", status="running", started_at=now_s()):
        record(session, job_id, "status")
    session.refresh(job)
    return job


def held(lease_s: float) -> ColumnElement[bool]:
    """A job whose end is in the hands of a worker that gave a sign of life within a lease."""
    return blocks.lease_runs(JobRow.lease_until, lease_s)


def _reasons(session: Session, job_id: str) -> list[str]:
    reasons = session.scalars(
        select(BlockRow.reason)
        .join(JobBlockRow, JobBlockRow.block_key == BlockRow.key)
        .where(JobBlockRow.job_id == job_id, BlockRow.status == "failed")
        .distinct()
    )
    return [str(reason) for reason in reasons]


def renew_finalizing(session: Session, job: JobRow, *, lease_s: float) -> bool:
    """Prolongs the lease; False when the job has ended or is in other hands."""
    return move(session, job.id, *ACTIVE, fence=job.fence, lease_until=now_s() + lease_s)


def tell_progress(session: Session, job: JobRow, percent: int) -> bool:
    """Tells those who follow the job how far it is, 0-100; False when it has ended or is in other hands."""
    told = move(session, job.id, *ACTIVE, fence=job.fence, progress=percent)
    if told:
        record(session, job.id, "status")
    return told


def set_aside(session: Session, job: JobRow, *, percent: int, checkpoint: dict[str, Any]) -> bool:
    """Ends a turn that went well: what is counted so far is kept for whoever has the next turn."""
    kept = move(
        session,
        job.id,
        *ACTIVE,
        fence=job.fence,
        progress=percent,
        checkpoint=checkpoint,
        lease_until=0.0,
        finalize_attempts=0,
        rung_at=now_s(),
    )
    if kept:
        record(session, job.id, "status")
    return kept


def postpone_finalizing(session: Session, job: JobRow, reason: str) -> None:
    """Gives job and attempt back: that the storage was away, or this worker has to stop, is not the job's fault."""
    given = move(
        session,
        job.id,
        *ACTIVE,
        fence=job.fence,
        lease_until=0.0,
        finalize_attempts=JobRow.finalize_attempts - 1,
        message=f"postponed: {reason}",
        rung_at=now_s(),
    )
    if given and job.message != f"postponed: {reason}":
        record(session, job.id, "status")


def fail_finalizing(session: Session, job: JobRow, reason: str, *, most_attempts: int) -> bool:
    """Ends an attempt that went wrong: the last one fails the job with its reason, before it another try may come."""
    if job.finalize_attempts >= most_attempts:
        return fail(session, job.id, reason, fence=job.fence)
    move(session, job.id, *ACTIVE, fence=job.fence, lease_until=0.0, rung_at=now_s())
    return False


@dataclass(frozen=True)
class Files:
    """What is known of the files of a job's results. checksums: output name -> sha256. key: see `results_key`."""

    checksums: Mapping[str, str]
    size_bytes: int
    key: str


def succeed(
    session: Session, job_id: str, results: dict[str, Any], *, fence: int | None = None, files: Files | None = None
) -> bool:
    """Ends a job well; False when it had ended before, or is in other hands than the fence says.

    results: output name -> href of its file.
    """
    known = (
        {}
        if files is None
        else {"checksums": dict(files.checksums), "result_bytes": files.size_bytes, "results_key": files.key}
    )
    values = {"results": results, "progress": 100, "checkpoint": None, **known}
    return end(session, job_id, "successful", "", fence=fence, **values)


def fail(session: Session, job_id: str, message: str, *, fence: int | None = None) -> bool:
    return end(session, job_id, "failed", message, fence=fence)
