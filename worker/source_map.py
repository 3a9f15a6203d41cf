"""The class map of a whole imagery source in one file, without a job: `cosia predict`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from app.definitions import Grid, ImagerySource, PredictionGrid, nomenclature, prediction_grid
from app.errors import ParameterInvalid
from app.imagery import Bounds, ImageryFile, SeriesImage
from app.outputs import Part, category_sidecar, write_class_cog
from worker.extras import extras_of
from worker.pipeline import Predictor
from worker.readers import Handles, reader_of


def write_source_map(
    path: Path,
    source: ImagerySource,
    files: Sequence[ImageryFile],
    images: Sequence[SeriesImage],
    predictor: Predictor,
    progress: Callable[[float], None],
) -> None:
    """Predict every block that a source's files meet and write them as one COG with its category names beside it.

    files, images: all of the source and of its series. progress: told the fraction done, 0-1. Raises BandMismatch where
    the source lacks a band of the model, RasterUnreadable where a file is damaged, ParameterInvalid where it has no
    files, or not what the model needs beside bands.
    """
    if not files:
        raise ParameterInvalid(
            f"imagery source {source.id} has no end of its own, being read from a map server: ask the running service"
            " for the area wanted",
            "source",
        )
    bounds = Bounds(
        min(file.bounds.left for file in files),
        min(file.bounds.bottom for file in files),
        max(file.bounds.right for file in files),
        max(file.bounds.top for file in files),
    )
    territory = prediction_grid(source.epsg)
    classes = nomenclature(predictor.nomenclature)
    parts = _parts(territory, bounds, _Material(source, files, images), predictor)
    write_class_cog(path, _pixels_over(territory, bounds), parts, classes, progress)
    sidecar = path.with_name(f"{path.name}.aux.xml")
    sidecar.write_text(category_sidecar(classes), encoding="utf-8")


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


class _Material:
    """What a source's blocks are predicted from."""

    def __init__(self, source: ImagerySource, files: Sequence[ImageryFile], images: Sequence[SeriesImage]) -> None:
        self._source = source
        self._images = images
        self._handles = Handles()
        self._reader = reader_of(source, files, self._handles)

    def predicted(self, block: Grid, predictor: Predictor) -> np.ndarray:
        pixels, valid = self._reader.read(block.grown(predictor.margin_px), predictor.bands)
        extras = extras_of(block, predictor.cards, valid, self._source, self._images, self._handles)
        return predictor.predict(pixels, valid, extras=extras).classes


def _parts(territory: PredictionGrid, bounds: Bounds, material: _Material, predictor: Predictor) -> Iterator[Part]:
    whole = _pixels_over(territory, bounds)
    for cell in territory.cells(bounds):
        yield _part(territory.block(cell), whole, material, predictor)


def _part(block: Grid, whole: Grid, material: _Material, predictor: Predictor) -> Part:
    """A block's classes as far as they lie in the whole window."""
    classes = material.predicted(block, predictor)
    column = round((block.left - whole.left) / whole.resolution_m)
    row = round((whole.top - block.top) / whole.resolution_m)
    left, right = max(0, column), min(whole.width, column + block.width)
    top, bottom = max(0, row), min(whole.height, row + block.height)
    kept = classes[top - row : bottom - row, left - column : right - column]
    return (left, top, right - left, bottom - top), kept
