"""The class at a point: in one layer, or in all that cover the place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from app.api.languages import answer_language, language_headers
from app.api.parameters import allow_only
from app.api.reading import json_content, read_route
from app.api.tile_answers import in_tile_thread
from app.api.tiles import LayerId, catalogue_of
from app.areas import class_words
from app.catalogue import Layer
from app.definitions import Language
from app.errors import RasterUnreadable
from app.phrases import told
from app.tiling import PointValue, value_at

router = APIRouter(prefix="/api", tags=["collections"])

Longitude = Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False, description="Degrees.")]
Latitude = Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False, description="Degrees.")]


@read_route(router, "/collections/{layer}/point", summary="Class, names, colour and confidence at a point")
async def point(request: Request, layer: LayerId, lon: Longitude, lat: Latitude) -> Response:
    allow_only(request, ("lon", "lat"))
    shown = catalogue_of(request).layer(layer)
    rasters = shown.rasters_in(4326, (lon, lat, lon, lat))
    found = await in_tile_thread(lambda: value_at(rasters, 4326, lon, lat))
    return json_content(request, {"lon": lon, "lat": lat, **class_at(shown, found)})


@read_route(router, "/point", summary="The class at a point in every layer there, the newest vintage first")
async def point_of_all(request: Request, lon: Longitude, lat: Latitude) -> Response:
    allow_only(request, ("lon", "lat"))
    there = layers_at(catalogue_of(request).layers(), lon, lat)
    language = answer_language(request.headers)
    found = await in_tile_thread(lambda: entries(there, lon, lat, language))
    answer = json_content(request, {"lon": lon, "lat": lat, "layers": found})
    answer.headers.update(language_headers(language))
    return answer


def layers_at(layers: Iterable[Layer], lon: float, lat: float) -> list[Layer]:
    """Those that may have a raster there, the newest vintage first; only they are read."""
    return sorted(
        (layer for layer in layers if _covers(layer, lon, lat)), key=lambda layer: (-(layer.vintage or 0), layer.id)
    )


def _covers(layer: Layer, lon: float, lat: float) -> bool:
    west, south, east, north = layer.bbox
    return west <= lon <= east and south <= lat <= north and bool(layer.rasters_in(4326, (lon, lat, lon, lat)))


def entries(layers: Sequence[Layer], lon: float, lat: float, language: Language) -> list[dict[str, Any]]:
    """One entry per layer. A raster that cannot be read leaves `value` empty in its own and says why in `problem`."""
    listed = []
    for layer in layers:
        words = {"layer": layer.id, "title": layer.title, "vintage": layer.vintage, "version": layer.version}
        try:
            found = value_at(layer.rasters_in(4326, (lon, lat, lon, lat)), 4326, lon, lat)
        except RasterUnreadable as error:
            nothing = dict.fromkeys(("value", "code", "title_fr", "title_en", "colour", "confidence"))
            listed.append({**words, **nothing, "problem": told(error.message, language)})
        else:
            listed.append({**words, **class_at(layer, found), "problem": None})
    return listed


def class_at(layer: Layer, found: PointValue) -> dict[str, Any]:
    """A value with its names, colour and confidence (0-1); value 0 is nodata or outside."""
    c = layer.nomenclature.by_value.get(found.value)
    confidence = None if found.confidence is None else round(found.confidence / 255, 3)
    if c is None:
        return {
            "value": 0,
            "code": "nodata",
            "title_fr": "Non classé",
            "title_en": "unclassified",
            "colour": None,
            "confidence": confidence,
        }
    return {**class_words(c), "confidence": confidence}
