"""Preview tiles of a job: what its finished blocks show, while the others are still computed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session

from app import jobs, tiling
from app.access import Caller
from app.api.callers import CallerOf
from app.api.jobs import JobID
from app.api.parameters import allow_only, integer
from app.api.reading import CORS
from app.api.tile_answers import in_tile_thread
from app.api.tiles import XYZ, Coordinate
from app.database import BlockRow, JobRow, sessions
from app.definitions import BlockCell, prediction_grid
from app.errors import Unknown
from app.settings import settings
from app.storage import storage

router = APIRouter(prefix="/api/jobs/{jobID}/tiles", tags=["jobs"])

_LEAST_ZOOM, _MOST_ZOOM = 10, 20


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


@router.get("/{z}/{x}/{y}.png", summary="XYZ tile of the blocks predicted so far", response_class=Response)
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
    tiling.tile_grid(XYZ, level, column, row)  # refuses what does not exist before the database is asked
    rasters = await run_in_threadpool(_finished_blocks, jobID, caller)
    image = await in_tile_thread(lambda: tiling.render(rasters, XYZ, level, column, row)) if rasters else None
    headers = {**CORS, "Cache-Control": "no-cache" if v is None else "private, max-age=300"}
    if image is None:
        return Response(status_code=204, headers=headers)
    return Response(image, media_type="image/png", headers=headers)


def _predicting(session: Session, job_id: str, caller: Caller) -> JobRow:
    """Raises Unknown for a job of a process that makes no picture."""
    job = jobs.seen_by(session, job_id, caller).job
    if job.process != jobs.PREDICT_LAND_COVER:
        raise Unknown(f"a job of process {job.process} has no tiles: its results are numbers")
    return job


def _finished_blocks(job_id: str, caller: Caller) -> list[tiling.RasterRef]:
    with sessions().read() as session:
        job = _predicting(session, job_id, caller)
        return [_raster(row) for row in jobs.done_blocks(session, job.id)]


def _raster(row: BlockRow) -> tiling.RasterRef:
    grid = prediction_grid(row.epsg).block(BlockCell(row.grid_column, row.grid_row))
    return tiling.RasterRef(
        path=storage().gdal_path(row.href or ""),
        epsg=row.epsg,
        left=grid.left,
        top=grid.top,
        resolution_m=grid.resolution_m,
        width=grid.width,
        height=grid.height,
        bands=2,
        version=row.sha256 or "",
    )
