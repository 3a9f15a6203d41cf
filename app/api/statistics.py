"""What is counted in layers on request: areas per class in a polygon, changes between two layers."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from app.access import Caller
from app.api import counting
from app.api.bodies import read_json
from app.api.callers import AskingCaller, IdempotencyKey
from app.api.job_documents import created
from app.api.languages import answer_language
from app.api.parameters import allow_only
from app.api.reading import CORS
from app.api.tiles import LayerId, catalogue_of
from app.definitions import Language
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


_MOST_S, _MOST_WAIT_S = 15.0, 5.0
"""An answer comes within these two, seconds: what is not counted then becomes a job."""

_MOST_OUTLINE_M = 200_000.0
"""Of a polygon that is counted at once: some five hundred windows lie along it."""

_ROOM = threading.BoundedSemaphore(4)
"""Callers whose polygons are counted at a time: each holds some windows in memory."""


@lru_cache
def _threads() -> ThreadPoolExecutor:
    # Of their own, and few: counting must leave processors to tiles.
    return ThreadPoolExecutor(settings().statistics_threads, thread_name_prefix="statistics")


_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The figures."},
    201: {"description": "A job that will have them; its address in `Location`."},
}


@router.post(
    "/collections/{layer}/areas",
    summary="Square metres per class in a polygon, exact at full resolution; a job where it is large",
    openapi_extra=_POLYGON_BODY,
    responses=_ANSWERS,
)
async def class_areas(
    request: Request, layer: LayerId, caller: AskingCaller, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    allow_only(request, ())
    shown = catalogue_of(request).layer(layer)
    body = await read_json(request)
    return await run_in_threadpool(
        lambda: _answer(
            AreaMeasurement(shown, counting.polygon_of(body)),
            settings().areas_km2,
            caller,
            idempotency_key,
            answer_language(request.headers),
        )
    )


@router.post(
    "/collections/{layer}/changes",
    summary="Square metres per pair of classes between this layer and another, in a polygon; a job where it is large",
    openapi_extra=_POLYGON_BODY,
    responses=_ANSWERS,
)
async def class_changes(
    request: Request,
    layer: LayerId,
    to: Annotated[str, Query(max_length=64, description="Id of the layer to compare with.")],
    caller: AskingCaller,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    allow_only(request, ("to",))
    before, after = catalogue_of(request).layer(layer), catalogue_of(request).layer(to)
    body = await read_json(request)
    # Two rasters are read for each place, and borders looked at.
    limit_km2 = settings().areas_km2 / 2
    return await run_in_threadpool(
        lambda: _answer(
            ChangeMeasurement(before, after, counting.polygon_of(body)),
            limit_km2,
            caller,
            idempotency_key,
            answer_language(request.headers),
        )
    )


def _answer(
    measurement: Measurement, limit_km2: float, caller: Caller, idempotency_key: str | None, language: Language
) -> JSONResponse:
    """The figures where they can be had at once, else a job: the polygon is large, or others are being counted."""
    at_once = measurement.asked_m2 <= limit_km2 * 1e6 and measurement.outline_m <= _MOST_OUTLINE_M
    document = _counted(measurement) if at_once else None
    if document is None:
        answer = created(counting.submit(measurement, caller, idempotency_key), language)
    else:
        answer = JSONResponse(document)
    answer.headers.update(CORS)
    return answer


def _counted(measurement: Measurement) -> dict[str, Any] | None:
    """The figures; None where they would take too long."""
    if not _ROOM.acquire(timeout=_MOST_WAIT_S):
        return None
    try:
        until = time.monotonic() + _MOST_S
        tally = Tally.of_nothing(measurement)
        with closing(count(measurement, tally, _threads())) as windows:
            for _ in windows:
                if time.monotonic() > until and tally.windows_done < len(measurement.windows):
                    return None
        return measurement.document(tally.counts)
    finally:
        _ROOM.release()
