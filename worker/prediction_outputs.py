"""The outputs of a prediction, clipped to its AOI, from block files alone.

Idempotent: the same blocks give the same files under the same names, whoever writes them and however often.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
import rasterio
import shapely
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from app import aoi, areas
from app.database import BlockRow, JobRow
from app.definitions import BlockCell, Grid, nomenclature, prediction_grid
from app.errors import Unavailable
from app.outputs import Part, category_sidecar, write_class_cog, write_confidence_cog
from app.storage import Storage

T = TypeVar("T")


def write_outputs(storage: Storage, job: JobRow, rows: list[BlockRow], alive: Callable[[], None]) -> dict[str, Any]:
    """Output name -> href of its file. rows: the job's blocks; `alive` is told of each that was read.

    Raises Unavailable where the storage is full or away, or a block is missing or damaged.
    """
    polygon = aoi.to_grid_crs(job.aoi, job.epsg)
    grid = _window_grid(polygon, job.epsg)
    classes = nomenclature()
    folder = f"jobs/{job.id}"
    hrefs = {
        "classes": f"{folder}/classes.tif",
        "categories": f"{folder}/classes.tif.aux.xml",
        "confidence": f"{folder}/confidence.tif",
        "areas": f"{folder}/areas.json",
    }
    with storage.writing(hrefs["classes"]) as path:
        write_class_cog(path, grid, _told(_clipped(storage, rows, polygon, grid, band=1), alive), classes)
    with storage.writing(hrefs["categories"]) as path:
        path.write_text(category_sidecar(classes), encoding="utf-8")
    with storage.writing(hrefs["confidence"]) as path:
        write_confidence_cog(path, grid, _told(_clipped(storage, rows, polygon, grid, band=2), alive))
    counts = areas.count_values(_told(_whole_blocks(storage, rows), alive), polygon)
    with storage.writing(hrefs["areas"]) as path:
        table = areas.area_table(counts, grid.resolution_m, classes)
        path.write_text(json.dumps(table, ensure_ascii=False), encoding="utf-8")
    return hrefs


def _told(parts: Iterator[T], alive: Callable[[], None]) -> Iterator[T]:
    for part in parts:
        alive()
        yield part


def _window_grid(polygon: BaseGeometry, epsg: int) -> Grid:
    """The smallest window of the prediction grid's pixels that holds a polygon of its CRS."""
    prediction = prediction_grid(epsg)
    resolution_m = prediction.resolution_m
    left, bottom, right, top = polygon.bounds
    first_column = math.floor((left - prediction.origin_x) / resolution_m)
    last_column = math.ceil((right - prediction.origin_x) / resolution_m)
    first_row = math.floor((prediction.origin_y - top) / resolution_m)
    last_row = math.ceil((prediction.origin_y - bottom) / resolution_m)
    return Grid(
        epsg,
        prediction.origin_x + first_column * resolution_m,
        prediction.origin_y - first_row * resolution_m,
        resolution_m,
        max(1, last_column - first_column),
        max(1, last_row - first_row),
    )


def _block_grid(row: BlockRow) -> Grid:
    return prediction_grid(row.epsg).block(BlockCell(row.grid_column, row.grid_row))


def _whole_blocks(storage: Storage, rows: list[BlockRow]) -> Iterator[tuple[Grid, np.ndarray]]:
    for row in rows:
        grid = _block_grid(row)
        yield grid, _read(storage, row, 1, Window(0, 0, grid.width, grid.height))


def _clipped(storage: Storage, rows: list[BlockRow], polygon: BaseGeometry, grid: Grid, *, band: int) -> Iterator[Part]:
    """The parts of the window that blocks cover, from the north, nodata outside the polygon."""
    shapely.prepare(polygon)
    for row in sorted(rows, key=lambda row: row.grid_row):
        block = _block_grid(row)
        column = round((block.left - grid.left) / grid.resolution_m)
        top = round((grid.top - block.top) / grid.resolution_m)
        first_column, last_column = max(0, column), min(grid.width, column + block.width)
        first_row, last_row = max(0, top), min(grid.height, top + block.height)
        width, height = last_column - first_column, last_row - first_row
        if width <= 0 or height <= 0:
            continue
        array = _read(storage, row, band, Window(first_column - column, first_row - top, width, height))
        part = Grid(
            grid.epsg,
            grid.left + first_column * grid.resolution_m,
            grid.top - first_row * grid.resolution_m,
            grid.resolution_m,
            width,
            height,
        )
        if not polygon.contains(shapely.box(*part.bounds)):
            array = np.where(areas.inside(polygon, part), array, 0).astype(np.uint8)
        yield (first_column, first_row, width, height), array


def _read(storage: Storage, row: BlockRow, band: int, window: Window) -> np.ndarray:
    """(height, width) uint8 of a block file. Raises Unavailable where it is missing or damaged."""
    try:
        with rasterio.open(storage.gdal_path(row.href or ""), driver="GTiff") as dataset:
            array: np.ndarray = dataset.read(band, window=window)
            return array
    except rasterio.errors.RasterioError as error:
        raise Unavailable("a block of this job cannot be read from the storage") from error
