"""The documents that tell of a job: its status and its results, in the words of OGC API - Processes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import shapely
from sqlalchemy.orm import Session

from app import jobs
from app.api.landing import link
from app.database import JobRow
from app.errors import ResultNotReady
from app.settings import settings

OUTPUTS = {
    "classes": ("image/tiff; application=geotiff; profile=cloud-optimized", "Land cover classes (COG)"),
    "categories": ("application/xml", "Names of the classes: keep it beside the GeoTIFF"),
    "confidence": ("image/tiff; application=geotiff; profile=cloud-optimized", "Confidence, 255 = certain (COG)"),
    "areas": ("application/json", "Square metres and share per class"),
    "tiles": ("application/json", "Tiles of the result (TileJSON)"),
}


def status_info(session: Session, job: JobRow) -> dict[str, Any]:
    """statusInfo of the standard, and what a page wants to show beside it."""
    state = jobs.progress(session, job.id)
    active = job.status in jobs.ACTIVE
    path = f"/api/jobs/{job.id}"
    links = [
        link("self", path, "this document"),
        link("alternate", f"{path}/events", "server-sent events", "text/event-stream"),
        link("tiles", f"{path}/tiles/tilejson.json", "preview tiles"),
    ]
    if job.status == "successful":
        links.append(link("http://www.opengis.net/def/rel/ogc/1.0/results", f"{path}/results", "results"))
    return {
        "jobID": job.id,
        "processID": job.process,
        "type": "process",
        "status": job.status,
        "message": job.message or _message(job.status, state),
        "created": _timestamp(job.created_at),
        "started": _timestamp(job.started_at),
        "finished": _timestamp(job.finished_at),
        "updated": _timestamp(job.updated_at),
        "progress": 100 if job.status == "successful" else min(99, 100 * state.done // max(1, state.total)),
        "source": job.source_id,
        "model": job.model_id,
        "area_m2": job.area_m2,
        "aoi": shapely.geometry.mapping(job.aoi),
        "bbox": list(job.aoi.bounds),
        "blocks": state._asdict(),
        "queue_position": jobs.jobs_ahead(session, job) if job.status == "accepted" else None,
        "seconds_left": _seconds_left(session, job, state) if active else None,
        "links": links,
    }


def _message(status: str, state: jobs.Progress) -> str:
    if status == "accepted":
        return "waiting for a worker"
    if status == "running":
        return f"{state.done} of {state.total} blocks predicted"
    return "the results are there" if status == "successful" else ""


def _seconds_left(session: Session, job: JobRow, state: jobs.Progress) -> int | None:
    """From the pace of the latest blocks and the blocks ahead in the queue; None before the first block of all."""
    pace = jobs.seconds_per_block(session, job.model_id)
    if pace is None:
        return None
    return round(pace * (state.total - state.done - state.failed + jobs.blocks_ahead(session, job)))


def _timestamp(seconds: float | None) -> str | None:
    """RFC 3339, UTC, to the millisecond."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def results(job: JobRow) -> dict[str, Any]:
    """Output name -> link. Raises ResultNotReady unless the job was successful."""
    if job.status != "successful" or job.results is None:
        raise ResultNotReady(f"the job is {job.status}: results are there once it is successful")
    there = {}
    for name in job.outputs["names"]:
        media_type, title = OUTPUTS[name]
        there[name] = {"href": settings().public_url + _path(job, name), "type": media_type, "title": title}
    return there


def _path(job: JobRow, name: str) -> str:
    if name == "tiles":
        return f"/api/jobs/{job.id}/tiles/tilejson.json"
    file_name = (job.results or {})[name].rpartition("/")[2]
    return f"/api/jobs/{job.id}/results/{file_name}"
