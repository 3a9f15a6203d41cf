"""Search of places by name: the demonstration territory, a shipped gazetteer of France, and the national geocoder."""

from __future__ import annotations

from app.places.gazetteer import Found, Gazetteer, france
from app.places.geocoder import Answer, Geocoder, State
from app.places.place import Kind, Place, Source
from app.places.search import together
from app.places.territory import territory, territory_px

__all__ = [
    "Answer",
    "Found",
    "Gazetteer",
    "Geocoder",
    "Kind",
    "Place",
    "Source",
    "State",
    "france",
    "territory",
    "territory_px",
    "together",
]
