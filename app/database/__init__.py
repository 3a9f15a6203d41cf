"""The database: the truth of what is published and what was asked. PostGIS in production, SQLite embedded."""

from __future__ import annotations

from app.database.engine import Sessions, connect, is_reachable, sessions
from app.database.locks import exclusive
from app.database.rows import (
    ApiKeyRow,
    Base,
    BellRow,
    BlockRow,
    EventRow,
    ImageryFileRow,
    ImagerySourceRow,
    JobBlockRow,
    JobRow,
    LayerOverviewRow,
    LayerQualityRow,
    LayerRow,
    ModelRow,
    RasterRow,
    SeriesImageRow,
    WorkerRow,
)
from app.database.types import Geometry, intersects, now_s

__all__ = [
    "ApiKeyRow",
    "Base",
    "BellRow",
    "BlockRow",
    "EventRow",
    "Geometry",
    "ImageryFileRow",
    "ImagerySourceRow",
    "JobBlockRow",
    "JobRow",
    "LayerOverviewRow",
    "LayerQualityRow",
    "LayerRow",
    "ModelRow",
    "RasterRow",
    "SeriesImageRow",
    "Sessions",
    "WorkerRow",
    "connect",
    "exclusive",
    "intersects",
    "is_reachable",
    "now_s",
    "sessions",
]
