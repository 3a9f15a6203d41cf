"""Preview tiles of a job: what its finished blocks show, while the others are still computed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from fastapi.concurrency import run_in_threadpool

from app import jobs, tiling
from app.api.jobs import JobID
from app.database import BlockRow, sessions
from app.definitions import BlockCell, prediction_grid
from app.settings import settings
from app.storage import storage

router = APIRouter(prefix="/api/jobs/{jobID}/tiles", tags=["jobs"])

_LEAST_ZOOM, _MOST_ZOOM = 10, 20


@router.get("/tilejson.json", summary="TileJSON 3.0 of a job's preview and result")
def tilejson(jobID: JobID) -> dict[str, Any]:  # noqa: N803 - the standard's spelling
    with sessions().read() as session:
        job = jobs.get(session, jobID)
    west, south, east, north = job.aoi.bounds
    return {
        "tilejson": "3.0.0",
        "name": f"Land cover predicted by job {job.id}",
        "tiles": [f"{settings().public_url}/api/jobs/{job.id}/tiles/{{z}}/{{x}}/{{y}}.png"],
        "bounds": [west, south, east, north],
        "minzoom": _LEAST_ZOOM,
        "maxzoom": _MOST_ZOOM,
    }


@router.get("/{z}/{x}/{y}.png", summary="XYZ tile of the blocks predicted so far", response_class=Response)
async def preview_tile(
    jobID: JobID,  # noqa: N803 - the standard's spelling
    z: Annotated[int, Path(ge=0, le=24)],
    x: Annotated[int, Path(ge=0)],
    y: Annotated[int, Path(ge=0)],
    v: Annotated[str | None, Query(max_length=64, description="Anything: a new value passes caches by.")] = None,
) -> Response:
    image = await run_in_threadpool(_render, jobID, z, x, y)
    headers = {"Cache-Control": "no-cache" if v is None else "private, max-age=300", "Access-Control-Allow-Origin": "*"}
    if image is None:
        return Response(status_code=204, headers=headers)
    return Response(image, media_type="image/png", headers=headers)


def _render(job_id: str, z: int, x: int, y: int) -> bytes | None:
    with sessions().read() as session:
        jobs.get(session, job_id)
        rows = jobs.done_blocks(session, job_id)
    return tiling.render([_raster(row) for row in rows], "WebMercatorQuad", z, x, y)


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
