"""The documents that tell of a job: its status and its results, in the words of OGC API - Processes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import shapely
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from app import jobs
from app.api.landing import link
from app.database import JobRow, sessions
from app.errors import ResultNotReady
from app.jobs import Seen
from app.settings import settings

PREDICTION_OUTPUTS = {
    "classes": ("image/tiff; application=geotiff; profile=cloud-optimized", "Land cover classes (COG)"),
    "categories": ("application/xml", "Names of the classes: keep it beside the GeoTIFF"),
    "confidence": ("image/tiff; application=geotiff; profile=cloud-optimized", "Confidence, 255 = certain (COG)"),
    "areas": ("application/json", "Square metres and share per class"),
    "tiles": ("application/json", "Tiles of the result (TileJSON)"),
}
"""Output name -> media type and title."""

OUTPUTS = {**PREDICTION_OUTPUTS, "changes": ("application/json", "Square metres per pair of classes")}
"""Those of every process."""


def created(job: JobRow) -> JSONResponse:
    """201 with the job's status and its address."""
    with sessions().read() as session:
        status = status_info(session, Seen(jobs.get(session, job.id), job.id))
    return JSONResponse(status, 201, {"Location": f"{settings().public_url}/api/jobs/{job.id}"})


def status_info(session: Session, seen: Seen) -> dict[str, Any]:
    """statusInfo of the standard, and what a page wants to show beside it.

    Links to data carry the permalink: neither a GIS nor an image on a page can send a key.
    """
    job = seen.job
    path, data = f"/api/jobs/{seen.shown_id}", f"/api/jobs/{job.permalink}"
    links = [
        link("self", path, "this document"),
        link("alternate", f"{data}/events", "server-sent events", "text/event-stream"),
        link("bookmark", data, "for anybody to read"),
    ]
    if job.process == jobs.PREDICT_LAND_COVER:
        links.append(link("tiles", f"{data}/tiles/tilejson.json", "preview tiles"))
    if job.status == "successful":
        links.append(link("http://www.opengis.net/def/rel/ogc/1.0/results", f"{path}/results", "results"))
    particulars = _of_prediction if job.process == jobs.PREDICT_LAND_COVER else _of_count
    return {
        "jobID": seen.shown_id,
        "processID": job.process,
        "type": "process",
        "status": job.status,
        "created": _timestamp(job.created_at),
        "started": _timestamp(job.started_at),
        "finished": _timestamp(job.finished_at),
        "updated": _timestamp(job.updated_at),
        "area_m2": job.area_m2,
        "aoi": shapely.geometry.mapping(job.aoi),
        "bbox": list(job.aoi.bounds),
        "queue_position": jobs.jobs_ahead(session, job) if job.status == "accepted" else None,
        **particulars(session, job),
        "links": links,
    }


def _of_prediction(session: Session, job: JobRow) -> dict[str, Any]:
    state = jobs.progress(session, job.id)
    return {
        "message": job.message or _message(job.status, f"{state.done} of {state.total} blocks predicted"),
        "progress": 100 if job.status == "successful" else min(99, 100 * state.done // max(1, state.total)),
        "source": job.source_id,
        "model": job.model_id,
        "blocks": state._asdict(),
        "seconds_left": _seconds_left(session, job, state) if job.status in jobs.ACTIVE else None,
    }


def _of_count(_session: Session, job: JobRow) -> dict[str, Any]:
    seconds_left = None
    if job.status == "running" and job.started_at is not None and job.progress:
        seconds_left = round((job.updated_at - job.started_at) * (100 - job.progress) / job.progress)
    return {
        "message": job.message or _message(job.status, f"{job.progress} % counted"),
        "progress": job.progress,
        "inputs": job.inputs,
        "seconds_left": seconds_left,
    }


def _message(status: str, running: str) -> str:
    words = {"accepted": "waiting for a worker", "running": running, "successful": "the results are there"}
    return words.get(status, "")


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
        return f"/api/jobs/{job.permalink}/tiles/tilejson.json"
    file_name = (job.results or {})[name].rpartition("/")[2]
    return f"/api/jobs/{job.permalink}/results/{file_name}"
