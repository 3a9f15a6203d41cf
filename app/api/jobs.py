"""Jobs: status, dismissal, results, events and the preview tiles of what is predicted so far."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from sse_starlette import EventSourceResponse, ServerSentEvent

from app import jobs
from app.access import Caller
from app.api.callers import CallerOf
from app.api.downloads import file_response
from app.api.job_documents import results, status_info
from app.api.landing import link
from app.api.reading import read_route
from app.database import EventRow, sessions
from app.errors import Unavailable, Unknown
from app.jobs import Seen
from app.outputs import OUTPUTS
from app.storage import storage

router = APIRouter(prefix="/api/jobs", tags=["jobs"])

JobID = Annotated[str, Path(description="Id given when the job was asked for, or the permalink of a job.")]

_POLL_S = 0.5
_HEARTBEAT_S = 15


@router.get("", summary="Your jobs, newest first")
def list_jobs(caller: CallerOf, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> dict[str, Any]:
    with sessions().read() as session:
        mine = [status_info(session, Seen(job, job.id)) for job in jobs.list_of(session, caller.owner, limit=limit)]
    return {"jobs": mine, "links": [link("self", "/api/jobs", "this document")]}


@router.get("/{jobID}", summary="How a job stands")
def status(jobID: JobID, caller: CallerOf) -> dict[str, Any]:  # noqa: N803 - the standard's spelling
    with sessions().read() as session:
        return status_info(session, jobs.seen_by(session, jobID, caller))


@router.delete("/{jobID}", summary="Dismiss a job; blocks that others want stay")
def dismiss(jobID: JobID, caller: CallerOf) -> dict[str, Any]:  # noqa: N803 - the standard's spelling
    with sessions().read() as session:
        job = jobs.own(session, jobID, caller)
    jobs.dismiss(sessions(), job.id)
    return status(jobID, caller)


@router.get("/{jobID}/results", summary="Links to the outputs of a successful job")
def job_results(jobID: JobID, caller: CallerOf) -> dict[str, Any]:  # noqa: N803 - the standard's spelling
    with sessions().read() as session:
        return results(jobs.seen_by(session, jobID, caller).job)


@read_route(router, "/{jobID}/results/{file}", summary="One output", response_class=Response)
def result_file(
    request: Request,
    jobID: JobID,  # noqa: N803 - the standard's spelling
    file: Annotated[str, Path(max_length=64)],
    caller: CallerOf,
) -> Response:
    with sessions().read() as session:
        job = jobs.seen_by(session, jobID, caller).job
    hrefs = {href.rpartition("/")[2]: (name, href) for name, href in (job.results or {}).items()}
    if file not in hrefs:
        raise Unknown(f"this job has no such output; it has {', '.join(sorted(hrefs)) or 'none yet'}")
    name, href = hrefs[file]
    if not storage().exists(href):
        raise Unavailable("this output is not in the storage any more")
    media_type = OUTPUTS[name].media_type
    # Written once, before the job is successful: hashing it at each range would read all of it.
    etag, filename = f"{job.permalink}-{file}", f"cosia-{job.permalink[:8]}-{file}"
    return file_response(request, storage(), href, media_type, filename, etag=etag)


@router.get(
    "/{jobID}/events", summary="What happens to a job, as server-sent events", response_class=EventSourceResponse
)
async def events(
    jobID: JobID,  # noqa: N803 - the standard's spelling
    caller: CallerOf,
    last_event_id: Annotated[str | None, Header()] = None,
) -> EventSourceResponse:
    since = int(last_event_id) if last_event_id and last_event_id.isdecimal() and len(last_event_id) < 19 else 0
    seen = await run_in_threadpool(_seen, jobID, caller)
    return EventSourceResponse(_follow(seen, since), ping=_HEARTBEAT_S)


def _seen(job_id: str, caller: Caller) -> Seen:
    with sessions().read() as session:
        return jobs.seen_by(session, job_id, caller)


async def _follow(seen: Seen, since: int) -> AsyncIterator[ServerSentEvent]:
    """Events from the database until the job has ended; a database that is away is waited for."""
    while True:
        try:
            rows, document = await run_in_threadpool(_news, seen, since)
        except Unavailable:
            await anyio.sleep(_POLL_S)
            continue
        for row in rows:
            since = row.id
            if row.kind == "block":
                yield ServerSentEvent(json.dumps(row.data), event="block", id=str(row.id))
        if document is not None:
            yield ServerSentEvent(json.dumps(document), event="status", id=str(since))
            if document["status"] in jobs.TERMINAL:
                return
        await anyio.sleep(_POLL_S)


def _news(seen: Seen, since: int) -> tuple[Sequence[EventRow], dict[str, Any] | None]:
    """Events after `since`, and the job's status if there were any or if it has ended."""
    with sessions().read() as session:
        rows = jobs.events_since(session, seen.job.id, since)
        job = jobs.get(session, seen.job.id)
        return rows, status_info(session, Seen(job, seen.shown_id)) if rows or job.status in jobs.TERMINAL else None
