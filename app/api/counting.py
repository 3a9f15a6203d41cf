"""The processes `measure-areas` and `compare-layers`: what is counted in layers, as jobs."""

from __future__ import annotations

from typing import Any

import shapely

from app import aoi, jobs
from app.access import Caller
from app.api.callers import request_sha256
from app.api.execution_bodies import AREA_SCHEMA, choice, inputs_of
from app.catalogue import Catalogue, Layer
from app.database import JobRow, sessions
from app.errors import AoiTooLarge, ParameterInvalid, Unknown
from app.jobs import Count, limits_of
from app.settings import settings
from app.statistics import AreaMeasurement, ChangeMeasurement, Measurement

AREAS_TITLE = "Measure areas"
AREAS_DESCRIPTION = "Counts the square metres of each class of a layer inside a polygon, exactly, at full resolution."
CHANGES_TITLE = "Compare two layers"
CHANGES_DESCRIPTION = (
    "Counts, inside a polygon, the square metres that went from each class of a layer to each class of another, and "
    "how much of what changed lies on borders of classes."
)


def areas_inputs(catalogue: Catalogue) -> dict[str, Any]:
    """Descriptions of the inputs of `measure-areas`, with the layers there are."""
    return {"aoi": _aoi_input(), "layer": _layer_input(catalogue, "Layer")}


def changes_inputs(catalogue: Catalogue) -> dict[str, Any]:
    """Descriptions of the inputs of `compare-layers`, with the layers there are."""
    return {
        "aoi": _aoi_input(),
        "from": _layer_input(catalogue, "Earlier layer"),
        "to": _layer_input(catalogue, "Later layer"),
    }


def execute_areas(body: dict[str, Any], catalogue: Catalogue, caller: Caller, idempotency_key: str | None) -> JobRow:
    """Submits a job. Raises Invalid with what is allowed, Conflict, LimitReached."""
    given = inputs_of(body, required=("aoi", "layer"), allowed=("aoi", "layer"))
    measured = _layer(catalogue, given, "layer")
    measurement = AreaMeasurement(measured, polygon_of(given["aoi"]))
    return submit(measurement, caller, idempotency_key, response=body.get("response", "document"))


def execute_changes(body: dict[str, Any], catalogue: Catalogue, caller: Caller, idempotency_key: str | None) -> JobRow:
    """Submits a job. Raises Invalid with what is allowed, Conflict, LimitReached."""
    given = inputs_of(body, required=("aoi", "from", "to"), allowed=("aoi", "from", "to"))
    before, after = _layer(catalogue, given, "from"), _layer(catalogue, given, "to")
    measurement = ChangeMeasurement(before, after, polygon_of(given["aoi"]))
    return submit(measurement, caller, idempotency_key, response=body.get("response", "document"))


def polygon_of(geojson: object) -> aoi.Aoi:
    """Raises AoiInvalid, AoiTooLarge."""
    polygon = aoi.parse(geojson, most_vertices=settings().aoi_vertices)
    aoi.require_measurable(polygon, settings().statistics_km2)
    return polygon


def submit(
    measurement: Measurement, caller: Caller, idempotency_key: str | None, *, response: str = "document"
) -> JobRow:
    """Makes a measurement a job. Raises AoiTooLarge, Conflict, LimitReached."""
    config = settings()
    if measurement.asked_m2 > config.statistics_km2 * 1e6:
        raise AoiTooLarge(
            f"the area is {measurement.asked_m2 / 1e6:.2f} km², the limit is {config.statistics_km2:g} km²: draw a "
            "smaller one or split it",
            measurement.asked_m2,
        )
    process, inputs = _process_of(measurement)
    asked = Count(
        process=process,
        inputs=inputs,
        output="changes" if process == jobs.COMPARE_LAYERS else "areas",
        aoi=measurement.aoi,
        area_m2=measurement.asked_m2,
        epsg=measurement.layer.rasters[0].epsg,
        owner=caller.owner,
        idempotency_key=idempotency_key,
        sha256=request_sha256([process, inputs, shapely.to_wkt(measurement.aoi, rounding_precision=-1)]),
        response=response,
    )
    limits = limits_of(caller, config)
    return jobs.submit_count(sessions(), asked, limits)


def _process_of(measurement: Measurement) -> tuple[str, dict[str, Any]]:
    if isinstance(measurement, ChangeMeasurement):
        return jobs.COMPARE_LAYERS, {"from": measurement.layer.id, "to": measurement.after.id}
    return jobs.MEASURE_AREAS, {"layer": measurement.layer.id}


def _layer(catalogue: Catalogue, given: dict[str, Any], name: str) -> Layer:
    try:
        return catalogue.layer(str(given[name]))
    except Unknown as error:
        raise ParameterInvalid(error.message, name) from error


def _aoi_input() -> dict[str, Any]:
    return {
        "title": "Polygon",
        "description": f"Polygon in longitude/latitude, at most {settings().statistics_km2:g} km².",
        "schema": AREA_SCHEMA,
    }


def _layer_input(catalogue: Catalogue, title: str) -> dict[str, Any]:
    return choice(title, [{"value": layer.id, "title": layer.title} for layer in catalogue.layers()])
