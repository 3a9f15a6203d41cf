"""What a job predicted: read from the files of its blocks, clipped to its AOI, counted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import rasterio
import shapely
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from app import areas, jobs
from app.database import BlockRow
from app.definitions import BlockCell, Grid, prediction_grid
from app.errors import Unavailable
from app.outputs import Gap, Part
from app.storage import Storage

_CLASSES, _CONFIDENCE = 1, 2


class BlocksDamaged(Unavailable):
    """Files of blocks are not what was written. keys: of the blocks, which have to be computed again."""

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__(f"{len(keys)} blocks are damaged in the storage and are computed again")
        self.keys = tuple(keys)


@dataclass(frozen=True)
class Clipped:
    """Blocks of one imagery source inside a polygon of their CRS.

    done, failed: rows of blocks. alive: told of each block that was read. Raises Unavailable where a file cannot be
    read, whatever is asked.
    """

    storage: Storage
    done: Sequence[BlockRow]
    failed: Sequence[BlockRow]
    polygon: BaseGeometry
    grid: Grid
    alive: Callable[[], None]

    def __post_init__(self) -> None:
        shapely.prepare(self.polygon)

    def classes(self) -> Iterator[Part]:
        return self._parts(_CLASSES)

    def confidence(self) -> Iterator[Part]:
        return self._parts(_CONFIDENCE)

    @cached_property
    def counts(self) -> np.ndarray:
        """(256,) int64 pixels per value inside the polygon; those of gaps count as nodata."""
        counts = areas.no_values()
        for row in self.done:
            block = block_grid(row)
            if self.polygon.contains(shapely.box(*block.bounds)):
                # All of it was counted when it was predicted.
                for value, pixels in (row.histogram or {}).items():
                    counts[int(value)] += pixels
            else:
                whole = Window(0, 0, block.width, block.height)
                counts += areas.histogram(self._read(row, _CLASSES, whole), areas.inside(self.polygon, block))
            self.alive()
        counts[0] += sum(map(self._pixels_of, self.failed))
        return counts

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """From the north-west."""
        return tuple(
            Gap(
                bbox=jobs.block_bbox(row.epsg, BlockCell(row.grid_column, row.grid_row)),
                bounds=block_grid(row).bounds,
                area_m2=areas.square_metres(self._pixels_of(row), self.grid.resolution_m),
                reason=row.reason or "",
            )
            for row in sorted(self.failed, key=lambda row: (row.grid_row, row.grid_column))
        )

    def require_whole(self, storage_is_there: Callable[[], bool] | None = None) -> None:
        """Raises BlocksDamaged where a file is not the one that was written: DEFLATE lets some flipped bits pass.

        A file that is missing is one of these if the storage as a whole is there; otherwise raises Unavailable.
        """
        damaged = []
        for row in self.done:
            href = row.href or ""
            gone = not self.storage.exists(href) and storage_is_there is not None and storage_is_there()
            if gone or self.storage.sha256(href) != row.sha256:
                damaged.append(row.key)
            self.alive()
        if damaged:
            raise BlocksDamaged(damaged)

    def _pixels_of(self, row: BlockRow) -> int:
        """Pixels of a block inside the polygon."""
        return int(np.count_nonzero(areas.inside(self.polygon, block_grid(row))))

    def _parts(self, band: int) -> Iterator[Part]:
        """The parts of the grid that blocks cover, from the north, 0 outside the polygon."""
        for row in sorted(self.done, key=lambda row: (row.grid_row, row.grid_column)):
            block = block_grid(row)
            column = round((block.left - self.grid.left) / self.grid.resolution_m)
            top = round((self.grid.top - block.top) / self.grid.resolution_m)
            first_column, last_column = max(0, column), min(self.grid.width, column + block.width)
            first_row, last_row = max(0, top), min(self.grid.height, top + block.height)
            width, height = last_column - first_column, last_row - first_row
            if width <= 0 or height <= 0:
                continue
            array = self._read(row, band, Window(first_column - column, first_row - top, width, height))
            part = self.grid.window(first_column, first_row, width, height)
            if not self.polygon.contains(shapely.box(*part.bounds)):
                array = np.where(areas.inside(self.polygon, part), array, 0).astype(np.uint8)
            self.alive()
            yield (first_column, first_row, width, height), array

    def _read(self, row: BlockRow, band: int, window: Window) -> np.ndarray:
        """(height, width) uint8 of a block file."""
        try:
            with rasterio.open(self.storage.gdal_path(row.href or ""), driver="GTiff") as dataset:
                array: np.ndarray = dataset.read(band, window=window)
                return array
        except rasterio.errors.RasterioError as error:
            raise Unavailable("a block of this job cannot be read from the storage") from error


def block_grid(row: BlockRow) -> Grid:
    return prediction_grid(row.epsg).block(BlockCell(row.grid_column, row.grid_row))


def window_grid(polygon: BaseGeometry, epsg: int) -> Grid:
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
