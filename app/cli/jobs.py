"""Commands for jobs: list, show, requeue, expire. Tables for people; `--json` for scripts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app import jobs
from app.cli.progress import say
from app.database import BlockRow, JobBlockRow, JobRow, Sessions, sessions
from app.database.migrate import require_head
from app.errors import Conflict, JobUnknown
from app.expiry import Expired, Expiry, results
from app.logs import configure_logs
from app.requeue import requeue
from app.settings import settings
from app.storage import storage

_DAY_S = 86_400.0
_JSON = click.option("--json", "as_json", is_flag=True, help="For scripts.")


@click.group("jobs")
def jobs_() -> None:
    """What was asked of the service: list, show, requeue, expire."""
    configure_logs("WARNING")  # to standard error: the other is for what was asked
    require_head(sessions().engine)


@jobs_.command("list")
@click.option("--status", multiple=True, type=click.Choice([*jobs.ACTIVE, *jobs.TERMINAL]), help="Repeatable.")
@click.option("--owner", default=None, help="Such as key:town-hall or address:192.0.2.1.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="The newest of them.")
@_JSON
def jobs_list(status: Sequence[str], owner: str | None, limit: int, as_json: bool) -> None:
    """List jobs, newest first."""
    statement = select(JobRow).order_by(JobRow.created_at.desc(), JobRow.id).limit(limit)
    if status:
        statement = statement.where(JobRow.status.in_(status))
    if owner is not None:
        statement = statement.where(JobRow.owner == owner)
    with sessions().read() as session:
        found = [_summary(job) for job in session.scalars(statement)]
    if as_json:
        say(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        _table(found, ("id", "status", "owner", "process", "blocks", "km2", "created", "message"))


@jobs_.command("show")
@click.argument("job_id", metavar="ID")
@_JSON
def jobs_show(job_id: str, as_json: bool) -> None:
    """All there is to know about the job of ID, or of that permalink."""
    with sessions().read() as session:
        job = _find(session, job_id)
        told = {**_summary(job), **_particulars(session, job)}
    if as_json:
        say(json.dumps(told, ensure_ascii=False, indent=2))
        return
    for name, value in told.items():
        if value not in (None, "", {}, []):
            say(f"{name:16}{value if isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False)}")


@jobs_.command("requeue")
@click.argument("job_id", metavar="ID")
@_JSON
def jobs_requeue(job_id: str, as_json: bool) -> None:
    """Try the job of ID again: an active one is rung for; of one that has ended, the same is asked anew."""
    with sessions().read() as session:
        found = _find(session, job_id)
    again = requeue(sessions(), storage(), found.id)
    if as_json:
        say(json.dumps({"id": again.job.id, "new": again.is_new}))
    elif again.is_new:
        say(f"job {again.job.id} asks for the same as {found.id}, which stays {found.status}")
    else:
        say(f"job {found.id} is {found.status}: its workers were rung for again")


@jobs_.command("expire")
@click.argument("job_id", metavar="[ID]", required=False)
@click.option("--older-than", "days", type=click.FloatRange(0), default=None, help="Days since their last use.")
@_JSON
def jobs_expire(job_id: str | None, days: float | None, as_json: bool) -> None:
    """Take away the results of the job of ID, or of all jobs unused for so many days.

    With neither, everything that is due goes now, and files and rows are compared, as workers do little by little.
    Results that are published as layers stay.
    """
    if job_id is not None and days is not None:
        raise click.UsageError("give an ID or --older-than, not both")
    if job_id is not None:
        gone = _expire_one(sessions(), job_id)
    elif days is not None:
        gone = _expire_unused(sessions(), days)
    else:
        gone = Expiry(sessions(), storage(), settings()).all_at_once()
    if as_json:
        say(json.dumps(gone._asdict()))
    else:
        say(f"gone: the results of {gone.results} jobs, {gone.blocks} blocks")


def _expire_one(sessions: Sessions, job_id: str) -> Expired:
    with sessions.read() as session:
        job = _find(session, job_id)
    if not results.take_away(sessions, storage(), job.id):
        why = "it has none" if job.status != "successful" or job.expired_at else "they are a published layer"
        raise Conflict(f"the results of job {job.id} cannot be taken away: {why}")
    return Expired(1, 0)


def _expire_unused(sessions: Sessions, days: float) -> Expired:
    before = time.time() - days * _DAY_S
    with sessions.read() as session:
        unused = session.execute(
            select(JobRow.id, JobRow.used_at).where(results.expirable(), JobRow.used_at < before).order_by(JobRow.id)
        ).all()
    taken = [results.take_away(sessions, storage(), job_id, unused_since=used_at) for job_id, used_at in unused]
    return Expired(sum(taken), 0)


def _find(session: Session, job_id: str) -> JobRow:
    job = session.scalar(select(JobRow).where(or_(JobRow.id == job_id, JobRow.permalink == job_id)))
    if job is None:
        raise JobUnknown(f"there is no job {job_id}: see `cosia jobs list`")
    return job


def _summary(job: JobRow) -> dict[str, Any]:
    return {
        "id": job.id,
        "status": job.status if job.expired_at is None else f"{job.status}, expired",
        "owner": job.owner,
        "process": job.process,
        "blocks": f"{job.blocks_done + job.blocks_failed}/{job.blocks_total}",
        "km2": round(job.area_m2 / 1e6, 3),
        "created": _moment(job.created_at),
        "message": job.message,
    }


def _particulars(session: Session, job: JobRow) -> dict[str, Any]:
    statuses = (
        select(BlockRow.status, func.count())
        .join(JobBlockRow, JobBlockRow.block_key == BlockRow.key)
        .where(JobBlockRow.job_id == job.id)
        .group_by(BlockRow.status)
        .order_by(BlockRow.status)
    )
    reasons = (
        select(BlockRow.reason)
        .join(JobBlockRow, JobBlockRow.block_key == BlockRow.key)
        .where(JobBlockRow.job_id == job.id, BlockRow.reason.is_not(None))
        .distinct()
    )
    return {
        "permalink": job.permalink,
        "started": _moment(job.started_at),
        "finished": _moment(job.finished_at),
        "used": _moment(job.used_at or None),
        "expired": _moment(job.expired_at),
        "source": job.source_id,
        "model": job.model_id,
        "inputs": job.inputs,
        "outputs": job.outputs,
        "priority": job.priority,
        "queue": job.queue,
        "bells": job.bells,
        "rung": _moment(job.rung_at or None),
        "reused": job.blocks_reused,
        "blocks_by_status": {row[0]: row[1] for row in session.execute(statuses)},
        "reasons": list(session.scalars(reasons)),
        "results": job.results,
        "result_bytes": job.result_bytes,
    }


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}Z"


def _table(rows: Sequence[dict[str, Any]], columns: Iterable[str]) -> None:
    names = tuple(columns)
    cells = [names, *(tuple(str(row[name]) for name in names) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
