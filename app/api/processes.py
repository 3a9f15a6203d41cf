"""OGC API - Processes 1.0: the processes there are, their descriptions, their asynchronous execution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from app import jobs
from app.access import Caller
from app.api import counting, prediction, quotas
from app.api.bodies import read_json
from app.api.callers import AskingCaller, IdempotencyKey
from app.api.execution_requests import EXECUTE_BODY, plain_request
from app.api.job_documents import created
from app.api.landing import link
from app.api.languages import answer_language, language_headers
from app.api.problems import problem_of
from app.api.tiles import catalogue_of
from app.catalogue import Catalogue
from app.database import JobRow
from app.definitions import Language
from app.errors import LimitReached, ProcessUnknown
from app.outputs import OUTPUTS

router = APIRouter(prefix="/api/processes", tags=["processes"])

_MOST_LISTED = 1000


@dataclass(frozen=True)
class _Process:
    """inputs: their descriptions at the moment. execute: body, catalogue, caller and idempotency key -> the job.
    estimate: body, catalogue, caller and the language of its sentences -> the cost.
    """

    title: str
    description: str
    inputs: Callable[[Catalogue], dict[str, Any]]
    outputs: tuple[str, ...]
    execute: Callable[[dict[str, Any], Catalogue, Caller, str | None], JobRow]
    estimate: Callable[[dict[str, Any], Catalogue, Caller, Language], dict[str, Any]] | None = None


_PROCESSES = {
    jobs.PREDICT_LAND_COVER: _Process(
        prediction.TITLE,
        prediction.DESCRIPTION,
        prediction.inputs,
        tuple(OUTPUTS),
        prediction.execute,
        prediction.estimate,
    ),
    jobs.MEASURE_AREAS: _Process(
        counting.AREAS_TITLE,
        counting.AREAS_DESCRIPTION,
        counting.areas_inputs,
        ("areas",),
        counting.execute_areas,
    ),
    jobs.COMPARE_LAYERS: _Process(
        counting.CHANGES_TITLE,
        counting.CHANGES_DESCRIPTION,
        counting.changes_inputs,
        ("changes",),
        counting.execute_changes,
    ),
}


@router.get("", summary="The processes there are")
def processes(limit: Annotated[int, Query(ge=1, le=_MOST_LISTED)] = 100, after: str | None = None) -> dict[str, Any]:
    ids = list(_PROCESSES)
    if after is not None:
        ids = ids[ids.index(_known(after)) + 1 :]
    links = [link("self", "/api/processes", "this document")]
    if len(ids) > limit:
        links.append(link("next", f"/api/processes?{urlencode({'limit': limit, 'after': ids[limit - 1]})}", "more"))
    return {
        "processes": [
            {**_summary(process_id), "links": [link("self", f"/api/processes/{process_id}", "description")]}
            for process_id in ids[:limit]
        ],
        "links": links,
    }


@router.get("/{processID}", summary="What the process takes and gives, with the choices there are")
def describe(request: Request, processID: str) -> dict[str, Any]:  # noqa: N803 - the standard's spelling
    process = _process(processID)
    path = f"/api/processes/{processID}"
    links = [
        link("self", path, "this document"),
        link("http://www.opengis.net/def/rel/ogc/1.0/execute", f"{path}/execution", "execution"),
    ]
    if process.estimate is not None:
        links.append(link("related", f"{path}/estimate", "estimate of the same inputs"))
    return {
        **_summary(processID),
        "inputs": process.inputs(catalogue_of(request)),
        "outputs": {
            name: {
                "title": OUTPUTS[name].title_en,
                "schema": {"type": "string", "contentMediaType": OUTPUTS[name].media_type},
            }
            for name in process.outputs
        },
        "links": links,
    }


@router.post(
    "/{processID}/execution",
    status_code=201,
    summary="Ask for a job",
    openapi_extra=EXECUTE_BODY,
    response_description="The job; its address in `Location`.",
)
async def execute(
    request: Request,
    processID: str,  # noqa: N803 - the standard's spelling
    caller: AskingCaller,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    process = _process(processID)
    body, catalogue = _plain(await read_json(request), process), catalogue_of(request)
    language = answer_language(request.headers)
    answer = await run_in_threadpool(lambda: _executed(process, body, catalogue, caller, idempotency_key, language))
    # Every process is executed asynchronously, whatever is preferred (RFC 7240, section 3, and the standard, 7.11.3).
    if "respond-async" in {word.strip().lower() for word in request.headers.get("prefer", "").split(",")}:
        answer.headers["Preference-Applied"] = "respond-async"
    return answer


@router.post("/{processID}/estimate", summary="What the same inputs would cost", openapi_extra=EXECUTE_BODY)
async def estimate(
    request: Request,
    processID: str,  # noqa: N803 - the standard's spelling
    caller: AskingCaller,
) -> JSONResponse:
    estimated = _process(processID).estimate
    if estimated is None:
        raise ProcessUnknown(f"process {processID} has no estimate; {jobs.PREDICT_LAND_COVER} has")
    body = _plain(await read_json(request), _process(processID))
    language = answer_language(request.headers)
    cost = await run_in_threadpool(estimated, body, catalogue_of(request), caller, language)
    return JSONResponse(cost, headers=language_headers(language))


def _executed(
    process: _Process,
    body: dict[str, Any],
    catalogue: Catalogue,
    caller: Caller,
    idempotency_key: str | None,
    language: Language,
) -> JSONResponse:
    """The answer to an execution, with what the caller may still ask for in its header."""
    try:
        answer = created(process.execute(body, catalogue, caller, idempotency_key), language)
    except LimitReached as error:
        answer = problem_of(error, language)
    answer.headers.update(quotas.header_fields(caller))
    return answer


def _plain(body: dict[str, Any], process: _Process) -> dict[str, Any]:
    return plain_request(body, outputs=process.outputs, chooses_outputs=len(process.outputs) > 1)


def _process(process_id: str) -> _Process:
    return _PROCESSES[_known(process_id)]


def _known(process_id: str) -> str:
    if process_id not in _PROCESSES:
        raise ProcessUnknown(f"there is no such process; known: {', '.join(_PROCESSES)}")
    return process_id


def _summary(process_id: str) -> dict[str, Any]:
    process = _PROCESSES[process_id]
    return {
        "id": process_id,
        "title": process.title,
        "description": process.description,
        "version": "1.0.0",
        "jobControlOptions": ["async-execute", "dismiss"],
        "outputTransmission": ["reference"],
    }
