"""A published layer, or the blocks of a job, held against a reference raster: window by window, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import numpy as np

from app.aoi import Aoi
from app.catalogue import Layer
from app.errors import Invalid
from app.quality.report import QualityReport, Reference, Subject
from app.statistics import Measurement, Tally, count
from app.statistics.mosaic import lattice_offset, read_onto
from app.statistics.windows import Window
from app.tiling import handles
from app.tiling.grids import Rectangle
from worker.evaluation.counts import Scheme
from worker.evaluation.references import ReferenceRaster
from worker.evaluation.reports import report


class MapAgreement(Measurement):
    """What a layer has in common with a reference inside an area: vectors of `Scheme.count`.

    Where rasters of the layer overlap, a place counts once, as it is shown.
    """

    def __init__(self, layer: Layer, area: Aoi, reference: ReferenceRaster, scheme: Scheme, subject: Subject) -> None:
        super().__init__(layer, area)
        self._reference = reference
        self._scheme = scheme
        self._subject = subject

    @property
    def version(self) -> str:
        return self.layer.version

    @property
    def shape(self) -> tuple[int, ...]:
        return (self._scheme.length,)

    def count(self, window: Window) -> np.ndarray:
        """Raises RasterRefused where the reference cannot be read, RasterUnreadable where the layer cannot."""
        mask = window.mask(self.polygons[window.grid.epsg])
        marks = self._reference.read(window.grid.grown(self._scheme.border_px))
        return self._scheme.count(marks, read_onto(window.grid, [window.raster]), _confidence(window), mask)

    def report(self, counts: np.ndarray) -> QualityReport:
        reference = Reference(
            name=self._reference.name, sha256=self._reference.sha256, coding=self._reference.coding.value
        )
        return report(
            self._scheme,
            self._scheme.counts(counts),
            self.layer.nomenclature,
            self._subject,
            reference,
            self.layer.resolution_m**2,
        )

    def document(self, counts: np.ndarray) -> dict[str, Any]:
        return self.report(counts).model_dump(mode="json")


def evaluate_map(measurement: MapAgreement, threads: int, progress: Callable[[float], None]) -> QualityReport:
    """Count all windows. progress: told the fraction done, 0-1.

    Raises Invalid where layer and reference have no pixel in common.
    """
    tally = Tally.of_nothing(measurement)
    with (
        ThreadPoolExecutor(threads, "evaluation") as executor,
        closing(count(measurement, tally, executor)) as counting,
    ):
        for _ in counting:
            progress(tally.windows_done / len(measurement.windows))
    found = measurement.report(tally.counts)
    if found.compared_pixels == 0:
        raise Invalid(
            f"{found.subject.kind} {found.subject.id} and {found.reference.name} have no pixel in common where both "
            "have an evaluated class: is it the right place, CRS and coding?"
        )
    return found


def _confidence(window: Window) -> np.ndarray | None:
    """(height, width) uint8 of the window's raster; None where it has none."""
    band, offset = window.raster.confidence, lattice_offset(window.grid, window.raster.grid)
    if band is None or offset is None:
        return None
    return handles.read(band, handles.FULL_RESOLUTION, Rectangle(*offset, window.grid.width, window.grid.height))
