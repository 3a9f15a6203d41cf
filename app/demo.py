"""Sets the demonstration up: territory, imagery sources, prediction through the ordinary pipeline, published layer."""

from __future__ import annotations

import time
from collections.abc import Callable

from app import aoi, imagery, jobs, models
from app.database import JobRow, LayerRow, Sessions
from app.definitions import BLOCK_PX, ImagerySource, nomenclature, prediction_grid
from app.demonstration.territory import Vintage, make_territory
from app.errors import CosiaError
from app.jobs import Limits, Request
from app.models import TrainedModel
from app.publish import publish
from app.settings import Settings
from app.storage import Storage

YEAR, LATER_YEAR = 2021, 2024
LAYER = "cosia-demo-2021"
_MODEL = "cosia-demo"
_POLL_S = 0.3

Progress = Callable[[str, float], None]
"""Told what is being done and the fraction of it done, 0-1."""


class DemonstrationFailed(CosiaError):
    type = "demonstration-failed"


def layer_of(year: int) -> str:
    """The id of a vintage's layer."""
    return f"cosia-demo-{year}"


def is_published(sessions: Sessions, year: int = YEAR) -> bool:
    with sessions.read() as session:
        return session.get(LayerRow, layer_of(year)) is not None


def set_up(sessions: Sessions, storage: Storage, settings: Settings, progress: Progress, *, year: int = YEAR) -> None:
    """Makes what is missing of one vintage; needs a worker that is running. Raises DemonstrationFailed."""
    size_px = settings.demonstration_blocks * BLOCK_PX
    vintages = make_territory(
        settings.local_folder / "demonstration",
        lambda _step, fraction: progress("photographing the territory", fraction),
        size_px=size_px,
    )
    sources = {vintage.year: _register(sessions, vintage) for vintage in vintages}
    source = sources[year]
    with sessions.read() as session:
        model = models.find_model(session, storage, _MODEL)
    job = _submit(sessions, source, model)
    _wait(sessions, job.id, lambda fraction: progress(f"predicting {year}", fraction))
    with sessions.read() as session:
        blocks = [row.href or "" for row in jobs.done_blocks(session, job.id)]
    publish(
        sessions,
        storage,
        layer_id=layer_of(year),
        title=f"CoSIA de démonstration {year}",
        rasters=blocks,
        nomenclature=nomenclature(model.card.nomenclature),
        vintage=year,
        imagery_source=source.id,
        model=model.card.id,
        attribution="CoSIA Map: procedural territory, no real place",
        demonstration=True,
        progress=lambda fraction: progress("publishing the layer", fraction),
    )


def _register(sessions: Sessions, vintage: Vintage) -> ImagerySource:
    return imagery.register(
        sessions,
        source_id=vintage.source_id,
        title=f"Orthophoto de démonstration {vintage.year}",
        rgb=vintage.rgb,
        irc=vintage.irc,
        height=vintage.height,
        year=vintage.year,
        attribution="CoSIA Map: procedural territory, no real place",
        demonstration=True,
        replace=True,
    )


def _submit(sessions: Sessions, source: ImagerySource, model: TrainedModel) -> JobRow:
    """The job that predicts the whole territory; blocks computed before are not computed again."""
    grid = prediction_grid(source.epsg)
    with sessions.read() as session:
        territory = imagery.coverage(session, source.id)
    return jobs.submit(
        sessions,
        Request(
            aoi=territory,
            area_m2=aoi.area_m2(territory, source.epsg),
            cells=aoi.covering_cells(territory, grid),
            grid=grid,
            source=source,
            ensemble=models.ensemble_of([model]),
            outputs=("classes", "confidence", "areas"),
            owner="demonstration",
            idempotency_key=None,
            sha256="",
        ),
        Limits(),
    )


def _wait(sessions: Sessions, job_id: str, progress: Callable[[float], None]) -> None:
    while True:
        with sessions.read() as session:
            job = jobs.get(session, job_id)
            state = jobs.progress(session, job_id)
        progress(state.done / state.total)
        if job.status == "successful":
            return
        if job.status in jobs.TERMINAL:
            raise DemonstrationFailed(f"the demonstration could not be predicted: {job.message or job.status}")
        time.sleep(_POLL_S)
