"""A tile inside the process: CPU and bytes beside rio-tiler's on the same file, and how many pixels are exact."""

from __future__ import annotations

import io
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import morecantile
import numpy as np
import rasterio
from PIL import Image
from pyproj import Transformer
from rio_tiler.io import Reader

from app.definitions import nomenclature
from app.definitions.tile_matrix_set import tile_matrix_set
from app.tiling import RasterRef, render
from benchmarks import scene
from benchmarks.figures import Figure

_SIDE_PX = 10_240
_TILES = 60
_COARSER_AT_MOST = 1.2
"""An overview's pixels may be that much larger than the tile's: the rule of app/tiling, stated once more."""

Tile = tuple[int, int, int]


class _Way(NamedTuple):
    """One kind of tile. most_ms: the target, milliseconds of CPU inside the process."""

    title: str
    tms_id: str
    zooms: range
    most_ms: float


_WAYS = (
    _Way("aligned (Lambert-93 sets)", "2154_10cm", range(15, 21), 0.8),
    _Way("reprojected (Web Mercator)", "WebMercatorQuad", range(13, 20), 3.0),
)


class _Cost(NamedTuple):
    cpu_ms: float
    bytes: float


def measure() -> list[Figure]:
    """Uncached tiles with warm handles, ours and rio-tiler's, opened for each tile as TiTiler does."""
    os.environ["COSIA_TILE_CACHE_BYTES"] = "0"  # what a tile costs, not what a cache saves
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "classes.tif"
        raster = scene.raster(path, _SIDE_PX)
        for way in _WAYS:
            figures += _measured(way, path, raster)
    return figures


def _measured(way: _Way, path: Path, raster: RasterRef) -> list[Figure]:
    tms = morecantile.TileMatrixSet.model_validate(tile_matrix_set(way.tms_id).document)
    colours = {value: tuple(int(c) for c in rgba) for value, rgba in enumerate(nomenclature().palette)}

    def ours(z: int, x: int, y: int) -> bytes | None:
        return render([raster], way.tms_id, z, x, y)

    def stock(z: int, x: int, y: int) -> bytes:
        with Reader(str(path), tms=tms) as reader:
            return bytes(reader.tile(x, y, z, tilesize=256).render(img_format="PNG", colormap=colours))

    tiles = scene.tiles(raster.grid, way.zooms, tms)
    sample = [tile for zoom in way.zooms for tile in [t for t in tiles if t[0] == zoom][: _TILES // len(way.zooms)]]
    our_cost, stock_cost = _cost(ours, sample), _cost(stock, sample)
    equal = np.mean([_share_exact(_values(ours(*tile)), path, tms, tile) for tile in sample])
    print(f"  {way.title}: {len(sample)} tiles of z{way.zooms[0]} to z{way.zooms[-1]}", flush=True)
    return [
        Figure(
            f"CPU per tile, {way.title}",
            f"{our_cost.cpu_ms:.2f} ms",
            f"{stock_cost.cpu_ms:.1f} ms",
            stock_cost.cpu_ms / our_cost.cpu_ms,
            f"<= {way.most_ms:g} ms",
            our_cost.cpu_ms <= way.most_ms,
        ),
        Figure(
            f"bytes per tile, {way.title}",
            f"{our_cost.bytes:.0f}",
            f"{stock_cost.bytes:.0f}",
            our_cost.bytes / stock_cost.bytes,
            "<= 0.6x",
            our_cost.bytes <= 0.6 * stock_cost.bytes,
        ),
        Figure(
            f"pixels equal to exact nearest, {way.title}", f"{equal:.4%}", "", None, ">= 99.9 %", bool(equal >= 0.999)
        ),
    ]


def _cost(tile: Callable[[int, int, int], bytes | None], tiles: Iterable[Tile]) -> _Cost:
    """Of a tile, on average, after one round that warms up."""
    asked = list(tiles)
    for z, x, y in asked:
        tile(z, x, y)
    started = time.process_time()
    sizes = [len(tile(z, x, y) or b"") for z, x, y in asked]
    return _Cost(1000 * (time.process_time() - started) / len(asked), float(np.mean(sizes)))


def _values(image: bytes | None) -> np.ndarray:
    """(256, 256) uint8 palette indices, which are values."""
    return np.zeros((256, 256), np.uint8) if image is None else np.asarray(Image.open(io.BytesIO(image)))


def _share_exact(values: np.ndarray, path: Path, tms: morecantile.TileMatrixSet, tile: Tile) -> float:
    """Share of pixels that hold the value of the raster pixel under their centre, by PROJ for every single one.

    Read from the overview of app/tiling's rule: the coarsest whose pixels are at most a fifth larger than the tile's.
    """
    z, x, y = tile
    left, _, right, top = tms.xy_bounds(morecantile.Tile(x, y, z))
    centres = (np.arange(256) + 0.5) * (right - left) / 256
    epsg = tms.crs.to_epsg()
    with rasterio.open(path) as dataset:
        transformer = Transformer.from_crs(epsg, dataset.crs, always_xy=True)
        xs, ys = transformer.transform(*np.meshgrid(left + centres, top - centres))
        ratio = np.hypot(xs[128, 129] - xs[128, 128], ys[128, 129] - ys[128, 128]) / dataset.res[0]
        finer = [factor for factor in dataset.overviews(1) if factor <= _COARSER_AT_MOST * ratio]
    options = {"OVERVIEW_LEVEL": len(finer) - 1} if finer else {}
    with rasterio.open(path, **options) as dataset:
        source = dataset.read(1)
        columns, rows = (np.floor(part).astype(int) for part in ~dataset.transform * (xs, ys))
    inside = (columns >= 0) & (columns < source.shape[1]) & (rows >= 0) & (rows < source.shape[0])
    expected = np.zeros_like(values)
    expected[inside] = source[rows[inside], columns[inside]]
    return float(np.mean(values == expected))
