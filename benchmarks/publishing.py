"""Publishing 10 km × 10 km: `cosia publish` of a GeoTIFF beside `rio cogeo create` of it, and of a GeoPackage.

The land cover is made up: parcels with trees, houses and shrubs in them, 5000 × 5000 px that repeat mirrored, so that
nothing ends at a seam. The GeoPackage lacks the shrubs: published polygons are coarser than what a network paints.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pyogrio.raw
import rasterio
import rasterio.features
import shapely
from rasterio.windows import Window

from app.definitions import Grid
from benchmarks.figures import Figure

_NAME = "D049_2022_420_6710"
_GRID = Grid(2154, 420_000.0, 6_710_000.0, 0.2, 50_000, 50_000)
_PIECE_PX = 5000

# (size of a patch in pixels, classes in turn; 0 lets what lies below through)
_PARCELS = (400, (13, 14, 12, 9, 12, 13, 11, 8))
_TREES = (60, (0, 9, 0, 10, 0, 0, 1, 3, 2))
_HOUSES = (25, (0, 0, 0, 9, 0, 0, 0, 12, 0, 0, 5))
_SHRUBS = (8, (0, 0, 10, 0, 0, 0, 0, 12, 0, 0, 0, 0))


# A process of its own, because a child's peak of memory begins at what its parent had when it forked.
_STOPWATCH = """
import json, resource, subprocess, sys, time
started = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024]))
"""


class Run(NamedTuple):
    """What a command took: seconds on the clock and of CPU, and the most memory that was resident, bytes."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def measure() -> list[Figure]:
    """One run of each: they take minutes, and neither depends on caches."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raster, polygons = folder / f"{_NAME}.tif", folder / f"{_NAME}_vecto.gpkg"
        write_raster(raster)
        count = write_polygons(polygons)
        print(f"  10 km × 10 km: {_GRID.width} × {_GRID.height} px, {count} polygons", flush=True)
        peer = _run(["rio", "cogeo", "create", "--quiet", str(raster), str(folder / "peer.tif")], folder)
        ours = _run(["cosia", "publish", "raster", str(raster)], folder)
        vectors = _run(["cosia", "publish", "polygons", str(polygons)], folder)
    most_mib = max(ours.peak_bytes, vectors.peak_bytes) / 2**20
    speed = peer.wall_s / ours.wall_s
    return [
        Figure(
            "publish a 10 km GeoTIFF beside rio cogeo create", _words(ours), _words(peer), speed, ">= 1x", speed >= 1
        ),
        Figure("publish a 10 km GeoPackage", _words(vectors)),
        Figure(
            "memory of publishing, GeoTIFF and GeoPackage",
            f"{most_mib:.0f} MiB",
            target="<= 1 GiB",
            met=most_mib <= 1024,
        ),
    ]


def _words(run: Run) -> str:
    return f"{run.wall_s:.0f} s ({run.cpu_s:.0f} s CPU)"


def write_raster(path: Path) -> None:
    """The whole square as a class GeoTIFF in tiles of 512."""
    piece = _land_cover(_PARCELS, _TREES, _HOUSES, _SHRUBS)
    profile = {"driver": "GTiff", "count": 1, "dtype": "uint8", "nodata": 0, "crs": f"EPSG:{_GRID.epsg}"}
    layout = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate", "num_threads": "ALL_CPUS"}
    size = {"width": _GRID.width, "height": _GRID.height, "transform": _GRID.transform}
    with rasterio.open(path, "w", **profile, **layout, **size) as dataset:
        for row in range(0, _GRID.height, 512):
            lines = np.arange(row, min(row + 512, _GRID.height))
            pair = np.hstack([piece, piece[:, ::-1]])[_mirrored(lines)]
            band = np.tile(pair, _GRID.width // (2 * _PIECE_PX))
            dataset.write(band, 1, window=Window(0, row, _GRID.width, len(lines)))


def write_polygons(path: Path) -> int:
    """The whole square as an official GeoPackage; gives the number of polygons."""
    piece = _land_cover(_PARCELS, _TREES, _HOUSES)
    found = [(shapely.geometry.shape(shape), int(value)) for shape, value in rasterio.features.shapes(piece)]
    outlines = np.array([outline for outline, _ in found], object)
    side, copies = _PIECE_PX * _GRID.resolution_m, _GRID.width // _PIECE_PX
    geometries = [
        _placed(outlines, _GRID.left + column * side, _GRID.top - row * side, column % 2 > 0, row % 2 > 0)
        for row in range(copies)
        for column in range(copies)
    ]
    numbers = np.tile(np.array([value for _, value in found], np.int32), copies**2)
    pyogrio.raw.write(
        path,
        geometry=np.concatenate(geometries),
        field_data=[numbers],
        fields=["numero"],
        driver="GPKG",
        layer=path.stem,
        geometry_type="Polygon",
        crs=f"EPSG:{_GRID.epsg}",
    )
    return len(numbers)


def _placed(outlines: np.ndarray, left: float, top: float, flipped: bool, upended: bool) -> np.ndarray:
    """Outlines of the piece, in pixels, as WKB in the CRS, mirrored as the raster is."""

    def place(vertices: np.ndarray) -> np.ndarray:
        columns = _PIECE_PX - vertices[:, 0] if flipped else vertices[:, 0]
        rows = _PIECE_PX - vertices[:, 1] if upended else vertices[:, 1]
        return np.column_stack([left + columns * _GRID.resolution_m, top - rows * _GRID.resolution_m])

    placed: np.ndarray = shapely.to_wkb(shapely.transform(outlines, place))
    return placed


def _mirrored(lines: np.ndarray) -> np.ndarray:
    """Rows of the piece for rows of the square: down, up, down …"""
    turn = lines % (2 * _PIECE_PX)
    return np.where(turn < _PIECE_PX, turn, 2 * _PIECE_PX - 1 - turn)


def _land_cover(*themes: tuple[int, Sequence[int]]) -> np.ndarray:
    """(5000, 5000) uint8 class values; each theme covers those before it where it is not 0."""
    classes = np.zeros((_PIECE_PX, _PIECE_PX), np.uint8)
    for seed, (patch_px, values) in enumerate(themes):
        random = np.random.default_rng(seed)
        side = _PIECE_PX // patch_px + 2
        best = np.full(classes.shape, -1, np.float32)
        chosen = np.zeros_like(classes)
        for value in values:
            coarse = cv2.GaussianBlur(random.random((side, side), np.float32), (0, 0), 1.5)
            plane = cv2.resize(coarse, (side * patch_px,) * 2, interpolation=cv2.INTER_CUBIC)[:_PIECE_PX, :_PIECE_PX]
            wins = plane > best
            best[wins], chosen[wins] = plane[wins], value
        np.copyto(classes, chosen, where=chosen > 0)
    smoothed: np.ndarray = cv2.medianBlur(classes, 5)
    return smoothed


def _run(command: Sequence[str], folder: Path) -> Run:
    """Runs one of the environment's own programs with `folder` as its data folder."""
    program = Path(sys.executable).with_name(command[0])
    environment = {**os.environ, "COSIA_DATA": str(folder / "data")}
    watched = [sys.executable, "-c", _STOPWATCH, str(program), *command[1:]]
    told = subprocess.run(watched, env=environment, stdout=subprocess.PIPE, check=True).stdout  # noqa: S603
    return Run(*json.loads(told))


if __name__ == "__main__":
    for figure in measure():
        print(figure)
