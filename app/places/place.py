"""A place that a search finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    ADDRESS = "address"
    STREET = "street"
    LOCALITY = "locality"  # a hamlet, a quarter, a former commune
    COMMUNE = "commune"
    SITE = "site"  # anything else that has a name: a lake, a station, a farm


class Source(StrEnum):
    DEMONSTRATION = "demonstration"
    GAZETTEER = "gazetteer"
    GEOCODER = "geocoder"


@dataclass(frozen=True)
class Place:
    """context: what tells it from others of its name, such as `Hérault (34)`; may be empty.

    code: of a commune, by INSEE's Code officiel géographique. zoom: the level of web maps (256 px tiles) at which it
    fits a view. bbox: (west, south, east, north), degrees, where its extent is known.
    """

    name: str
    kind: Kind
    context: str
    lon: float
    lat: float
    zoom: int
    source: Source
    code: str | None = None
    bbox: tuple[float, float, float, float] | None = None
