"""The process `predict-land-cover`: its execution, and the estimate of what the same inputs would cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app import aoi, jobs
from app.access import Caller
from app.api import prediction_inputs, quotas
from app.api.prediction_inputs import Checked
from app.api.problems import status_of, type_of
from app.block_keys import BlockKeys
from app.catalogue import Catalogue
from app.database import JobRow, sessions
from app.definitions import ImagerySource, Language, ModelCard, RemoteService, bands_of, prediction_grid
from app.errors import AoiTooLarge, CosiaError, LimitReached, Unavailable
from app.imagery.remote import least_seconds_per_block, requests_per_block
from app.phrases import told
from app.settings import settings

TITLE = "Predict land cover"
DESCRIPTION = "Predicts the CoSIA land cover of an area from aerial imagery, block by block."

inputs = prediction_inputs.described


def execute(body: dict[str, Any], catalogue: Catalogue, caller: Caller, idempotency_key: str | None) -> JobRow:
    """Submits a job. Raises Invalid with what is allowed, Forbidden, Conflict, LimitReached, QueueFull."""
    asked = prediction_inputs.checked(body, catalogue, caller)
    grid = prediction_grid(asked.source.epsg)
    return jobs.submit(
        sessions(),
        jobs.Request(
            aoi=asked.aoi,
            area_m2=asked.area_m2,
            cells=aoi.covering_cells(asked.aoi, grid),
            grid=grid,
            source=asked.source,
            ensemble=asked.ensemble,
            outputs=asked.options.outputs,
            owner=caller.owner,
            idempotency_key=idempotency_key,
            sha256=asked.sha256,
            priority=asked.priority,
            coverage=asked.coverage,
            inputs=asked.options.inputs,
            compared=asked.options.compared,
            response=body.get("response", "document"),
        ),
        jobs.limits_of(caller, settings()),
    )


def estimate(body: dict[str, Any], catalogue: Catalogue, caller: Caller, language: Language) -> dict[str, Any]:
    """What the same inputs would cost, and whether they would be refused at the moment; nothing is created.

    `seconds` are from now to the results; None where no worker is there or none has measured its pace. `price`: how
    much more time a block takes than by `model` alone (see `app.jobs.Price`), part of `seconds` already. Raises Invalid
    for what is refused at any time, but for an area that is too large: that is measured and told.
    """
    limits = jobs.limits_of(caller, settings())
    try:
        asked = prediction_inputs.checked(body, catalogue, caller)
    except AoiTooLarge as error:
        with sessions().read() as session:
            quota = quotas.document(limits, jobs.usage(session, caller.owner))
        return {
            "area_m2": error.area_m2,
            "coverage": None,
            "limit_km2": settings().aoi_km2,
            "blocks": None,
            "seconds": None,
            "quota": quota,
            "would_be_refused": _refusal(error, language),
        }
    keys, cards = _block_keys(asked), asked.ensemble.cards
    with sessions().read() as session:
        ready = jobs.ready_blocks(session, keys)
        to_compute, predicted_by = len(keys) - ready, asked.ensemble.predicted_by
        fetches = [jobs.Fetch(each.id, least_seconds_per_block(each, bands_of(cards))) for each in _sources(asked)]
        outlook = jobs.outlook(
            session, predicted_by=predicted_by, blocks=to_compute, fetches=fetches, priority=asked.priority
        )
        price = jobs.price(session, asked.ensemble.cards[0].id, predicted_by)
        fetching = [
            _fetching(each, each.service, cards, jobs.fetch_pace(session, fetch))
            for each, fetch in zip(_sources(asked), fetches, strict=True)
            if each.service is not None
        ]
        used = jobs.usage(session, caller.owner)
        refused = jobs.refusal(
            session, limits, caller.owner, area_m2=asked.area_m2, blocks=to_compute, predicted_by=predicted_by
        )
    return {
        "area_m2": asked.area_m2,
        "coverage": asked.coverage,
        "limit_km2": settings().aoi_km2,
        "blocks": {"total": len(keys), "ready": ready, "to_compute": to_compute},
        "price": {**price._asdict(), "factor": round(price.factor, 2)},
        "fetching": fetching,
        "workers": outlook.workers,
        "px_per_s": None if outlook.px_per_s is None else round(outlook.px_per_s),
        "queue": {"jobs_ahead": outlook.jobs_ahead, "blocks_ahead": outlook.blocks_ahead},
        "seconds": None if outlook.seconds is None else round(outlook.seconds, 1),
        "quota": quotas.document(limits, used, asked_m2=asked.area_m2),
        "would_be_refused": None if refused is None else _refusal(refused, language),
    }


def _block_keys(asked: Checked) -> list[str]:
    """Of the area in the source, and in the one it is compared with."""
    grid = prediction_grid(asked.source.epsg)
    cells = aoi.covering_cells(asked.aoi, grid)
    keys = [BlockKeys(grid, source, asked.ensemble) for source in _sources(asked)]
    return [each.of(cell) for each in keys for cell in cells]


def _sources(asked: Checked) -> list[ImagerySource]:
    return [source for source in (asked.source, asked.options.compared) if source is not None]


def _fetching(
    source: ImagerySource, service: RemoteService, cards: Sequence[ModelCard], pace: jobs.FetchPace
) -> dict[str, Any]:
    """What the imagery of a map server costs in time: as measured, or as its definition allows."""
    return {
        "source": source.id,
        "requests_per_block": round(requests_per_block(source, bands_of(cards)), 2),
        "requests_per_s": service.requests_per_s,
        "seconds_per_block": round(pace.seconds_per_block, 2),
        "measured": pace.measured,
    }


def _refusal(error: CosiaError, language: Language) -> dict[str, Any]:
    """What an execution would be answered: the members of its problem document."""
    retry_after_s = error.retry_after_s if isinstance(error, LimitReached | Unavailable) else None
    return {
        "type": type_of(error),
        "status": status_of(error),
        "detail": told(error.message, language),
        "retry_after_s": retry_after_s,
    }
