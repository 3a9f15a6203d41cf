"""CPU of the areas of a 25 km² polygon, of rio-tiler's categorical statistics and of changes between two layers."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import shapely
from rio_tiler.io import Reader

from app import aoi
from app.catalogue import Layer
from app.definitions import BlockCell, Grid, nomenclature, prediction_grid
from app.outputs import write_class_cog
from app.statistics import AreaMeasurement, ChangeMeasurement, Measurement, Tally, count
from app.tiling import RasterRef
from benchmarks.figures import Figure

_SIDE_PX = 27_648
_PART_PX = 6912
_AREA_KM2 = 25.0
# rio-tiler holds all pixels in some ten arrays of 64 bits: 25 km² would need more than 50 GB.
_PEER_AREA_KM2 = 4.0


def measure() -> list[Figure]:
    """CPU per km² of both, in polygons of forty corners; changes between two unrelated maps, the dearest there are."""
    with tempfile.TemporaryDirectory() as folder:
        earlier, later = (_layer(Path(folder) / f"{seed}.tif", seed) for seed in (1, 2))
        polygon, small = _polygon(earlier, _AREA_KM2), _polygon(earlier, _PEER_AREA_KM2)
        ours = _report(f"ours, {_AREA_KM2:g} km²", _AREA_KM2, lambda: _areas(AreaMeasurement(earlier, polygon)))
        _report(f"ours, {_PEER_AREA_KM2:g} km²", _PEER_AREA_KM2, lambda: _areas(AreaMeasurement(earlier, small)))
        peer = _report(f"rio-tiler, {_PEER_AREA_KM2:g} km²", _PEER_AREA_KM2, lambda: _peer(earlier, small))
        compared = ChangeMeasurement(earlier, later, polygon)
        changes = _report(f"changes, {_AREA_KM2:g} km²", _AREA_KM2, lambda: _areas(compared))
    ratio = peer / ours
    return [
        Figure(
            f"m² per class of {_AREA_KM2:g} km² beside rio-tiler's {_PEER_AREA_KM2:g} km²",
            f"{1000 * ours:.1f} ms CPU/km²",
            f"{1000 * peer:.0f} ms CPU/km²",
            ratio,
            ">= 10x",
            ratio >= 10,
        ),
        Figure(f"changes in {_AREA_KM2:g} km²", f"{1000 * changes:.1f} ms CPU/km²"),
    ]


def _report(name: str, area_km2: float, work: Callable[[], dict[str, Any]]) -> float:
    """Seconds of CPU per km²."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(f"  {name:20} {cpu:7.2f} s of CPU, {wall:7.2f} s on the clock, {1000 * cpu / area_km2:8.1f} ms/km²")
    return cpu / area_km2


def _areas(measurement: Measurement) -> dict[str, Any]:
    tally = Tally.of_nothing(measurement)
    with ThreadPoolExecutor(2) as threads:
        for _ in count(measurement, tally, threads):
            pass
    return measurement.document(tally.counts)


def _peer(layer: Layer, polygon: aoi.Aoi) -> dict[str, Any]:
    with Reader(layer.rasters[0].path) as reader:
        return dict(reader.feature(_feature(polygon), dst_crs=reader.crs).statistics(categorical=True))


def _feature(polygon: aoi.Aoi) -> dict[str, Any]:
    return {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(polygon)}


def _polygon(layer: Layer, area_km2: float) -> aoi.Aoi:
    """A star around the middle of a layer: its edge crosses many windows."""
    left, bottom, right, top = layer.rasters[0].grid.bounds
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    radii = np.where(np.arange(40) % 2, 1.0, 0.85)
    star = shapely.Polygon(np.column_stack([radii * np.cos(angles), radii * np.sin(angles)]))
    scale = (area_km2 * 1e6 / star.area) ** 0.5
    shape = shapely.transform(star, lambda xy: xy * scale + ((left + right) / 2, (bottom + top) / 2))
    return aoi.from_grid_crs(shape, layer.rasters[0].epsg)  # type: ignore[return-value]  # a polygon stays one


def _layer(path: Path, seed: int) -> Layer:
    """Patches of all classes with smooth outlines, some metres to tens of metres wide."""
    corner = prediction_grid().block(BlockCell(1760, 13980))
    grid = Grid(corner.epsg, corner.left, corner.top, corner.resolution_m, _SIDE_PX, _SIDE_PX)
    noise = np.random.default_rng(seed).random((16, _PART_PX // 8, _PART_PX // 8), np.float32)
    planes = np.stack([cv2.GaussianBlur(plane, (0, 0), 6) for plane in noise])
    coarse = (planes.argmax(axis=0) + 1).astype(np.uint8)
    part = cv2.medianBlur(cv2.resize(coarse, (_PART_PX, _PART_PX), interpolation=cv2.INTER_NEAREST), 21)
    steps = range(0, _SIDE_PX, _PART_PX)
    parts = (((column, row, _PART_PX, _PART_PX), part) for row in steps for column in steps)
    write_class_cog(path, grid, parts, nomenclature())
    raster = RasterRef.of(str(path), grid, bands=1, version=path.stem)
    return Layer(
        id=path.stem,
        title=path.stem,
        description="",
        nomenclature=nomenclature(),
        vintage=2020 + seed,
        imagery_source=None,
        model=None,
        attribution="",
        demonstration=False,
        version=path.stem,
        published_at=0.0,
        rasters=(raster,),
    )


if __name__ == "__main__":
    measure()
