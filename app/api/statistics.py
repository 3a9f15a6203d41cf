"""What is counted in layers on request: areas per class in a polygon, changes between two layers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from app import aoi
from app.api.bodies import read_json
from app.api.parameters import allow_only
from app.api.reading import CORS
from app.api.tiles import LayerId, catalogue_of
from app.errors import AoiTooLarge
from app.settings import settings
from app.statistics import AreaMeasurement, ChangeMeasurement, Measurement, Tally, count

router = APIRouter(prefix="/api", tags=["collections"])

_POLYGON_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/geo+json": {"schema": {"type": "object", "description": "Polygon, longitude/latitude"}}
        },
    }
}


@lru_cache
def _threads() -> ThreadPoolExecutor:
    # Of their own, and few: counting must leave processors to tiles.
    return ThreadPoolExecutor(settings().statistics_threads, thread_name_prefix="statistics")


@router.post(
    "/collections/{layer}/areas",
    summary="Square metres per class in a polygon, exact at full resolution",
    openapi_extra=_POLYGON_BODY,
)
async def class_areas(request: Request, response: Response, layer: LayerId) -> dict[str, Any]:
    allow_only(request, ())
    shown = catalogue_of(request).layer(layer)
    body = await read_json(request)
    response.headers.update(CORS)
    return await run_in_threadpool(lambda: _counted(AreaMeasurement(shown, _polygon(body))))


@router.post(
    "/collections/{layer}/changes",
    summary="Square metres per pair of classes, between this layer and a later one, in a polygon",
    openapi_extra=_POLYGON_BODY,
)
async def class_changes(
    request: Request,
    response: Response,
    layer: LayerId,
    to: Annotated[str, Query(max_length=64, description="Id of the layer to compare with.")],
) -> dict[str, Any]:
    allow_only(request, ("to",))
    before, after = catalogue_of(request).layer(layer), catalogue_of(request).layer(to)
    body = await read_json(request)
    response.headers.update(CORS)
    return await run_in_threadpool(lambda: _counted(ChangeMeasurement(before, after, _polygon(body))))


def _polygon(body: dict[str, Any]) -> aoi.Aoi:
    return aoi.parse(body, most_vertices=settings().aoi_vertices)


def _counted(measurement: Measurement) -> dict[str, Any]:
    limit_km2 = settings().areas_km2
    if measurement.asked_m2 > limit_km2 * 1e6:
        raise AoiTooLarge(
            f"the area is {measurement.asked_m2 / 1e6:.2f} km², the limit is {limit_km2:g} km²: draw a smaller one"
        )
    tally = Tally.of_nothing(measurement)
    for _ in count(measurement, tally, _threads()):
        pass
    return measurement.document(tally.counts)
