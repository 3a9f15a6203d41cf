"""Places of an answer of the national geocoder (GeoJSON; properties by `_type`: address or poi)."""

from __future__ import annotations

import math
from typing import Any

from app.places.place import Kind, Place, Source

_LONGEST = 150
_ADDRESSES = {
    "housenumber": (Kind.ADDRESS, 19),
    "street": (Kind.STREET, 18),
    "locality": (Kind.LOCALITY, 16),
    "municipality": (Kind.COMMUNE, 14),
}
_COMMUNE = "commune"
_SITE_ZOOM = 16


def places_of(document: Any) -> list[Place]:
    """In its order; what is no place is left out. Raises ValueError where the document is no such answer."""
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise ValueError("no list of places")
    found = [_place(feature) for feature in features]
    return [place for place in found if place is not None]


def _place(feature: Any) -> Place | None:
    properties = _table(feature, "properties")
    position = _position(_table(feature, "geometry").get("coordinates"))
    if position is None:
        return None
    if properties.get("_type") == "poi":
        return _site(properties, *position)
    kind, zoom = _ADDRESSES.get(_text(properties, "type"), (Kind.SITE, _SITE_ZOOM))
    name = _text(properties, "name")
    if not name:
        return None
    town = " ".join(filter(None, (_text(properties, "postcode"), _text(properties, "city"))))
    code = _text(properties, "citycode") if kind is Kind.COMMUNE else None
    context = _department(_text(properties, "context")) if kind is Kind.COMMUNE else town
    return Place(name, kind, context, *position, zoom, Source.GEOCODER, code)


def _site(properties: dict[str, Any], lon: float, lat: float) -> Place | None:
    """A point of interest: its words are lists, for it may lie in several communes."""
    name = _text(properties, "toponym") or _text(properties, "name")
    if not name:
        return None
    town = " ".join(filter(None, (_text(properties, "postcode"), _text(properties, "city"))))
    categories = properties.get("category")
    if isinstance(categories, list) and _COMMUNE in categories:
        code = _text(properties, "citycode")
        return Place(name, Kind.COMMUNE, town, lon, lat, _ADDRESSES["municipality"][1], Source.GEOCODER, code)
    return Place(name, Kind.SITE, town, lon, lat, _SITE_ZOOM, Source.GEOCODER)


def _table(feature: Any, name: str) -> dict[str, Any]:
    found = feature.get(name) if isinstance(feature, dict) else None
    return found if isinstance(found, dict) else {}


def _text(properties: dict[str, Any], name: str) -> str:
    """The text of that name, or the first of its texts; of one line and no great length."""
    found = properties.get(name)
    if isinstance(found, list):
        found = found[0] if found else None
    return " ".join(found.split())[:_LONGEST] if isinstance(found, str) else ""


def _department(context: str) -> str:
    """`34, Hérault, Occitanie` is `Hérault (34)`."""
    code, _, name = context.partition(", ")
    return f"{name.partition(',')[0]} ({code})" if name else context


def _position(coordinates: Any) -> tuple[float, float] | None:
    """(lon, lat), degrees."""
    if not isinstance(coordinates, list) or len(coordinates) < 2:
        return None
    lon, lat = coordinates[:2]
    if not all(isinstance(each, int | float) and math.isfinite(each) for each in (lon, lat)):
        return None
    return (float(lon), float(lat)) if abs(lon) <= 180 and abs(lat) <= 90 else None
