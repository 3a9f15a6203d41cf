"""Preview tiles of a job: what its finished blocks show while the others are still computed, and then its result."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from rasterio.errors import RasterioError
from sqlalchemy.orm import Session

from app import jobs, models, tiling
from app.access import Caller
from app.api.callers import CallerOf
from app.api.jobs import JobID
from app.api.parameters import allow_only, integer
from app.api.preview_blocks import Finished, JobBlocks, preview_blocks
from app.api.preview_mosaics import mosaic, version
from app.api.reading import CORS, tags_of
from app.api.tile_answers import in_tile_thread, tile_answer
from app.api.tiles import TILE_ANSWERS, XYZ, Coordinate
from app.database import JobRow, sessions
from app.definitions import BlockCell, Nomenclature
from app.errors import RasterUnreadable, ResultExpired, Unknown
from app.settings import settings
from app.storage import storage
from app.tiling import Look, RasterRef, TileGrid
from app.tiling.render import drawn

router = APIRouter(prefix="/api/jobs/{jobID}/tiles", tags=["jobs"])

_LEAST_ZOOM, _MOST_ZOOM = 8, 20
_MOST_RASTERS = 36
"""Blocks that a tile is drawn from at full detail; more are seen from afar."""
_CURRENT = "private, no-cache"
_VERSIONED = "private, max-age=300"


@router.get("/tilejson.json", summary="TileJSON 3.0 of a job's preview and result")
def tilejson(jobID: JobID, caller: CallerOf) -> dict[str, Any]:  # noqa: N803 - the standard's spelling
    with sessions().read() as session:
        job = _predicting(session, jobID, caller)
    west, south, east, north = job.aoi.bounds
    return {
        "tilejson": "3.0.0",
        "name": f"Land cover predicted by job {job.permalink}",
        "tiles": [f"{settings().public_url}/api/jobs/{job.permalink}/tiles/{{z}}/{{x}}/{{y}}.png"],
        "bounds": [west, south, east, north],
        "minzoom": _LEAST_ZOOM,
        "maxzoom": _MOST_ZOOM,
    }


@router.get(
    "/{z}/{x}/{y}.png",
    summary="XYZ tile of the blocks predicted so far",
    response_class=Response,
    responses=TILE_ANSWERS,
)
async def preview_tile(
    request: Request,
    jobID: JobID,  # noqa: N803 - the standard's spelling
    z: Coordinate,
    x: Coordinate,
    y: Coordinate,
    caller: CallerOf,
    v: Annotated[str | None, Query(max_length=64, description="Anything: a new value passes caches by.")] = None,
) -> Response:
    allow_only(request, ("v",))
    level, column, row = integer(z, "z"), integer(x, "x"), integer(y, "y")
    tile = tiling.tile_grid(XYZ, level, column, row)  # refuses what does not exist before the database is asked
    shown = await run_in_threadpool(_shown, jobID, caller, tile)
    if isinstance(shown, _Near):
        answer = await tile_answer(request, shown, XYZ, level, column, row, Look(), None)
    else:
        answer = await _seen_from_afar(request, shown, tile)
    answer.headers["Cache-Control"] = _CURRENT if v is None else _VERSIONED
    return answer


@dataclass(frozen=True)
class _Near:
    """A few rasters: the blocks under a tile, or the result."""

    rasters: Sequence[RasterRef]
    nomenclature: Nomenclature
    version: str = ""

    def rasters_for_tile(self, _tile: TileGrid) -> Sequence[RasterRef]:
        return self.rasters


@dataclass(frozen=True)
class _Far:
    """Many blocks under one tile."""

    blocks: JobBlocks
    under: dict[BlockCell, Finished]
    nomenclature: Nomenclature


def _shown(job_id: str, caller: Caller, tile: TileGrid) -> _Near | _Far:
    """What a tile of the job is drawn from. Raises JobUnknown, Unknown, ResultExpired, RasterUnreadable."""
    with sessions().read() as session:
        job = _predicting(session, job_id, caller)
        if job.expired_at is not None:
            raise ResultExpired("the results of this job are gone, and its tiles with them: ask for the same again")
        classes = models.nomenclature_of(session, job.model_id)
        if job.status == "successful" and "classes" in (job.results or {}):
            return _Near([_result(job.permalink, (job.results or {})["classes"])], classes)
        blocks = preview_blocks.of(session, job)
    under = blocks.under(tile)
    if len(under) > _MOST_RASTERS:
        return _Far(blocks, under, classes)
    return _Near([blocks.raster(cell) for cell in under], classes)


async def _seen_from_afar(request: Request, shown: _Far, tile: TileGrid) -> Response:
    """As `tile_answer`, for a mosaic."""
    tag = f'"{hashlib.blake2b(version(shown.under).encode(), digest_size=12).hexdigest()}"'
    headers = {**CORS, "ETag": tag}
    if tag in tags_of(request):
        return Response(status_code=304, headers=headers)
    image = await in_tile_thread(lambda: drawn(mosaic(tile, shown.blocks, shown.under), shown.nomenclature.id))
    if image is None:
        return Response(status_code=204, headers=CORS)
    return Response(image, media_type="image/png", headers=headers)


def _predicting(session: Session, job_id: str, caller: Caller) -> JobRow:
    """Raises Unknown for a job of a process that makes no picture."""
    job = jobs.seen_by(session, job_id, caller).job
    if job.process != jobs.PREDICT_LAND_COVER:
        raise Unknown(f"a job of process {job.process} has no tiles: its results are numbers")
    return job


@lru_cache(maxsize=1000)
def _result(name: str, href: str) -> RasterRef:
    """The classes of a successful job: its file is written once. Raises RasterUnreadable."""
    try:
        return RasterRef.of_file(storage().gdal_path(href), version=name)
    except RasterioError as error:
        raise RasterUnreadable(
            "the result of this job cannot be read at the moment: try again in some seconds"
        ) from error
