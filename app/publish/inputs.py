"""Class rasters as they are given to be published: opened, checked, and gathered into the rasters of a layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import shapely
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.windows import Window

from app.definitions import BLOCK_PX, Grid, Nomenclature, prediction_grid
from app.definitions.grid import prediction_crs
from app.definitions.projection import prediction_epsg
from app.errors import RasterRefused
from app.outputs import Part

_WINDOW_PX = 2048
_MOSAIC_BLOCKS = 16
"""Side of a mosaic, blocks: 6553.6 m, so that 6000 km² are some 140 files and not 36 000."""


@dataclass(frozen=True)
class Input:
    """A checked class raster. name: what people call it; messages never show its folder."""

    path: Path
    grid: Grid
    bands: int

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True)
class Mosaic:
    """One raster of the layer to be: its grid, and the inputs that fill it without resampling."""

    grid: Grid
    inputs: tuple[Input, ...]

    @property
    def has_confidence(self) -> bool:
        return any(source.bands > 1 for source in self.inputs)

    def class_parts(self, nomenclature: Nomenclature) -> Iterator[Part]:
        """Windows of band 1. Raises RasterRefused at a value that the nomenclature does not have."""
        allowed = np.zeros(256, bool)
        allowed[[0, *nomenclature.by_value]] = True
        for source in self.inputs:
            for place, values in _windows(source, 1, self.grid):
                if not allowed[values].all():
                    wrong = sorted(np.unique(values[~allowed[values]]).tolist())
                    raise RasterRefused(
                        f"{source.name} holds the values {', '.join(map(str, wrong[:8]))}, which nomenclature "
                        f"{nomenclature.id!r} does not have: allowed are 0 (nodata) and "
                        f"{', '.join(map(str, sorted(nomenclature.by_value)))}"
                    )
                yield place, values

    def confidence_parts(self) -> Iterator[Part]:
        """Windows of band 2 of the inputs that have one."""
        for source in self.inputs:
            if source.bands > 1:
                yield from _windows(source, 2, self.grid)


def inspect(path: Path) -> Input:
    """Checks form and place of a class raster. Raises RasterRefused, naming the file and what is expected."""
    with _opened(path) as dataset:
        if dataset.count not in (1, 2) or set(dataset.dtypes) != {"uint8"}:
            raise RasterRefused(
                f"{path.name} has {dataset.count} bands of {dataset.dtypes[0]}: expected one band of bytes (class "
                "values), or two (class values and confidence)"
            )
        t = dataset.transform
        if t.b or t.d or t.a <= 0 or abs(t.a + t.e) > 1e-6 * t.a:
            raise RasterRefused(f"{path.name}: pixels must be square, columns eastwards, rows southwards")
        grid = Grid(_epsg(dataset.crs, path.name), t.c, t.f, t.a, dataset.width, dataset.height)
        return Input(path, _snapped(grid), dataset.count)


def mosaics(inputs: Sequence[Input]) -> list[Mosaic]:
    """The rasters of the layer: an input each, but blocks of the prediction grid are put together.

    A layer of single blocks would be many small files; a cell of 16 × 16 blocks is one. Raises RasterRefused where
    inputs overlap (which of two values is right cannot be known here) or differ in resolution.
    """
    _refuse_overlaps(inputs)
    resolutions_m = sorted({source.grid.resolution_m for source in inputs})
    if len(resolutions_m) > 1:
        raise RasterRefused(
            f"the rasters have pixels of {', '.join(f'{r:g} m' for r in resolutions_m)}: a layer has one size, so that "
            "its areas are exact; publish them as several layers"
        )
    cells: dict[object, list[Input]] = {}
    for source in inputs:
        cells.setdefault(_mosaic_cell(source.grid) or source, []).append(source)
    return [Mosaic(_union([s.grid for s in group]), tuple(group)) for group in cells.values()]


def _epsg(crs: CRS | None, name: str) -> int:
    """The EPSG code of a projected CRS in metres; also where it is written without its name."""
    found: int | None = None
    if crs:
        found = crs.to_epsg() or prediction_epsg(crs.to_wkt())
    if crs is None or found is None or not crs.is_projected or crs.linear_units_factor[1] != 1.0:
        raise RasterRefused(f"{name}: its CRS must be a projected one in metres with an EPSG code, such as EPSG:2154")
    return found


def _snapped(grid: Grid) -> Grid:
    """The same pixels, corner and resolution exact where only rounding parts them from the prediction grid."""
    if grid.epsg not in prediction_crs():
        return grid
    prediction = prediction_grid(grid.epsg)
    pixel = prediction.resolution_m
    column, row = (grid.left - prediction.origin_x) / pixel, (prediction.origin_y - grid.top) / pixel
    drift_px = abs(grid.resolution_m / pixel - 1) * max(grid.width, grid.height)
    if drift_px > 1e-3 or abs(column - round(column)) > 1e-3 or abs(row - round(row)) > 1e-3:
        return grid
    left, top = prediction.origin_x + round(column) * pixel, prediction.origin_y - round(row) * pixel
    return Grid(grid.epsg, left, top, pixel, grid.width, grid.height)


def _mosaic_cell(grid: Grid) -> tuple[int, int, int] | None:
    """(EPSG, column, row) of the mosaic that wholly holds pixels of the prediction grid; None for others."""
    if grid.epsg not in prediction_crs() or grid.resolution_m != prediction_grid(grid.epsg).resolution_m:
        return None
    prediction = prediction_grid(grid.epsg)
    column = (grid.left - prediction.origin_x) / prediction.resolution_m
    row = (prediction.origin_y - grid.top) / prediction.resolution_m
    if abs(column - round(column)) > 1e-3 or abs(row - round(row)) > 1e-3:
        return None
    side = _MOSAIC_BLOCKS * BLOCK_PX
    first = (round(column) // side, round(row) // side)
    last = ((round(column) + grid.width - 1) // side, (round(row) + grid.height - 1) // side)
    return (grid.epsg, *first) if first == last else None


def _union(grids: Sequence[Grid]) -> Grid:
    """The smallest grid that holds grids of one pixel lattice."""
    first = grids[0]
    left, top = min(g.left for g in grids), max(g.top for g in grids)
    right, bottom = max(g.bounds[2] for g in grids), min(g.bounds[1] for g in grids)
    resolution_m = first.resolution_m
    return Grid(
        first.epsg, left, top, resolution_m, round((right - left) / resolution_m), round((top - bottom) / resolution_m)
    )


def _refuse_overlaps(inputs: Sequence[Input]) -> None:
    # Half a pixel in from each side: rasters that touch do not overlap.
    boxes = [shapely.box(*source.grid.bounds).buffer(-0.5 * source.grid.resolution_m) for source in inputs]
    pairs = shapely.STRtree(boxes).query(boxes, predicate="intersects").T
    for a, b in pairs:
        if a < b and inputs[a].grid.epsg == inputs[b].grid.epsg:
            raise RasterRefused(f"{inputs[a].name} and {inputs[b].name} overlap: publish each place once")


def _windows(source: Input, band: int, grid: Grid) -> Iterator[Part]:
    """The band of an input in windows, placed on the pixels of `grid`."""
    left = round((source.grid.left - grid.left) / grid.resolution_m)
    top = round((grid.top - source.grid.top) / grid.resolution_m)
    with _opened(source.path) as dataset:
        for row in range(0, source.grid.height, _WINDOW_PX):
            for column in range(0, source.grid.width, _WINDOW_PX):
                width = min(_WINDOW_PX, source.grid.width - column)
                height = min(_WINDOW_PX, source.grid.height - row)
                values = dataset.read(band, window=Window(column, row, width, height))
                yield (left + column, top + row, width, height), values


@contextmanager
def _opened(path: Path) -> Iterator[rasterio.DatasetReader]:
    try:
        # The driver is named: others would open files that the content of this one names.
        with rasterio.open(path, driver="GTiff") as dataset:
            yield dataset
    except RasterioError as error:
        raise RasterRefused(f"{path.name} cannot be read as a GeoTIFF: it is missing, damaged or cut short") from error
