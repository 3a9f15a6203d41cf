"""The maps that can be evaluated: published layers, and the results of jobs."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app import jobs, models
from app.catalogue import Layer
from app.database import JobRow
from app.definitions import Nomenclature, shipped_model_cards
from app.definitions.ensemble import parts_of
from app.errors import Conflict, ResultExpired
from app.quality.report import Subject
from app.storage import Storage
from app.tiling import RasterRef


def layer_subject(layer: Layer) -> Subject:
    return Subject(
        kind="layer",
        id=layer.id,
        title=layer.title,
        version=layer.version,
        model=layer.model,
        nomenclature=layer.nomenclature.id,
    )


def job_map(session: Session, storage: Storage, job_id: str) -> tuple[Layer, Subject]:
    """The classes of a job, and its confidence where that was asked for, taken for a layer.

    Raises JobUnknown, Conflict where the job has no classes to show, ResultExpired, Unavailable.
    """
    job = jobs.get(session, job_id)
    if job.expired_at is not None:
        raise ResultExpired("the results of this job are gone: ask for the same again")
    if job.status != "successful" or job.results is None:
        raise Conflict(f"the job is {job.status}: only the result of a successful one can be evaluated")
    if "classes" not in job.results:
        raise Conflict("the job has no raster of classes: ask for it with the output `classes`")
    classes = models.nomenclature_of(session, job.model_id)
    layer = _layer(storage, job, job.results["classes"], job.results.get("confidence"), classes)
    return layer, layer_subject(layer).model_copy(update={"kind": "job", "id": job.id})


def evaluated_values(session: Session, storage: Storage, model: str | None, classes: Nomenclature) -> tuple[int, ...]:
    """Classes that the model was trained on, any member of an ensemble; those of the nomenclature where the model is
    not known here."""
    cards = {name: each.card for name, each in models.trained_models(session, storage).items()}
    cards |= {name: card for name, card in shipped_model_cards().items() if name not in cards}
    ids = parts_of(model)[0] if model else ()
    if not ids or not cards.keys() >= set(ids):
        return tuple(sorted(classes.by_value))
    return tuple(sorted({value for card_id in ids for value in cards[card_id].values if value in classes.by_value}))


def _layer(storage: Storage, job: JobRow, href: str, confidence_href: str | None, classes: Nomenclature) -> Layer:
    digest = storage.sha256(href)
    confidence_path = storage.gdal_path(confidence_href) if confidence_href else None
    raster = RasterRef.of_file(storage.gdal_path(href), version=digest, confidence_path=confidence_path)
    return Layer(
        id=f"job-{job.id}",
        title=f"Prediction from {job.source_id}",
        description="",
        nomenclature=classes,
        vintage=None,
        imagery_source=job.source_id,
        model=job.predicted_by,
        attribution="",
        demonstration=False,
        version=digest[:12],
        published_at=job.created_at,
        rasters=(raster,),
    )
