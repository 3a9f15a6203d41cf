"""Which jobs are listed: the query parameters of OGC API - Processes 1.0, section 11, and the link to the next page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query, Request

from app.api.landing import link
from app.api.parameters import query_of
from app.errors import ParameterInvalid
from app.jobs import Selection

MOST_LISTED = 1000

_KNOWN = ("type", "processID", "status", "datetime", "minDuration", "maxDuration", "before", "limit")
_STATUSES = ("accepted", "running", "successful", "failed", "dismissed")
_OPEN = ("", "..")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)")
_MILLISECOND = 0.001
"""`created` is told to the millisecond: an instant stands for all of it."""

Limit = Annotated[int, Query(ge=1, le=MOST_LISTED, description="Most jobs in the answer.")]


def selection(
    type: Annotated[list[str] | None, Query(description="`process`: the only type there is.")] = None,
    processID: Annotated[list[str] | None, Query(description="Jobs of these processes.")] = None,  # noqa: N803
    status: Annotated[list[str] | None, Query(description=f"Some of {', '.join(_STATUSES)}.")] = None,
    datetime: Annotated[
        str | None,
        Query(max_length=100, description="When they were asked for: RFC 3339, or an interval a/b, ../b, a/.."),
    ] = None,
    minDuration: Annotated[list[int] | None, Query(description="Lasting that long at least, s.")] = None,  # noqa: N803
    maxDuration: Annotated[list[int] | None, Query(description="Lasting no longer, s.")] = None,  # noqa: N803
    before: Annotated[str | None, Query(max_length=64, description="Those asked for before this job of yours.")] = None,
) -> Selection | None:
    """None: no job is of the types asked for. Raises ParameterInvalid."""
    if type is not None and "process" not in _listed(type):
        return None
    statuses = _listed(status or ())
    unknown = [word for word in statuses if word not in _STATUSES]
    if unknown:
        raise ParameterInvalid(f"there is no status {unknown[0][:40]!r}; there are {', '.join(_STATUSES)}", "status")
    created_from, created_until = _interval(datetime)
    return Selection(
        processes=_listed(processID or ()),
        statuses=statuses,
        created_from=created_from,
        created_until=created_until,
        least_s=max(minDuration, default=None) if minDuration else None,
        most_s=min(maxDuration, default=None) if maxDuration else None,
        before=before,
    )


Chosen = Annotated[Selection | None, Depends(selection)]
"""A parameter of the route that lists."""


def page_links(request: Request, last_id: str | None) -> list[dict[str, str]]:
    """To this page, and to the next one where there is more after the job of `last_id`."""
    query = [(name, value) for name, value in query_of(request).multi_items() if name in _KNOWN]
    links = [link("self", "/api/jobs" + _question(query), "this document")]
    if last_id is not None:
        following = [*[(name, value) for name, value in query if name != "before"], ("before", last_id)]
        links.append(link("next", "/api/jobs" + _question(following), "older jobs"))
    return links


def _question(query: Sequence[tuple[str, str]]) -> str:
    return f"?{urlencode(query)}" if query else ""


def _listed(values: Sequence[str]) -> tuple[str, ...]:
    """Values given one by one, or joined by commas: OpenAPI has both forms."""
    return tuple(word for value in values for word in value.split(",") if word)


def _interval(text: str | None) -> tuple[float | None, float | None]:
    """Seconds since 1970: from, and until (excluded)."""
    if text is None:
        return None, None
    first, slash, last = text.partition("/")
    if not slash:
        instant = _seconds(first)
        return instant, instant + _MILLISECOND
    if first in _OPEN and last in _OPEN:
        raise _unreadable()
    begin = None if first in _OPEN else _seconds(first)
    end = None if last in _OPEN else _seconds(last) + _MILLISECOND
    if begin is not None and end is not None and begin >= end:
        raise ParameterInvalid("the interval of datetime ends before it begins", "datetime")
    return begin, end


def _seconds(text: str) -> float:
    if not _DATE_TIME.fullmatch(text):
        raise _unreadable()
    try:
        return datetime.fromisoformat(text.upper()).timestamp()
    except (ValueError, OverflowError) as error:
        raise _unreadable() from error


def _unreadable() -> ParameterInvalid:
    return ParameterInvalid(
        "datetime is a time such as 2026-01-31T12:00:00Z, or an interval: time/time, ../time or time/..", "datetime"
    )
