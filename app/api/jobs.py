"""Jobs: the list of one's own, status, dismissal, results, and events for those who follow."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from sse_starlette import EventSourceResponse

from app import expiry, jobs
from app.access import Caller
from app.api.callers import AskingCaller, CallerOf
from app.api.downloads import file_response
from app.api.followers import Followers
from app.api.job_documents import link_header, results
from app.api.job_lists import Chosen, Limit, page_links
from app.api.job_status import Status, statuses, without_outline
from app.api.languages import LanguageAsked, answer_language, language_headers
from app.api.reading import read_route, tags_of
from app.database import sessions
from app.errors import Unknown
from app.jobs import Seen
from app.outputs import OUTPUTS
from app.storage import storage

router = APIRouter(prefix="/api/jobs", tags=["jobs"])

JobID = Annotated[str, Path(description="Id given when the job was asked for, or the permalink of a job.")]

_HEARTBEAT_S = 15
_SEND_TIMEOUT_S = 60
_ASK_AGAIN_S = 5
"""How soon whoever asks for the status of an active job may ask again."""


@router.get("", summary="Your jobs, newest first")
def list_jobs(
    request: Request, answer: Response, caller: AskingCaller, chosen: Chosen, limit: Limit = 100
) -> dict[str, Any]:
    language = answer_language(request.headers)
    answer.headers.update(language_headers(language))
    with sessions().read() as session:
        found = [] if chosen is None else jobs.list_of(session, caller.owner, chosen, limit=limit + 1)
        told = [statuses.of(session, Seen(job, job.id)).told_in(language) for job in found[:limit]]
    last_id = found[limit - 1].id if len(found) > limit else None
    return {"jobs": [without_outline(each.document) for each in told], "links": page_links(request, last_id)}


@router.get(
    "/{jobID}",
    summary="How a job stands",
    responses={304: {"description": "As the client has it already (If-None-Match)."}},
)
def status(request: Request, jobID: JobID, caller: CallerOf) -> Response:  # noqa: N803 - the standard's spelling
    language = answer_language(request.headers)
    found = _status(jobID, caller)[1].told_in(language)
    headers = {"ETag": found.etag, "Cache-Control": "private, no-cache", **language_headers(language)}
    if not found.is_final:
        headers["Retry-After"] = str(_ASK_AGAIN_S)
    if {found.etag.strip('"'), "*"} & {tag.strip('"') for tag in tags_of(request)}:
        return Response(status_code=304, headers=headers)
    return Response(found.body, media_type="application/json", headers=headers)


@router.delete("/{jobID}", summary="Dismiss a job; blocks that others want stay")
def dismiss(request: Request, jobID: JobID, caller: CallerOf) -> Response:  # noqa: N803 - the standard's spelling
    with sessions().read() as session:
        job = jobs.own(session, jobID, caller)
    jobs.dismiss(sessions(), job.id)
    language = answer_language(request.headers)
    told = _status(jobID, caller)[1].told_in(language)
    return Response(told.body, media_type="application/json", headers=language_headers(language))


def _status(job_id: str, caller: Caller) -> tuple[Seen, Status]:
    with sessions().read() as session:
        seen = jobs.seen_by(session, job_id, caller)
        return seen, statuses.of(session, seen)


@router.get(
    "/{jobID}/results",
    summary="Links to the outputs of a successful job",
    responses={204: {"description": "The links are in the `Link` headers: the job was asked for with response=raw."}},
)
def job_results(jobID: JobID, caller: CallerOf) -> Response:  # noqa: N803 - the standard's spelling
    with sessions().read() as session:
        job = jobs.seen_by(session, jobID, caller).job
    document = results(job)
    expiry.note_use(sessions(), job)
    if job.outputs.get("response") == "raw":
        return Response(status_code=204, headers={"Link": link_header(document)})
    return JSONResponse(document)


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
    expiry.note_use(sessions(), job)
    if not storage().exists(href):
        raise expiry.lost(sessions(), storage(), job)
    media_type = OUTPUTS[name].media_type
    # Written once, before the job is successful: hashing it at each range would read all of it.
    etag, filename = f"{job.permalink}-{file}", f"cosia-{job.permalink[:8]}-{file}"
    return file_response(request, storage(), href, media_type, filename, etag=etag)


@router.get(
    "/{jobID}/events", summary="What happens to a job, as server-sent events", response_class=EventSourceResponse
)
async def events(
    request: Request,
    jobID: JobID,  # noqa: N803 - the standard's spelling
    caller: CallerOf,
    last_event_id: Annotated[str | None, Header(description="The last event received, to go on after it.")] = None,
    after: Annotated[
        int,
        Query(ge=0, lt=2**63, description="The same, for those who cannot send a header: `last_event` of a status."),
    ] = 0,
    lang: LanguageAsked = None,
) -> EventSourceResponse:
    language = answer_language(request.headers, lang)
    followers: Followers = request.app.state.followers
    followers.require_room()
    seen, found = await run_in_threadpool(_status, jobID, caller)
    header = last_event_id or ""
    since = int(header) if header.isascii() and header.isdigit() and len(header) < 19 else after
    return EventSourceResponse(
        followers.events(seen, found, since, language),
        headers=language_headers(language),
        ping=_HEARTBEAT_S,
        send_timeout=_SEND_TIMEOUT_S,
        sep="\n",
    )
