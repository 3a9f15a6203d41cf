"""OGC API - Processes 1.0: the one process there is, its estimate and its asynchronous execution."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any

import shapely
from fastapi import APIRouter, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from app import aoi, blocks, imagery, jobs, models
from app.api.bodies import read_json
from app.api.job_documents import OUTPUTS, status_info
from app.api.landing import link
from app.database import Sessions, sessions
from app.definitions import ImagerySource, prediction_grid
from app.errors import AoiOutside, ParameterInvalid, ProcessUnknown
from app.jobs import PREDICT_LAND_COVER, Limits
from app.models import TrainedModel
from app.settings import Settings, settings
from app.storage import storage

router = APIRouter(prefix="/api/processes", tags=["processes"])

_INPUTS = ("aoi", "source", "model", "outputs")
_SUMMARY = {
    "id": PREDICT_LAND_COVER,
    "title": "Predict land cover",
    "description": "Predicts the CoSIA land cover of an area from aerial imagery, block by block.",
    "version": "1.0.0",
    "jobControlOptions": ["async-execute", "dismiss"],
    "outputTransmission": ["reference"],
}

_EXECUTE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["inputs"],
                    "properties": {
                        "inputs": {
                            "type": "object",
                            "required": ["aoi"],
                            "additionalProperties": False,
                            "properties": {
                                "aoi": {"type": "object", "description": "GeoJSON polygon, longitude/latitude"},
                                "source": {"type": "string"},
                                "model": {"type": "string"},
                                "outputs": {"type": "array", "items": {"type": "string", "enum": list(OUTPUTS)}},
                            },
                        }
                    },
                }
            }
        },
    }
}


@router.get("", summary="The processes there are")
def processes() -> dict[str, Any]:
    path = f"/api/processes/{PREDICT_LAND_COVER}"
    return {
        "processes": [{**_SUMMARY, "links": [link("self", path, "description")]}],
        "links": [link("self", "/api/processes", "this document")],
    }


@router.get("/{processID}", summary="What the process takes and gives, with the sources and models there are")
def describe(processID: str) -> dict[str, Any]:  # noqa: N803 - the standard's spelling
    _require_known(processID)
    with sessions().read() as session:
        sources = imagery.list_sources(session)
        trained = models.trained_models(session, storage())
    path = f"/api/processes/{PREDICT_LAND_COVER}"
    relations = "http://www.opengis.net/def/rel/ogc/1.0/"
    return {
        **_SUMMARY,
        "inputs": {
            "aoi": {
                "title": "Area of interest",
                "description": f"Polygon in longitude/latitude, at most {settings().aoi_km2:g} km².",
                "schema": {"type": "object", "format": "geojson-geometry"},
            },
            "source": {
                "title": "Imagery source",
                "schema": _choice(_default_source(sources), [_source_choice(source) for source in sources]),
                "minOccurs": 0,
            },
            "model": {
                "title": "Model",
                "schema": _choice(models.default_model(trained), [_model_choice(model) for model in trained.values()]),
                "minOccurs": 0,
            },
            "outputs": {
                "title": "Outputs to write; all when left out",
                "schema": {"type": "array", "items": {"type": "string", "enum": list(OUTPUTS)}},
                "minOccurs": 0,
            },
        },
        "outputs": {
            name: {"title": title, "schema": {"type": "string", "contentMediaType": media_type}}
            for name, (media_type, title) in OUTPUTS.items()
        },
        "links": [
            link("self", path, "this document"),
            link(f"{relations}execute", f"{path}/execution", "execution"),
            link("related", f"{path}/estimate", "estimate of the same inputs"),
        ],
    }


@router.post(
    "/{processID}/execution",
    status_code=201,
    summary="Ask for a prediction",
    openapi_extra=_EXECUTE_BODY,
    response_description="The job; its address in `Location`.",
)
async def execute(
    request: Request,
    processID: str,  # noqa: N803 - the standard's spelling
    idempotency_key: Annotated[str | None, Header(max_length=255, pattern=r"^[\x21-\x7e]+$")] = None,
) -> JSONResponse:
    _require_known(processID)
    body = await read_json(request)
    return await run_in_threadpool(_execute, body, owner_of(request), idempotency_key)


@router.post("/{processID}/estimate", summary="What the same inputs would cost", openapi_extra=_EXECUTE_BODY)
async def estimate(request: Request, processID: str) -> dict[str, Any]:  # noqa: N803 - the standard's spelling
    _require_known(processID)
    body = await read_json(request)
    return await run_in_threadpool(_estimate, body)


@dataclass(frozen=True)
class _Inputs:
    """Inputs that passed every check. `sha256` tells one request from another under the same idempotency key."""

    aoi: aoi.Aoi
    area_m2: float
    source: ImagerySource
    model: TrainedModel
    outputs: tuple[str, ...]
    sha256: str


def _execute(body: dict[str, Any], owner: str, idempotency_key: str | None) -> JSONResponse:
    config, database = settings(), sessions()
    inputs = _checked(body, config, database)
    grid = prediction_grid(inputs.source.epsg)
    job = jobs.submit(
        database,
        jobs.Request(
            aoi=inputs.aoi,
            area_m2=inputs.area_m2,
            cells=aoi.covering_cells(inputs.aoi, grid),
            grid=grid,
            source=inputs.source,
            card=inputs.model.card,
            weights_sha256=inputs.model.sha256,
            outputs=inputs.outputs,
            owner=owner,
            idempotency_key=idempotency_key,
            sha256=inputs.sha256,
        ),
        Limits(config.active_jobs, config.queue_length, config.batches_in_flight),
    )
    with database.read() as session:
        status = status_info(session, jobs.get(session, job.id))
    return JSONResponse(status, 201, {"Location": f"{config.public_url}/api/jobs/{job.id}"})


def _estimate(body: dict[str, Any]) -> dict[str, Any]:
    config, database = settings(), sessions()
    inputs = _checked(body, config, database)
    grid = prediction_grid(inputs.source.epsg)
    cells = aoi.covering_cells(inputs.aoi, grid)
    keys = [blocks.block_key(c, grid, inputs.source, inputs.model.card, inputs.model.sha256) for c in cells]
    with database.read() as session:
        ready = jobs.ready_blocks(session, keys)
        seconds_per_block = jobs.seconds_per_block(session, inputs.model.card.id)
    return {
        "area_m2": inputs.area_m2,
        "limit_km2": config.aoi_km2,
        "blocks": {"total": len(cells), "ready": ready},
        "seconds": None if seconds_per_block is None else round(seconds_per_block * (len(cells) - ready), 1),
    }


def _checked(body: dict[str, Any], config: Settings, database: Sessions) -> _Inputs:
    """Checks of form first, then of sense. Raises Invalid with what is allowed."""
    given = body.get("inputs")
    if not isinstance(given, dict) or "aoi" not in given:
        raise ParameterInvalid('the body must be {"inputs": {"aoi": <GeoJSON polygon>, …}}', "inputs")
    unknown = sorted(set(given) - set(_INPUTS))
    if unknown:
        raise ParameterInvalid(f"unknown input {unknown[0]!r}; allowed are {', '.join(_INPUTS)}", unknown[0][:100])
    outputs = _checked_outputs(given.get("outputs", list(OUTPUTS)))
    polygon = aoi.parse(given["aoi"], most_vertices=config.aoi_vertices)
    with database.read() as session:
        sources = imagery.list_sources(session)
        source = _chosen_source(given.get("source"), sources)
        model = _chosen_model(given.get("model"), models.trained_models(session, storage()))
        area_m2 = aoi.require_within_limit(polygon, source.epsg, config.aoi_km2)
        coverage = imagery.coverage(session, source.id, model.card.bands)
    if not shapely.intersects(polygon, coverage):
        west, south, east, north = (round(side, 4) for side in source.bbox)
        raise AoiOutside(
            f"the area lies outside imagery source {source.id!r}, which covers longitudes {west} to {east} "
            f"and latitudes {south} to {north}"
        )
    missing = [band for band in model.card.bands if band not in source.bands]
    if missing:
        raise ParameterInvalid(
            f"model {model.card.id!r} needs band {missing[0]}, which imagery source {source.id!r} does not have "
            f"(it has {', '.join(source.bands)})",
            "model",
        )
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return _Inputs(polygon, area_m2, source, model, outputs, digest)


def _checked_outputs(names: object) -> tuple[str, ...]:
    if not isinstance(names, list) or not names or any(not isinstance(n, str) or n not in OUTPUTS for n in names):
        raise ParameterInvalid(f"outputs must be a list of some of {', '.join(OUTPUTS)}", "outputs")
    return tuple(dict.fromkeys(names))


def _chosen_source(asked: object, sources: list[ImagerySource]) -> ImagerySource:
    by_id = {source.id: source for source in sources}
    chosen = _default_source(sources) if asked is None else asked
    if not isinstance(chosen, str) or chosen not in by_id:
        raise ParameterInvalid(f"there is no such imagery source; known: {', '.join(by_id) or 'none'}", "source")
    return by_id[chosen]


def _chosen_model(asked: object, trained: dict[str, TrainedModel]) -> TrainedModel:
    chosen = models.default_model(trained) if asked is None else asked
    if not isinstance(chosen, str) or chosen not in trained:
        raise ParameterInvalid(f"there is no such model; ready to use: {', '.join(trained) or 'none'}", "model")
    return trained[chosen]


def _default_source(sources: list[ImagerySource]) -> str | None:
    """The newest."""
    return max(sources, key=lambda source: (source.year or 0, source.id)).id if sources else None


def _choice(default: str | None, choices: list[dict[str, Any]]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "enum": [choice["const"] for choice in choices], "oneOf": choices}
    return schema if default is None else {**schema, "default": default}


def _source_choice(source: ImagerySource) -> dict[str, Any]:
    return {
        "const": source.id,
        "title": source.title,
        "cosia:bbox": list(source.bbox),
        "cosia:bands": list(source.bands),
        "cosia:year": source.year,
        "cosia:attribution": source.attribution,
        "cosia:demonstration": source.demonstration,
        "cosia:version": source.version,
    }


def _model_choice(model: TrainedModel) -> dict[str, Any]:
    card = model.card
    return {
        "const": card.id,
        "title": card.title,
        "description": card.description,
        "cosia:bands": list(card.bands),
        "cosia:weaknesses": list(card.weaknesses),
        "cosia:scores": [score.model_dump(mode="json") for score in card.scores],
    }


def _require_known(process_id: str) -> None:
    if process_id != PREDICT_LAND_COVER:
        raise ProcessUnknown(f"there is no such process; known: {PREDICT_LAND_COVER}")


def owner_of(request: Request) -> str:
    """Who asks: an anonymous caller is the address it comes from."""
    return f"address:{request.client.host if request.client else 'unknown'}"
