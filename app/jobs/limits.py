"""How much one owner may ask for, and all together; looked at in the transaction that asks, so never passed by one.

An owner's area is that of the predictions asked for in the last 24 hours. Jobs that failed or were dismissed give
theirs back. Blocks that are there already cost the same: what they cost is not for an owner to foresee.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from app.access import Caller
from app.database import JobRow, now_s
from app.definitions import BLOCK_PX
from app.errors import AoiTooLarge, CosiaError, LimitReached, QueueFull
from app.jobs.outlook import outlook
from app.jobs.states import ACTIVE, PREDICT_LAND_COVER
from app.settings import Settings

WINDOW_S = 86_400
_LEAST_RETRY_S, _USUAL_RETRY_S = 5, 30


@dataclass(frozen=True)
class Limits:
    """Jobs an owner may have active, blocks of all jobs that may wait, area an owner may ask for in 24 hours, km².

    None: as many as they like.
    """

    active_jobs: int | None = None
    queue_length: int | None = None
    km2_per_day: float | None = None


@dataclass(frozen=True)
class Usage:
    """What an owner has of it now. area_back_s: until the first of the area is given back; None where there is none."""

    active_jobs: int
    area_m2: float
    area_back_s: float | None


def limits_of(caller: Caller, settings: Settings) -> Limits:
    """Those of everybody, or of the caller's key; none for operators."""
    if caller.operator:
        return Limits()
    return Limits(
        active_jobs=settings.active_jobs if caller.active_jobs is None else caller.active_jobs,
        queue_length=settings.queue_length,
        km2_per_day=settings.km2_per_day if caller.km2_per_day is None else caller.km2_per_day,
    )


def usage(session: Session, owner: str) -> Usage:
    """One statement, over the owner's active and recent jobs alone."""
    active = JobRow.status.in_(ACTIVE)
    count, area_m2, back_s = session.execute(
        select(
            func.sum(case((active, 1), else_=0)),
            func.sum(case((_costs(), JobRow.area_m2), else_=0.0)),
            func.min(case((_costs(), JobRow.created_at))) + WINDOW_S - now_s(),
        ).where(JobRow.owner == owner, or_(active, _recent()))
    ).one()
    return Usage(count or 0, area_m2 or 0.0, back_s)


def require_room(
    session: Session, limits: Limits, owner: str, *, area_m2: float = 0.0, blocks: int = 0, predicted_by: str = ""
) -> None:
    """Raises what `refusal` gives."""
    refused = refusal(session, limits, owner, area_m2=area_m2, blocks=blocks, predicted_by=predicted_by)
    if refused is not None:
        raise refused


def refusal(
    session: Session, limits: Limits, owner: str, *, area_m2: float = 0.0, blocks: int = 0, predicted_by: str = ""
) -> CosiaError | None:
    """Why one more job with so much area and so many blocks to compute has no room now; None where it has.

    LimitReached and QueueFull say when to come back; AoiTooLarge is an area that never fits.
    """
    used = usage(session, owner)
    if limits.active_jobs is not None and used.active_jobs >= limits.active_jobs:
        return LimitReached(
            f"you have {used.active_jobs} jobs waiting or running, the limit is {limits.active_jobs}: "
            "wait or dismiss one",
            _until_a_job_ends(session, owner),
        )
    if area_m2 and limits.km2_per_day is not None:
        most_m2 = limits.km2_per_day * 1e6
        if area_m2 > most_m2:
            return AoiTooLarge(
                f"the area is {area_m2 / 1e6:.2f} km², and you may ask for {limits.km2_per_day:g} km² in 24 hours: "
                "draw a smaller one",
                area_m2,
            )
        if used.area_m2 + area_m2 > most_m2:
            return LimitReached(
                f"you have asked for {used.area_m2 / 1e6:.2f} km² in the last 24 hours and this is "
                f"{area_m2 / 1e6:.2f} km² more, the limit is {limits.km2_per_day:g} km²: wait or ask for less",
                _until_area_is_back(session, owner, used.area_m2 + area_m2 - most_m2),
            )
    if blocks and limits.queue_length is not None:
        waiting = _waiting_blocks(session)
        if waiting + blocks > limits.queue_length:
            return QueueFull(
                f"the queue holds {waiting} blocks of at most {limits.queue_length}, and this would add {blocks}: "
                "try again later or ask for less",
                _until_blocks_are_done(session, waiting + blocks - limits.queue_length, predicted_by),
            )
    return None


def _costs() -> ColumnElement[bool]:
    """A job whose area counts for its owner."""
    return and_(JobRow.process == PREDICT_LAND_COVER, JobRow.status.not_in(("failed", "dismissed")), _recent())


def _recent() -> ColumnElement[bool]:
    return JobRow.created_at > now_s() - WINDOW_S


def _left() -> ColumnElement[int]:
    return JobRow.blocks_total - JobRow.blocks_done - JobRow.blocks_failed


def _waiting_blocks(session: Session) -> int:
    """Blocks that active jobs wait for; one that several wait for counts for each: no row of a block is read."""
    return session.scalar(select(func.sum(_left())).where(JobRow.status.in_(ACTIVE))) or 0


def _until_a_job_ends(session: Session, owner: str) -> int:
    """Of the owner's jobs the one with the fewest blocks left, as the outlook has it."""
    job = session.scalar(
        select(JobRow)
        .where(JobRow.owner == owner, JobRow.status.in_(ACTIVE), JobRow.process == PREDICT_LAND_COVER)
        .order_by(_left(), JobRow.created_at)
        .limit(1)
    )
    if job is None or job.predicted_by is None:
        return _USUAL_RETRY_S
    left = job.blocks_total - job.blocks_done - job.blocks_failed
    return _retry_after_s(outlook(session, predicted_by=job.predicted_by, blocks=left, before=job).seconds)


def _until_area_is_back(session: Session, owner: str, lacking_m2: float) -> int:
    """Until enough of the owner's jobs are older than the window."""
    given_back_m2 = 0.0
    for back_s, area_m2 in session.execute(
        select(JobRow.created_at + WINDOW_S - now_s(), JobRow.area_m2)
        .where(JobRow.owner == owner, _costs())
        .order_by(JobRow.created_at)
    ):
        given_back_m2 += area_m2
        if given_back_m2 >= lacking_m2:
            return _retry_after_s(back_s)
    return WINDOW_S


def _until_blocks_are_done(session: Session, blocks: int, predicted_by: str) -> int:
    px_per_s = outlook(session, predicted_by=predicted_by, blocks=blocks).px_per_s
    return _retry_after_s(blocks * BLOCK_PX**2 / px_per_s if px_per_s else None)


def _retry_after_s(seconds: float | None) -> int:
    """Whole seconds; a usual time where nobody knows: no worker is there, or its pace is not measured."""
    return _USUAL_RETRY_S if seconds is None else min(WINDOW_S, max(_LEAST_RETRY_S, math.ceil(seconds)))
