"""What a job predicted, as those see it who write it in one format or another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from shapely.geometry.base import BaseGeometry

from app.definitions import Ensemble, Grid, ImagerySource, Language, Nomenclature
from app.outputs.cog import Part
from app.storage import Storage


@dataclass(frozen=True)
class Gap:
    """A block of the job that could not be predicted. bounds: in the grid's CRS; area_m2: what of it is asked for."""

    bbox: tuple[float, float, float, float]
    bounds: tuple[float, float, float, float]
    area_m2: float
    reason: str

    def document(self) -> dict[str, Any]:
        """bbox: (west, south, east, north), degrees."""
        return {"bbox": list(self.bbox), "area_m2": self.area_m2, "reason": self.reason}


@dataclass(frozen=True)
class Asked:
    """What was asked for, by whom nobody says.

    permalink: what documents call the job. address: where it is. area_m2: of the polygon, in the plane of the grid's
    CRS, as it was checked. coverage: share (0-1) of the polygon that has imagery, None where it was not measured.
    created_at: seconds since 1970. minimum_area_m2: smaller polygons are merged into their neighbours.
    """

    permalink: str
    address: str
    area_m2: float
    coverage: float | None
    created_at: float
    outputs: tuple[str, ...]
    language: Language = Language.FRENCH
    minimum_area_m2: float = 0.0

    @property
    def created(self) -> datetime:
        return datetime.fromtimestamp(self.created_at, UTC)


class Written(NamedTuple):
    """The file of an output. roles: of a STAC asset. sha256: of its bytes."""

    href: str
    file_name: str
    media_type: str
    title: str
    roles: tuple[str, ...]
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Prediction:
    """The classes inside an AOI, and all that is known of how they came about.

    grid: the window of the prediction grid's pixels that holds the AOI. polygon: the AOI in the grid's CRS; aoi: in
    lon/lat. classes, confidence: each call reads the blocks anew and gives parts of the grid from north to south,
    0 outside the AOI (see `app.outputs.cog.Part`); they raise Unavailable. areas, changes: documents of figures.
    alive: to be told after each piece of work; it raises where nobody wants the outputs any more.
    """

    grid: Grid
    polygon: BaseGeometry
    aoi: BaseGeometry
    classes: Callable[[], Iterator[Part]]
    confidence: Callable[[], Iterator[Part]]
    areas: Mapping[str, Any]
    changes: Mapping[str, Any] | None
    gaps: tuple[Gap, ...]
    nomenclature: Nomenclature
    source: ImagerySource
    ensemble: Ensemble
    asked: Asked
    storage: Storage
    alive: Callable[[], None]
    written: dict[str, Written] = field(default_factory=dict)
    """By output name, those that are written already."""

    def reading(self, output: str) -> AbstractContextManager[Path]:
        """A local path of an output that is written already."""
        return self.storage.reading(self.written[output].href)
