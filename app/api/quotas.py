"""What a caller may still ask for: as a document, and as the header fields that programs look at."""

from __future__ import annotations

from typing import Any

from app import jobs
from app.access import Caller
from app.database import sessions
from app.errors import Unavailable
from app.jobs import Limits, Usage
from app.jobs.limits import WINDOW_S
from app.settings import settings


def document(limits: Limits, used: Usage, *, asked_m2: float | None = None) -> dict[str, Any]:
    """Limits that apply to an owner, what of them is used, and what is left; None where there is no limit.

    asked_m2: area of one more job, where there is one: `left_after` says what that would leave.
    """
    km2, asked_km2 = used.area_m2 / 1e6, None if asked_m2 is None else asked_m2 / 1e6
    return {
        "active_jobs": _quota(limits.active_jobs, used.active_jobs, None if asked_m2 is None else 1),
        "km2_per_day": _quota(limits.km2_per_day, km2, asked_km2),
    }


def of_caller(caller: Caller) -> dict[str, Any] | None:
    """The document of a caller; None while the database does not answer."""
    try:
        with sessions().read() as session:
            used = jobs.usage(session, caller.owner)
    except Unavailable:
        return None
    return document(jobs.limits_of(caller, settings()), used)


def header_fields(caller: Caller) -> dict[str, str]:
    """`RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10); none where there is no limit.

    Areas are in whole square metres: the fields hold integers.
    """
    limits = jobs.limits_of(caller, settings())
    try:
        with sessions().read() as session:
            used = jobs.usage(session, caller.owner)
    except Unavailable:  # the answer they go with is true without them
        return {}
    policies, states = [], []
    if limits.active_jobs is not None:
        policies.append(f'"active-jobs";q={limits.active_jobs};qu="concurrent-requests"')
        states.append(f'"active-jobs";r={max(0, limits.active_jobs - used.active_jobs)}')
    if limits.km2_per_day is not None:
        most_m2 = round(limits.km2_per_day * 1e6)
        back = "" if used.area_back_s is None else f";t={max(1, round(used.area_back_s))}"
        policies.append(f'"area";q={most_m2};w={WINDOW_S};qu="square-metres"')
        states.append(f'"area";r={max(0, int(most_m2 - used.area_m2))}{back}')
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(states)} if policies else {}


def _quota(limit: float | None, used: float, asked: float | None) -> dict[str, float | None]:
    left = None if limit is None else max(0, limit - used)
    found = {"limit": limit, "used": used, "left": left}
    if asked is not None:
        found["left_after"] = None if left is None else max(0, left - asked)
    return found
