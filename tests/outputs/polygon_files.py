"""Class polygons of small rasters, as they are made and as they are read back from a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyogrio.raw
import rasterio.features
import shapely

from app.definitions import Grid, nomenclature
from app.outputs import Part
from app.outputs.polygons import class_polygons
from app.outputs.polygons.geopackage import Features, write_geopackage

LEFT, TOP = 720_896.0, 6_273_792.0


class Polygons(NamedTuple):
    """Features in their order. geometries: in pixels from the corner of the grid, x right, y down."""

    geometries: np.ndarray
    values: list[int]
    confidence: list[float]
    area_m2: list[float]


def parts(pixels: np.ndarray, columns: Sequence[int] = (), rows: Sequence[int] = ()) -> list[Part]:
    """The pixels as parts from the north, cut before these columns and rows."""
    x, y = [0, *columns, pixels.shape[1]], [0, *rows, pixels.shape[0]]
    return [
        ((left, top, right - left, bottom - top), pixels[top:bottom, left:right])
        for top, bottom in pairwise(y)
        for left, right in pairwise(x)
    ]


def batches(
    classes: np.ndarray,
    *,
    confidence: np.ndarray | None = None,
    columns: Sequence[int] = (),
    rows: Sequence[int] = (),
    tolerance_px: float = 0.0,
    **options: Any,
) -> Iterator[Features]:
    """columns, rows: where parts are cut."""
    sure = np.full(classes.shape, 255, np.uint8) if confidence is None else confidence
    return class_polygons(
        Grid(2154, LEFT, TOP, 0.2, classes.shape[1], classes.shape[0]),
        lambda: parts(classes, columns, rows),
        lambda: parts(sure, columns, rows),
        tolerance_m=tolerance_px * 0.2,
        **options,
    )


def found(classes: np.ndarray, **options: Any) -> Polygons:
    """The polygons of classes, without a file."""
    some = list(batches(classes, **options))
    if not some:
        return Polygons(np.zeros(0, object), [], [], [])
    geometries, values, confidence, area_m2 = (np.concatenate(columns) for columns in zip(*some, strict=True))
    return Polygons(_in_pixels(geometries), values.tolist(), confidence.tolist(), area_m2.tolist())


def write(path: Path, classes: np.ndarray, **options: Any) -> Path:
    write_geopackage(path, 2154, nomenclature(), batches(classes, **options))
    return path


def read(path: Path) -> Polygons:
    _, _, wkb, (numero, _, confidence, area_m2) = pyogrio.raw.read(path)
    return Polygons(_in_pixels(shapely.from_wkb(wkb)), numero.tolist(), confidence.tolist(), area_m2.tolist())


def _in_pixels(geometries: np.ndarray) -> np.ndarray:
    pixels: np.ndarray = shapely.transform(geometries, lambda places: np.round((places - (LEFT, TOP)) * (5, -5), 5))
    return pixels


def by_gdal(classes: np.ndarray) -> dict[int, list[shapely.Geometry]]:
    """The outlines that GDAL finds of 4-connected patches, by class, in pixels."""
    found: dict[int, list[shapely.Geometry]] = {}
    for shape, value in rasterio.features.shapes(classes, mask=classes > 0, connectivity=4):
        found.setdefault(int(value), []).append(shapely.geometry.shape(shape))
    return found


def in_order(geometries: Sequence[shapely.Geometry]) -> list[shapely.Geometry]:
    """By their north-western pixel, of which no two have the same."""
    return sorted(geometries, key=_first_pixel)


def _first_pixel(geometry: shapely.Geometry) -> tuple[float, float]:
    places = shapely.get_coordinates(shapely.get_exterior_ring(geometry))
    top = places[:, 1].min()
    return float(top), float(places[places[:, 1] == top, 0].min())
