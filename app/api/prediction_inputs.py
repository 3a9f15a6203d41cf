"""The inputs of `predict-land-cover`: described with the choices there are, and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import shapely
from sqlalchemy.orm import Session

from app import aoi, imagery, models
from app.access import Caller
from app.api import prediction_models, prediction_options
from app.api.callers import request_sha256
from app.api.execution_bodies import AREA_SCHEMA, choice, inputs_of
from app.api.prediction_options import Options
from app.catalogue import Catalogue
from app.database import sessions
from app.definitions import Ensemble, ImagerySource, bands_of, extra_inputs_of, prediction_grid
from app.errors import AoiOutside, Forbidden, ParameterInvalid
from app.settings import settings
from app.storage import storage

_NAMES = ("aoi", "source", *prediction_models.NAMES, "priority", *prediction_options.NAMES)

_PRIORITIES = {0: "urgent, for callers with an API key", 1: "normal", 2: "when there is room"}


@dataclass(frozen=True)
class Checked:
    """Inputs that passed every check. coverage: share of the area with imagery; `sha256` is that of the request."""

    aoi: aoi.Aoi
    area_m2: float
    coverage: float
    source: ImagerySource
    ensemble: Ensemble
    priority: int
    options: Options
    sha256: str


def described(catalogue: Catalogue) -> dict[str, Any]:
    """Descriptions of the inputs, with the sources and models there are."""
    with sessions().read() as session:
        sources = imagery.list_sources(session)
        trained = models.trained_models(session, storage())
    return {
        "aoi": {
            "title": "Area of interest",
            "description": f"Polygon in longitude/latitude, at most {settings().aoi_km2:g} km² and "
            f"{settings().aoi_vertices} vertices.",
            "schema": AREA_SCHEMA,
        },
        "source": {
            **choice("Imagery source", [_source_choice(source) for source in sources], _default_source(sources)),
            "minOccurs": 0,
        },
        **prediction_models.described(trained, sources),
        "priority": {
            "title": "Priority",
            "description": "; ".join(f"{number}: {words}" for number, words in _PRIORITIES.items()),
            "schema": {"type": "integer", "enum": list(_PRIORITIES), "default": 1},
            "minOccurs": 0,
        },
        **prediction_options.described(catalogue, sources),
    }


def checked(body: dict[str, Any], catalogue: Catalogue, caller: Caller) -> Checked:
    """Checks of form first, then of sense. Raises Invalid with what is allowed, Forbidden."""
    config, database = settings(), sessions()
    given = inputs_of(body, required=("aoi",), allowed=_NAMES)
    priority = _checked_priority(given.get("priority", 1), caller)
    polygon = aoi.parse(given["aoi"], most_vertices=config.aoi_vertices)
    with database.read() as session:
        sources = imagery.list_sources(session)
        source = _chosen_source(given.get("source"), sources)
        ensemble = prediction_models.checked(given, models.trained_models(session, storage()))
    # Far from its territory a grid measures nothing: there an area is elsewhere before it is large.
    aoi.require_measurable(polygon, config.aoi_km2)
    if not shapely.box(*source.bbox).intersects(polygon):
        raise _outside(source, polygon)
    area_m2 = aoi.require_within_limit(polygon, source.epsg, config.aoi_km2)
    prediction_models.require_suited(ensemble, source)
    options = prediction_options.checked(
        given, area=polygon, source=source, ensemble=ensemble, sources=sources, catalogue=catalogue
    )
    with database.read() as session:
        used = [each for each in (source, options.compared) if each is not None]
        coverage = min(_coverage(session, each, ensemble, polygon) for each in used)
    return Checked(polygon, area_m2, coverage, source, ensemble, priority, options, request_sha256(body))


def _checked_priority(asked: object, caller: Caller) -> int:
    if not isinstance(asked, int) or isinstance(asked, bool) or asked not in _PRIORITIES:
        raise ParameterInvalid(f"priority must be one of {', '.join(map(str, _PRIORITIES))}", "priority")
    if asked == 0 and not caller.has_key:
        raise Forbidden("priority 0 is for callers with an API key: leave it out, or choose 1 or 2")
    return asked


def _coverage(session: Session, source: ImagerySource, ensemble: Ensemble, polygon: aoi.Aoi) -> float:
    """Share of the polygon with all that the models need. Raises AoiOutside where it is nothing."""
    bands, extra_inputs = bands_of(ensemble.cards), extra_inputs_of(ensemble.cards)
    share = imagery.covered_share(session, source.id, bands, polygon, extra_inputs)
    if share > 0:
        return share
    if extra_inputs and imagery.covered_share(session, source.id, bands, polygon) > 0:
        raise AoiOutside(
            f"imagery source {source.id!r} has pictures of the area and no image of its Sentinel-2 series, which the "
            "model needs: choose another model or area"
        )
    raise _outside(source, polygon)


def _outside(source: ImagerySource, polygon: aoi.Aoi) -> AoiOutside:
    west, south, east, north = (round(side, 4) for side in source.bbox)
    swapped = shapely.transform(polygon, lambda positions: positions[:, ::-1])
    is_inside_swapped = shapely.box(*source.bbox).intersects(swapped)
    hint = ": the order is [longitude, latitude], and here it looks swapped" if is_inside_swapped else ""
    return AoiOutside(
        f"the area lies outside imagery source {source.id!r}, which covers longitudes {west} to {east} "
        f"and latitudes {south} to {north}{hint}"
    )


def _chosen_source(asked: object, sources: list[ImagerySource]) -> ImagerySource:
    by_id = {source.id: source for source in sources}
    chosen = _default_source(sources) if asked is None else asked
    if not isinstance(chosen, str) or chosen not in by_id:
        raise ParameterInvalid(f"there is no such imagery source; known: {', '.join(by_id) or 'none'}", "source")
    return by_id[chosen]


def _default_source(sources: list[ImagerySource]) -> str | None:
    """The newest."""
    return max(sources, key=lambda source: (source.year or 0, source.id)).id if sources else None


def _source_choice(source: ImagerySource) -> dict[str, Any]:
    return {
        "value": source.id,
        "title": source.title,
        "cosia:epsg": source.epsg,
        "cosia:bbox": list(source.bbox),
        "cosia:bands": list(source.bands),
        "cosia:extraInputs": list(source.extra_inputs),
        "cosia:series": source.series.model_dump(mode="json") if source.series else None,
        "cosia:year": source.year,
        "cosia:resolution_m": source.resolution_m or prediction_grid(source.epsg).resolution_m,
        "cosia:attribution": source.attribution,
        "cosia:demonstration": source.demonstration,
        "cosia:version": source.version,
    }
