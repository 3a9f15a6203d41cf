"""A job's result as a layer, if its owner wants it seen: the layer refers to the job's own files, nothing is copied."""

from __future__ import annotations

import rasterio
from sqlalchemy import delete, update

from app.database import JobRow, LayerRow, RasterRow, Sessions, exclusive, now_s
from app.definitions import Grid, Nomenclature
from app.errors import Conflict, ResultExpired, Unknown
from app.publish.raster_files import raster_row
from app.storage import Storage

JOB_PREFIX = "job-"
"""Of the ids of such layers; `publish` refuses it for others."""


def is_job_layer(layer_id: str) -> bool:
    return layer_id.startswith(JOB_PREFIX)


def layer_id_of(job_id: str) -> str:
    return f"{JOB_PREFIX}{job_id}"


def publish_result(
    sessions: Sessions,
    storage: Storage,
    job: JobRow,
    *,
    nomenclature: Nomenclature,
    title: str,
    vintage: int | None,
    attribution: str,
    demonstration: bool,
) -> str:
    """Makes a successful job's classes a layer, or changes the title of that layer; gives its id.

    Raises Conflict where the job has no classes to show, ResultExpired where they are gone, Unavailable where its files
    cannot be read.
    """
    _require_unexpired(job)
    if job.status != "successful" or job.results is None:
        raise Conflict(f"the job is {job.status}: only a successful one can be published")
    if "classes" not in job.results:
        raise Conflict("the job has no raster of classes: there is nothing to show")
    raster = _raster(storage, job.results["classes"], job.results.get("confidence"))
    layer_id = layer_id_of(job.id)
    with exclusive(sessions.engine, layer_id), sessions.write() as session:
        # Locked: results that are about to expire are no layer any more, and those of a layer do not expire.
        _require_unexpired(session.get_one(JobRow, job.id, with_for_update=True))
        layer = session.merge(
            LayerRow(
                id=layer_id,
                title=title,
                description="Predicted on demand; published by who asked for it.",
                nomenclature=nomenclature.id,
                vintage=vintage,
                imagery_source=job.source_id,
                model=job.predicted_by,
                attribution=attribution,
                demonstration=demonstration,
                version=raster.sha256[:12],
            )
        )
        layer.published_at = now_s()
        session.execute(delete(RasterRow).where(RasterRow.layer_id == layer_id))
        session.flush()
        raster.layer_id = layer_id
        session.add(raster)
    return layer_id


def withdraw_result(sessions: Sessions, job_id: str) -> None:
    """Takes the layer away; the job keeps its files. Raises Unknown where it is not published."""
    layer_id = layer_id_of(job_id)
    with exclusive(sessions.engine, layer_id), sessions.write() as session:
        layer = session.get(LayerRow, layer_id)
        if layer is None:
            raise Unknown("this job's result is not published")
        session.execute(delete(RasterRow).where(RasterRow.layer_id == layer_id))
        session.delete(layer)
        # It was in use until now, and is kept as long as others from now on.
        session.execute(update(JobRow).where(JobRow.id == job_id).values(used_at=now_s()))


def _require_unexpired(job: JobRow) -> None:
    if job.expired_at is not None:
        raise ResultExpired("the results of this job are gone: ask for the same again")


def _raster(storage: Storage, href: str, confidence_href: str | None) -> RasterRow:
    with storage.reading(href) as path, rasterio.open(path, driver="GTiff") as dataset:
        transform = dataset.transform
        grid = Grid(dataset.crs.to_epsg(), transform.c, transform.f, transform.a, dataset.width, dataset.height)
    return raster_row(storage, "classes", href, confidence_href, grid)
