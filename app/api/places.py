"""Search of places by name, for the page and for whoever needs one: what is known here, and the national geocoder."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from app.api.languages import LanguageAsked, answer_language, language_headers
from app.api.parameters import allow_only
from app.api.reading import NO_CACHE, content, read_route
from app.api.tiles import catalogue_of
from app.catalogue import Layer
from app.definitions import Language
from app.demonstration.territory import EPSG as DEMONSTRATION_EPSG
from app.errors import Unavailable
from app.places import Found, Geocoder, Kind, Place, Source, State, france, territory, territory_px, together
from app.places.gazetteer import ATTRIBUTION as OF_GAZETTEER
from app.places.geocoder import ATTRIBUTION as OF_GEOCODER
from app.places.territory import ATTRIBUTION as OF_DEMONSTRATION
from app.publish.results import is_job_layer

router = APIRouter(prefix="/api", tags=["places"])

MEDIA_TYPE = "application/geo+json"
_KEPT = "private, max-age=600"
"""By who asked, who may type the same again; not by caches between, for an address may be somebody's home."""

_FEATURE: dict[str, Any] = {
    "type": "object",
    "required": ["type", "geometry", "properties"],
    "properties": {
        "type": {"type": "string", "enum": ["Feature"]},
        "geometry": {"type": "object", "description": "A Point, longitude and latitude."},
        "bbox": {"type": "array", "items": {"type": "number"}, "description": "West, south, east, north; where known."},
        "properties": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "kind": {"type": "string", "enum": list(Kind)},
                "context": {"type": "string", "description": "What tells it from its namesakes; may be empty."},
                "code": {"type": ["string", "null"], "description": "INSEE's code of a commune."},
                "zoom": {"type": "integer", "description": "Level of web maps at which it fits a view."},
                "source": {"type": "string", "enum": list(Source)},
                "demonstration": {"type": "boolean", "description": "Whether it is no real place."},
            },
        },
    },
}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "features", "complete", "sources"],
    "properties": {
        "type": {"type": "string", "enum": ["FeatureCollection"]},
        "features": {"type": "array", "items": _FEATURE, "description": "The best first."},
        "complete": {"type": "boolean", "description": "False where a source that was asked has not answered."},
        "sources": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "enum": list(Source)},
                    "state": {"type": "string", "enum": list(State)},
                    "attribution": {"type": "string"},
                },
            },
        },
    },
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Points with their names.", "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
}
Text = Annotated[
    str,
    Query(
        min_length=2,
        max_length=200,
        description="A name or the beginning of one, a department after it, or an address: `saint denis 974`.",
    ),
]
Limit = Annotated[int, Query(ge=1, le=20, description="Most places.")]


@read_route(router, "/places", summary="Places of that name", response_class=Response, responses=_ANSWERS)
async def places(request: Request, q: Text, limit: Limit = 8, lang: LanguageAsked = None) -> Response:
    """Found by the beginnings of their names, without accents and signs; what is published nearby comes first.

    The geocoder is waited for a moment at most: without it, `complete` is false.
    """
    allow_only(request, ("q", "limit", "lang"))
    language = answer_language(request.headers, lang)
    geocoder: Geocoder = request.app.state.geocoder
    layers = _layers(request)
    side_px = await run_in_threadpool(_territory_px, layers)
    known, geocoded = await asyncio.gather(
        run_in_threadpool(_known, layers, side_px, q, limit, language), geocoder.find(q)
    )
    complete = geocoded.state in (State.ANSWERED, State.UNASKED)
    document = {
        "type": "FeatureCollection",
        "features": [_feature(place) for place in together(known, geocoded.places, limit)],
        "complete": complete,
        "sources": _sources(side_px is not None, geocoded.state, language),
    }
    answer = content(
        request,
        json.dumps(document, ensure_ascii=False).encode(),
        MEDIA_TYPE,
        _KEPT if complete else NO_CACHE,
    )
    answer.headers.update(language_headers(language))
    return answer


def _layers(request: Request) -> list[Layer]:
    """None while the database does not answer: places are found without them."""
    try:
        return catalogue_of(request).layers()
    except Unavailable:
        return []


def _territory_px(layers: Sequence[Layer]) -> int | None:
    return territory_px(
        layer.bounds(DEMONSTRATION_EPSG) for layer in layers if layer.demonstration and not is_job_layer(layer.id)
    )


def _known(layers: Sequence[Layer], side_px: int | None, text: str, limit: int, language: Language) -> list[Found]:
    boxes = {layer.bbox for layer in layers}
    found = france().find(text, limit, boxes)
    return found if side_px is None else found + territory(side_px, language).find(text, limit, boxes)


def _feature(place: Place) -> dict[str, Any]:
    feature: dict[str, Any] = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [round(place.lon, 6), round(place.lat, 6)]},
        "properties": {
            "name": place.name,
            "kind": place.kind,
            "context": place.context,
            "code": place.code,
            "zoom": place.zoom,
            "source": place.source,
            "demonstration": place.source is Source.DEMONSTRATION,
        },
    }
    if place.bbox is not None:
        feature["bbox"] = [round(each, 6) for each in place.bbox]
    return feature


def _sources(with_demonstration: bool, geocoder: State, language: Language) -> list[dict[str, str]]:
    listed = [
        {"id": Source.GAZETTEER, "state": State.ANSWERED, "attribution": OF_GAZETTEER},
        {"id": Source.GEOCODER, "state": geocoder, "attribution": OF_GEOCODER},
    ]
    if with_demonstration:
        shown = {"id": Source.DEMONSTRATION, "state": State.ANSWERED, "attribution": OF_DEMONSTRATION[language]}
        listed.insert(0, shown)
    return listed
