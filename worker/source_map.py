"""The class map of a whole imagery source, or of a part of it, in one file, without a job: `cosia predict`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import numpy as np
import shapely

from app import blocks
from app.aoi import to_grid_crs
from app.definitions import BlockCell, Grid, ImagerySource, PredictionGrid, nomenclature, prediction_grid
from app.errors import ParameterInvalid, Unavailable
from app.imagery import Bounds, ImageryFile, SeriesImage
from app.outputs import Part, category_sidecar, write_class_cog
from app.settings import settings
from worker.devices import threads_beside
from worker.extras import PatchExtras, extras_of
from worker.memory import KeptMemory
from worker.pipeline import Predictor
from worker.readers import Handles, reader_of
from worker.reading import ReadAhead

_TRIES = 4  # of a block whose map server is away: over a minute with the waits between them

Lonlat = tuple[float, float, float, float]
"""West, south, east, north, degrees."""


def write_source_map(
    path: Path,
    source: ImagerySource,
    files: Sequence[ImageryFile],
    images: Sequence[SeriesImage],
    predictor: Predictor,
    progress: Callable[[float], None],
    say: Callable[[str], None],
    bbox: Lonlat | None = None,
) -> None:
    """Predict every block that a source meets, or that part of it, and write them as one COG with its category names
    beside it.

    files, images: all of the source and of its series. progress: told the fraction done, 0-1. say: told what is waited
    for. Raises BandMismatch where the source lacks a band of the model, RasterUnreadable where a file is damaged,
    Unavailable where a map server stays away, ImageryRefused where it never gives what is asked, ParameterInvalid where
    the source has nothing there, no end of its own, or not what the model needs beside bands.
    """
    bounds = _extent(source, files, bbox)
    territory = prediction_grid(source.epsg)
    classes = nomenclature(predictor.nomenclature)
    material = _Material(source, files, images, predictor, territory)
    memory = KeptMemory() if predictor.device.type == "cpu" else nullcontext()
    with memory, ReadAhead(material.read, threads_beside(predictor.device)) as reading:
        read = reading.each(territory.cells(bounds))
        parts = _parts(territory, _pixels_over(territory, bounds), material, read, predictor, say)
        write_class_cog(path, _pixels_over(territory, bounds), parts, classes, progress)
    sidecar = path.with_name(f"{path.name}.aux.xml")
    sidecar.write_text(category_sidecar(classes), encoding="utf-8")


def _extent(source: ImagerySource, files: Sequence[ImageryFile], bbox: Lonlat | None) -> Bounds:
    """What to predict, in the source's CRS: what it covers, as far as it lies in the bounds of `bbox` there."""
    if source.service is None:
        covered = Bounds(
            min(file.bounds.left for file in files),
            min(file.bounds.bottom for file in files),
            max(file.bounds.right for file in files),
            max(file.bounds.top for file in files),
        )
    else:
        covered = _on_grid(source.bbox, source.epsg)
    if bbox is not None:
        part = _on_grid(bbox, source.epsg)
        left, bottom = max(covered.left, part.left), max(covered.bottom, part.bottom)
        right, top = min(covered.right, part.right), min(covered.top, part.top)
        if left >= right or bottom >= top:
            west, south, east, north = source.bbox
            raise ParameterInvalid(
                f"imagery source {source.id} has nothing there: it covers {west:g} {south:g} {east:g} {north:g}", "bbox"
            )
        return Bounds(left, bottom, right, top)
    area_km2 = (covered.right - covered.left) * (covered.top - covered.bottom) / 1e6
    if source.service is not None and area_km2 > settings().aoi_km2:
        raise ParameterInvalid(
            f"imagery source {source.id} is read from a map server and covers {area_km2:,.0f} km²: "
            "say which part with --bbox WEST SOUTH EAST NORTH, in degrees",
            "bbox",
        )
    return covered


def _on_grid(bbox: Lonlat, epsg: int) -> Bounds:
    return Bounds(*to_grid_crs(shapely.box(*bbox), epsg).bounds)


def _pixels_over(territory: PredictionGrid, bounds: Bounds) -> Grid:
    """The smallest window of the prediction grid's pixels that holds the bounds."""
    size_m = territory.resolution_m
    # A hundredth of a pixel: rounding of coordinates must not add a row.
    column = math.floor((bounds.left - territory.origin_x) / size_m + 0.01)
    row = math.floor((territory.origin_y - bounds.top) / size_m + 0.01)
    width = math.ceil((bounds.right - territory.origin_x) / size_m - 0.01) - column
    height = math.ceil((territory.origin_y - bounds.bottom) / size_m - 0.01) - row
    left, top = territory.origin_x + column * size_m, territory.origin_y - row * size_m
    return Grid(territory.epsg, left, top, size_m, width, height)


class _Read(NamedTuple):
    """What a block is predicted from. pixels: (bands, height, width) uint8, with margin. valid: (height, width)."""

    pixels: np.ndarray
    valid: np.ndarray
    extras: PatchExtras | None


class _Material:
    """What a source's blocks are predicted from; threads share it."""

    def __init__(
        self,
        source: ImagerySource,
        files: Sequence[ImageryFile],
        images: Sequence[SeriesImage],
        predictor: Predictor,
        territory: PredictionGrid,
    ) -> None:
        self._source = source
        self._images = images
        self._predictor = predictor
        self._territory = territory
        self._handles = Handles()
        self._reader = reader_of(source, files, self._handles)

    def read(self, cell: BlockCell) -> _Read:
        block, predictor = self._territory.block(cell), self._predictor
        pixels, valid = self._reader.read(block.grown(predictor.margin_px), predictor.bands)
        extras = extras_of(block, predictor.cards, valid, self._source, self._images, self._handles)
        return _Read(pixels, valid, extras)


def _parts(
    territory: PredictionGrid,
    whole: Grid,
    material: _Material,
    read: Iterator[tuple[BlockCell, Future[_Read]]],
    predictor: Predictor,
    say: Callable[[str], None],
) -> Iterator[Part]:
    for cell, future in read:
        pixels, valid, extras = _patiently(cell, future, material, say)
        yield _part(territory.block(cell), whole, predictor.predict(pixels, valid, extras=extras).classes)


def _patiently(cell: BlockCell, future: Future[_Read], material: _Material, say: Callable[[str], None]) -> _Read:
    """What was read, where need be after waits as between the tries of a job's block."""
    attempt = 1
    while True:
        try:
            return future.result() if attempt == 1 else material.read(cell)
        except Unavailable as error:
            if attempt == _TRIES:
                kept = "what came until now is kept, and the same command goes on from there"
                raise Unavailable(f"{error.message}; {kept}", error.retry_after_s) from error
            wait_s = max(error.retry_after_s, blocks.wait_s(attempt))
            say(f"{error.message}; asked again in {wait_s:.0f} s")
            time.sleep(wait_s)
        attempt += 1


def _part(block: Grid, whole: Grid, classes: np.ndarray) -> Part:
    """A block's classes as far as they lie in the whole window."""
    column = round((block.left - whole.left) / whole.resolution_m)
    row = round((whole.top - block.top) / whole.resolution_m)
    left, right = max(0, column), min(whole.width, column + block.width)
    top, bottom = max(0, row), min(whole.height, row + block.height)
    kept = classes[top - row : bottom - row, left - column : right - column]
    return (left, top, right - left, bottom - top), kept
