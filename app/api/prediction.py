"""The process `predict-land-cover`: what it takes and gives, its checks, its estimate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import shapely

from app import aoi, blocks, imagery, jobs, models
from app.access import Caller
from app.api import prediction_options
from app.api.callers import request_sha256
from app.api.execution_bodies import choice, inputs_of
from app.api.prediction_options import Options
from app.catalogue import Catalogue
from app.database import JobRow, Sessions, sessions
from app.definitions import ImagerySource, prediction_grid
from app.errors import AoiOutside, ParameterInvalid
from app.jobs import limits_of
from app.models import TrainedModel
from app.settings import Settings, settings
from app.storage import storage

TITLE = "Predict land cover"
DESCRIPTION = "Predicts the CoSIA land cover of an area from aerial imagery, block by block."

_INPUTS = ("aoi", "source", "model", *prediction_options.NAMES)


def inputs(catalogue: Catalogue) -> dict[str, Any]:
    """Descriptions of the inputs, with the sources and models there are."""
    with sessions().read() as session:
        sources = imagery.list_sources(session)
        trained = models.trained_models(session, storage())
    return {
        "aoi": {
            "title": "Area of interest",
            "description": f"Polygon in longitude/latitude, at most {settings().aoi_km2:g} km².",
            "schema": {"type": "object", "format": "geojson-geometry"},
        },
        "source": {
            **choice("Imagery source", [_source_choice(source) for source in sources], _default_source(sources)),
            "minOccurs": 0,
        },
        "model": {
            **choice("Model", [_model_choice(model) for model in trained.values()], models.default_model(trained)),
            "minOccurs": 0,
        },
        **prediction_options.described(catalogue, sources),
    }


@dataclass(frozen=True)
class _Inputs:
    """Inputs that passed every check; `sha256` is that of the request."""

    aoi: aoi.Aoi
    area_m2: float
    source: ImagerySource
    model: TrainedModel
    options: Options
    sha256: str


def execute(body: dict[str, Any], catalogue: Catalogue, caller: Caller, idempotency_key: str | None) -> JobRow:
    """Submits a job. Raises Invalid with what is allowed, Conflict, LimitReached, QueueFull."""
    config, database = settings(), sessions()
    inputs = _checked(body, catalogue, config, database)
    grid = prediction_grid(inputs.source.epsg)
    return jobs.submit(
        database,
        jobs.Request(
            aoi=inputs.aoi,
            area_m2=inputs.area_m2,
            cells=aoi.covering_cells(inputs.aoi, grid),
            grid=grid,
            source=inputs.source,
            card=inputs.model.card,
            weights_sha256=inputs.model.sha256,
            outputs=inputs.options.outputs,
            owner=caller.owner,
            idempotency_key=idempotency_key,
            sha256=inputs.sha256,
            inputs=inputs.options.inputs,
            compared=inputs.options.compared,
            response=body.get("response", "document"),
        ),
        limits_of(caller, config),
    )


def estimate(body: dict[str, Any], catalogue: Catalogue, caller: Caller) -> dict[str, Any]:
    """What the same inputs would cost. Raises Invalid."""
    config, database = settings(), sessions()
    inputs = _checked(body, catalogue, config, database)
    grid = prediction_grid(inputs.source.epsg)
    cells = aoi.covering_cells(inputs.aoi, grid)
    sources = [inputs.source, *([inputs.options.compared] if inputs.options.compared else [])]
    keys = [
        blocks.block_key(cell, grid, source, inputs.model.card, inputs.model.sha256)
        for source in sources
        for cell in cells
    ]
    with database.read() as session:
        ready = jobs.ready_blocks(session, keys)
        outlook = jobs.outlook(session, model_id=inputs.model.card.id, blocks=len(keys) - ready)
    return {
        "area_m2": inputs.area_m2,
        "limit_km2": config.aoi_km2,
        "blocks": {"total": len(keys), "ready": ready},
        "seconds": None if outlook.seconds is None else round(outlook.seconds, 1),
    }


def _checked(body: dict[str, Any], catalogue: Catalogue, config: Settings, database: Sessions) -> _Inputs:
    """Checks of form first, then of sense. Raises Invalid with what is allowed."""
    given = inputs_of(body, required=("aoi",), allowed=_INPUTS)
    polygon = aoi.parse(given["aoi"], most_vertices=config.aoi_vertices)
    with database.read() as session:
        sources = imagery.list_sources(session)
        source = _chosen_source(given.get("source"), sources)
        model = _chosen_model(given.get("model"), models.trained_models(session, storage()))
        area_m2 = aoi.require_within_limit(polygon, source.epsg, config.aoi_km2)
    missing = [band for band in model.card.bands if band not in source.bands]
    if missing:
        raise ParameterInvalid(
            f"model {model.card.id!r} needs band {missing[0]}, which imagery source {source.id!r} does not have "
            f"(it has {', '.join(source.bands)})",
            "model",
        )
    options = prediction_options.checked(
        given, area=polygon, source=source, card=model.card, sources=sources, catalogue=catalogue
    )
    with database.read() as session:
        for each in (source, options.compared):
            if each is not None and not shapely.intersects(
                polygon, imagery.coverage(session, each.id, model.card.bands)
            ):
                raise _outside(each)
    return _Inputs(polygon, area_m2, source, model, options, request_sha256(body))


def _outside(source: ImagerySource) -> AoiOutside:
    west, south, east, north = (round(side, 4) for side in source.bbox)
    return AoiOutside(
        f"the area lies outside imagery source {source.id!r}, which covers longitudes {west} to {east} "
        f"and latitudes {south} to {north}"
    )


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


def _source_choice(source: ImagerySource) -> dict[str, Any]:
    return {
        "value": source.id,
        "title": source.title,
        "cosia:epsg": source.epsg,
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
        "value": card.id,
        "title": card.title,
        "description": card.description,
        "cosia:bands": list(card.bands),
        "cosia:weaknesses": list(card.weaknesses),
        "cosia:french": card.french.model_dump(mode="json") if card.french else None,
        "cosia:scores": [score.model_dump(mode="json") for score in card.scores],
    }
