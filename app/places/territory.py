"""Places of the demonstration territory, found as those of France are."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache

from pyproj import Transformer

from app.definitions import Language
from app.demonstration.landmarks import Landmark, landmarks
from app.demonstration.territory import EPSG, LEFT_M, RESOLUTION_M, TOP_M
from app.places.gazetteer import Entry, Gazetteer
from app.places.names import words_of
from app.places.place import Kind, Place, Source

Bounds = tuple[float, float, float, float]

ATTRIBUTION = {
    Language.FRENCH: "Territoire de synthèse : aucun lieu réel",
    Language.ENGLISH: "Procedural territory: no real place",
}
_CONTEXT = {Language.FRENCH: "Territoire de démonstration", Language.ENGLISH: "Demonstration territory"}
_LIES_AT_M = 1.0
_ZOOM = 17


def territory_px(published: Iterable[Bounds]) -> int | None:
    """Side of the territory that demonstration layers show; None where none of them shows it.

    published: their bounds (left, bottom, right, top), EPSG:2154. A layer of something else lies elsewhere.
    """
    sides = [
        right - left
        for left, bottom, right, top in published
        if math.hypot(left - LEFT_M, top - TOP_M) < _LIES_AT_M and abs((right - left) - (top - bottom)) < _LIES_AT_M
    ]
    return round(max(sides) / RESOLUTION_M) if sides else None


@lru_cache(maxsize=4)
def territory(size_px: int, language: Language) -> Gazetteer:
    """Its places, named in that language and found in both."""
    to_lonlat = Transformer.from_crs(EPSG, 4326, always_xy=True)
    wider = frozenset(word for context in _CONTEXT.values() for word in words_of(context))
    entries = []
    for found in landmarks(size_px):
        place = _place(found, to_lonlat, language)
        entries += [Entry(words_of(name), wider, 0, place) for name in {found.name_fr, found.name_en}]
    return Gazetteer(entries)


def _place(found: Landmark, to_lonlat: Transformer, language: Language) -> Place:
    left, bottom, right, top = found.bounds
    lon, lat = to_lonlat.transform((left + right) / 2, (bottom + top) / 2)
    bbox = to_lonlat.transform_bounds(left, bottom, right, top)
    return Place(
        name=found.name_fr if language is Language.FRENCH else found.name_en,
        kind=Kind.SITE,
        context=_CONTEXT[language],
        lon=lon,
        lat=lat,
        zoom=_ZOOM,
        source=Source.DEMONSTRATION,
        bbox=bbox,
    )
