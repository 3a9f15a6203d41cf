"""Class polygons of 1, 4 and 64 blocks beside GDAL's plain Polygonize, and of a block of noise.

GDAL gives the outlines of pixels, block by block, neither joined across blocks nor simplified nor with confidence; both
write a GeoPackage. The texture is blobs of 4 × 4 pixel steps, about 6000 patches a block.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pyogrio
import rasterio.features
import shapely

from app.definitions import BLOCK_PX, Grid, nomenclature
from app.outputs import Part
from app.outputs.polygons import class_polygons
from app.outputs.polygons.geopackage import Features, write_geopackage
from benchmarks.figures import Figure

_SIDES = (1, 2, 8)
_TOLERANCE_M = 0.2
_MOST_MIB = 1024

Batches = Callable[[Grid, Callable[[], Iterator[Part]]], Iterator[Features]]


class Run(NamedTuple):
    """What making a file took: seconds of CPU and the most memory that was resident, and what is in it."""

    cpu_s: float
    peak_mib: float
    polygons: int
    size_mb: float

    def __str__(self) -> str:
        return f"{self.cpu_s:.1f} s CPU, {self.peak_mib:.0f} MiB, {self.polygons} polygons, {self.size_mb:.0f} MB"


def measure() -> list[Figure]:
    """CPU time and peak memory, each run in a process of its own."""
    figures = []
    for side in _SIDES:
        ours, theirs = _run("ours", _ours, _blobs, side), _run("GDAL", _by_gdal, _blobs, side)
        what, ratio = f"polygons of {side**2} blocks beside GDAL Polygonize", ours.cpu_s / theirs.cpu_s
        figures.append(Figure(what, str(ours), str(theirs), ratio, f"<= {_MOST_MIB} MiB", ours.peak_mib <= _MOST_MIB))
    figures.append(Figure("polygons of a block of noise", str(_run("ours, noise", _ours, _noise, 1))))
    return figures


def _run(who: str, batches: Batches, texture: Callable[[], np.ndarray], side: int) -> Run:
    # A peak never falls: each run needs a process that did nothing before.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        run = process.submit(_measured, batches, texture, side).result()
    print(f"  {who}, {side**2} blocks: {run}", flush=True)
    return run


def _measured(batches: Batches, texture: Callable[[], np.ndarray], side: int) -> Run:
    grid = Grid(2154, 720_896.0, 6_273_792.0, 0.2, side * BLOCK_PX, side * BLOCK_PX)
    texture()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "polygons.gpkg"
        started = time.process_time()
        write_geopackage(path, grid.epsg, nomenclature(), batches(grid, lambda: _parts(texture(), side)))
        cpu_s = time.process_time() - started
        peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return Run(cpu_s, peak_mib, pyogrio.read_info(path)["features"], path.stat().st_size / 1e6)


def _parts(block: np.ndarray, side: int) -> Iterator[Part]:
    """The block again and again, mirrored, so that nothing ends at a seam."""
    for row in range(side):
        for column in range(side):
            place = (column * BLOCK_PX, row * BLOCK_PX, BLOCK_PX, BLOCK_PX)
            yield place, np.ascontiguousarray(block[:: 1 - 2 * (row % 2), :: 1 - 2 * (column % 2)])


def _ours(grid: Grid, parts: Callable[[], Iterator[Part]]) -> Iterator[Features]:
    return class_polygons(grid, parts, parts, tolerance_m=_TOLERANCE_M)


def _by_gdal(grid: Grid, parts: Callable[[], Iterator[Part]]) -> Iterator[Features]:
    for (column, row, width, height), classes in parts():
        transform = grid.window(column, row, width, height).transform
        found = [
            (shapely.geometry.shape(shape), int(value))
            for shape, value in rasterio.features.shapes(classes, connectivity=4, transform=transform)
        ]
        outlines = np.array([outline for outline, _ in found], object)
        values = np.array([value for _, value in found], np.uint8)
        yield Features(outlines, values, np.ones(len(values)), shapely.area(outlines))


@cache
def _blobs() -> np.ndarray:
    """(2048, 2048) uint8 values 1-16."""
    rng = np.random.default_rng(0)
    side = BLOCK_PX // 4
    planes = [cv2.GaussianBlur(rng.random((side, side), np.float32), (0, 0), 4) for _ in range(16)]
    small = (np.argmax(planes, axis=0) + 1).astype(np.uint8)
    return np.repeat(np.repeat(small, 4, axis=0), 4, axis=1)


@cache
def _noise() -> np.ndarray:
    """(2048, 2048) uint8 values 1-16, each pixel for itself: 3.7 million patches."""
    return np.random.default_rng(0).integers(1, 17, (BLOCK_PX, BLOCK_PX), np.uint8)
