"""A job's result among the published layers: its owner or an operator puts it there and takes it away."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from app import imagery, jobs, models
from app.access import Caller
from app.api.bodies import read_json
from app.api.callers import CallerOf
from app.api.jobs import JobID
from app.api.landing import link
from app.api.parameters import allow_only
from app.api.tiles import catalogue_of
from app.database import sessions
from app.errors import Forbidden, ParameterInvalid
from app.publish.results import publish_result, withdraw_result
from app.settings import settings
from app.storage import storage

router = APIRouter(prefix="/api/jobs/{jobID}/layer", tags=["jobs"])

_TITLE_CHARACTERS = 200
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": False,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["title"],
                    "additionalProperties": False,
                    "properties": {"title": {"type": "string", "minLength": 1, "maxLength": _TITLE_CHARACTERS}},
                }
            }
        },
    }
}


@router.put(
    "",
    summary="Publish the result of your job as a layer: everybody sees it",
    openapi_extra=_BODY,
    response_description="Where the layer is; its address in `Location`.",
)
async def put_layer(
    request: Request,
    jobID: JobID,  # noqa: N803 - the standard's spelling
    caller: CallerOf,
) -> JSONResponse:
    allow_only(request, ())
    title = _title(await read_json(request)) if await request.body() else None
    layer_id = await run_in_threadpool(_publish, jobID, caller, title)
    await run_in_threadpool(catalogue_of(request).refresh)
    document = {
        "layer": layer_id,
        "links": [
            link("item", f"/api/collections/{layer_id}", "the layer"),
            link("wmts", "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "WMTS 1.0.0", "application/xml"),
        ],
    }
    return JSONResponse(document, headers={"Location": f"{settings().public_url}/api/collections/{layer_id}"})


@router.delete("", status_code=204, summary="Withdraw the layer; the job keeps its results")
async def delete_layer(
    request: Request,
    jobID: JobID,  # noqa: N803 - the standard's spelling
    caller: CallerOf,
) -> Response:
    allow_only(request, ())
    await run_in_threadpool(_withdraw, jobID, caller)
    await run_in_threadpool(catalogue_of(request).refresh)
    return Response(status_code=204)


def _publish(job_id: str, caller: Caller, title: str | None) -> str:
    with sessions().read() as session:
        job = jobs.own(session, job_id, caller)
        if not (settings().publish_results or caller.operator):
            raise Forbidden("results are published as layers by operators only: take them from the job")
        classes = models.nomenclature_of(session, job.model_id)
        source = next((s for s in imagery.list_sources(session) if s.id == job.source_id), None)
    return publish_result(
        sessions(),
        storage(),
        job,
        nomenclature=classes,
        title=title or f"Prediction {job_id[:8]}",
        vintage=source.year if source else None,
        attribution=source.attribution if source else "",
        demonstration=source.demonstration if source else False,
    )


def _withdraw(job_id: str, caller: Caller) -> None:
    with sessions().read() as session:
        job = jobs.own(session, job_id, caller)
    withdraw_result(sessions(), job.id)


def _title(body: dict[str, Any]) -> str:
    title = body.get("title")
    if set(body) != {"title"} or not isinstance(title, str):
        raise ParameterInvalid('the body may be {"title": "…"} or left out', "title")
    if not 0 < len(title.strip()) <= _TITLE_CHARACTERS or not title.isprintable():
        raise ParameterInvalid(f"a title is one line of 1 to {_TITLE_CHARACTERS} characters", "title")
    return title.strip()
