"""Class polygons from parts of classes and confidence: what is read when, and what is kept in between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from app.definitions import Grid
from app.errors import Invalid
from app.outputs.cog import Part
from app.outputs.polygons.arcs import NO_ARCS, Arcs, arcs_along, arcs_within, together
from app.outputs.polygons.geopackage import Features, write_geopackage
from app.outputs.polygons.merging import Meetings, meetings, regions, renumbered
from app.outputs.polygons.patches import Labels, Line, Seams, labelled
from app.outputs.polygons.rings import polygons
from app.outputs.polygons.simplification import simplified
from app.outputs.prediction import Prediction

MOST_PATCHES = 4_000_000
"""A block of pure noise, which takes 6.3 GiB of memory and 0.9 GB of file, or 25 km² of 26 000 patches a block."""
_CERTAIN = 255
TOLERANCE_PX = 1.0
"""No boundary leaves that of the pixels by more. One pixel is what a boundary is known to at best, and turns the steps
of a slanting one into a line. The official product's own tolerance is not published."""


def write_polygons(prediction: Prediction, path: Path) -> None:
    """Writes the polygons of a prediction where no file is yet; equal blocks give equal bytes.

    Raises Unavailable where blocks cannot be read or `path` cannot be written, Invalid as `class_polygons` does.
    """
    grid = prediction.grid
    batches = class_polygons(
        grid,
        prediction.classes,
        prediction.confidence,
        minimum_area_m2=prediction.asked.minimum_area_m2,
        tolerance_m=TOLERANCE_PX * grid.resolution_m,
        alive=prediction.alive,
    )
    write_geopackage(path, grid.epsg, prediction.nomenclature, batches)


def class_polygons(
    grid: Grid,
    classes: Callable[[], Iterable[Part]],
    confidence: Callable[[], Iterable[Part]],
    *,
    minimum_area_m2: float = 0.0,
    tolerance_m: float = 0.0,
    alive: Callable[[], None] = lambda: None,
) -> Iterator[Features]:
    """The polygons of classes, in batches, in the order of their first pixels from the north-west.

    classes, confidence: each call gives the same parts of the grid anew, both in the same order; they do not overlap,
    and hold 0 where a pixel's centre lies outside the AOI (`app.areas`). Pixels of class 0 belong to no polygon.

    A polygon is a 4-connected patch of one class, over however many parts; patches below `minimum_area_m2` go to the
    neighbour with which they share most edges (`merging`). 0, which merges none, is the default of jobs, because
    nothing is published of the official product's minimum. Confidence is the mean of all pixels of a polygon.

    Boundaries between two polygons are simplified to `tolerance_m`; those towards nodata and outside the AOI stay the
    edges of pixels. So all polygons together have exactly the area that the areas table tells; with neither minimum
    nor tolerance, so have those of each class. A tolerance changes a class by less than its boundaries' length times
    the tolerance, and as steps are cut on both sides of a boundary in turn, by far less in practice (decision 0016).

    How the parts are cut decides of nothing but corners along the cuts, where boundaries keep one. alive: told between
    pieces of work. Raises Invalid where there are more than MOST_PATCHES patches.
    """
    survey = _survey(classes, confidence, grid.width, meetings_wanted=minimum_area_m2 > 0, alive=alive)
    told = regions(survey.values, survey.area_px, survey.met, minimum_area_m2 / grid.resolution_m**2)
    arcs = _arcs(classes, survey, told.region, tolerance_m / grid.resolution_m, alive)
    area_px = np.bincount(told.region, survey.area_px)
    confidence_of = np.bincount(told.region, survey.confidence) / np.maximum(area_px, 1) / _CERTAIN
    for numbers, built, area_m2 in polygons(arcs, grid):
        alive()
        yield Features(built, told.values[numbers], confidence_of[numbers], area_m2)


class _Survey(NamedTuple):
    """The patches of all parts, in the order of their first pixels, so that it matters to nothing how parts are cut.

    values: (n,) uint8; area_px, confidence: (n,) float64, the latter summed over pixels; all with patch 0, which is
    none. number: (n,) int64, of each patch in this order by its number in the order of parts, which `lines` have.
    """

    values: np.ndarray
    area_px: np.ndarray
    confidence: np.ndarray
    met: Meetings
    number: np.ndarray
    lines: list[Line]


def _survey(
    classes: Callable[[], Iterable[Part]],
    confidence: Callable[[], Iterable[Part]],
    width: int,
    *,
    meetings_wanted: bool,
    alive: Callable[[], None],
) -> _Survey:
    """width: of the grid. meetings_wanted: also those of patches inside a part; those across parts are always told."""
    found: list[tuple[np.ndarray, ...]] = [(np.zeros(1, np.uint8), np.full(1, -1), np.zeros(1), np.zeros(1))]
    met: list[Meetings] = []
    seams, offset = Seams(), 0
    for ((column, row, part_width, _), array), (_, sure) in zip(classes(), confidence(), strict=True):
        labels = labelled(array)
        flat, most = labels.numbers.ravel(), len(labels.values) + 1
        place = (row + labels.first // part_width) * width + column + labels.first % part_width
        found.append(
            (labels.values, place, np.bincount(flat, minlength=most)[1:], np.bincount(flat, sure.ravel(), most)[1:])
        )
        numbers = _numbered(labels, offset)
        seams.add(column, row, numbers)
        if meetings_wanted:
            met += [meetings(numbers[:, :-1], numbers[:, 1:]), meetings(numbers[:-1], numbers[1:])]
        offset += len(labels.values)
        if offset > MOST_PATCHES:
            raise Invalid(
                f"the classes of this area fall into more than {MOST_PATCHES} patches, too many for polygons: ask for "
                "a smaller area, or for other outputs"
            )
        alive()
    lines = list(seams.lines())
    met += [meetings(line.before, line.after) for line in lines]
    values, places, area_px, summed = (np.concatenate(some) for some in zip(*found, strict=True))
    order = np.argsort(places)
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    return _Survey(values[order], area_px[order], summed[order], renumbered(met, number), number, lines)


def _arcs(
    classes: Callable[[], Iterable[Part]],
    survey: _Survey,
    region_of: np.ndarray,
    tolerance_px: float,
    alive: Callable[[], None],
) -> Arcs:
    """The boundaries between regions. region_of: (patches,) int32."""
    region = region_of[survey.number]
    pieces = [NO_ARCS]
    offset = 0
    for (column, row, width, height), array in classes():
        labels = labelled(array)
        arcs = arcs_within(region[_numbered(labels, offset)], column, row)
        offset += len(labels.values)
        if tolerance_px > 0:
            arcs = simplified(arcs, (column, row, column + width, row + height), tolerance_px)
        pieces.append(arcs)
        alive()
    for line in survey.lines:
        pieces.append(arcs_along(line._replace(before=region[line.before], after=region[line.after])))
    return together(pieces)


def _numbered(labels: Labels, offset: int) -> np.ndarray:
    """The patches of a part by their numbers among those of all parts, in the order of parts."""
    return np.where(labels.numbers > 0, labels.numbers + np.int32(offset), np.int32(0))
