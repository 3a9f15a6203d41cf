"""Area per class of a layer inside a polygon."""

from __future__ import annotations

from typing import Any

import numpy as np

from app import areas
from app.statistics.measurement import Measurement
from app.statistics.mosaic import read_onto
from app.statistics.windows import Window


class AreaMeasurement(Measurement):
    """Counts are (256,): pixels per value."""

    @property
    def version(self) -> str:
        return self.layer.version

    @property
    def shape(self) -> tuple[int, ...]:
        return (256,)

    def count(self, window: Window) -> np.ndarray:
        mask = window.mask(self.polygons[window.grid.epsg])
        return areas.histogram(read_onto(window.grid, [window.raster]), mask)

    def document(self, counts: np.ndarray) -> dict[str, Any]:
        return {
            "layer": self.layer.id,
            "version": self.layer.version,
            "vintage": self.layer.vintage,
            "asked_m2": round(self.asked_m2, 3),
            "outside_m2": round(self.outside_m2, 3),
            **areas.area_table(counts, self.layer.resolution_m, self.layer.nomenclature),
            "rule": areas.RULE,
        }
