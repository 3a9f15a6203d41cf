"""The published layers in memory, with spatial indexes: a tile needs no SQL."""

from __future__ import annotations

from app.catalogue.catalogue import Catalogue
from app.catalogue.index import Bounds
from app.catalogue.layer import Layer
from app.catalogue.snapshot import Snapshot

__all__ = ["Bounds", "Catalogue", "Layer", "Snapshot"]
