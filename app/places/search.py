"""What several sources found, as one list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.places.gazetteer import BEGINNING, Found
from app.places.names import words_of
from app.places.place import Kind, Place

_LEAST_OTHERS = 3
"""Places of the geocoder that show beside however many towns of that name."""


def together(known: Iterable[Found], geocoded: Sequence[Place], limit: int) -> list[Place]:
    """Ours that begin as asked, then the geocoder's, then ours that only hold the words; each place once."""
    ordered = sorted(known, key=lambda each: each.rank)
    there = {_identity(each.place) for each in ordered}
    others = [place for place in geocoded if _identity(place) not in there]
    room = limit - min(len(others), _LEAST_OTHERS, limit - 1)
    first = [each.place for each in ordered if each.rank[0] <= BEGINNING][:room]
    rest = [each.place for each in ordered if each.place not in first]
    return [*first, *others, *rest][:limit]


def _identity(place: Place) -> object:
    """Communes are one by their code; anything else by its words."""
    if place.kind is Kind.COMMUNE and place.code:
        return place.code
    return (place.kind, words_of(place.name), words_of(place.context))
