"""CPU per tile of our tile path and of a stock TiTiler reader on the same COG, the same tiles, in one process."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import morecantile
import numpy as np
from rio_tiler.io import Reader

from app.definitions import BlockCell, Grid, nomenclature, prediction_grid
from app.outputs import write_class_cog
from app.tiling import RasterRef, render

_SIDE_PX = 8192
_ZOOMS = (15, 17, 19)
_TILES_PER_ZOOM = 40


def measure() -> None:
    """Prints milliseconds of CPU and bytes per tile, uncached and with warm handles, and their ratios."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "classes.tif"
        grid = _write(path)
        raster = RasterRef(
            str(path), grid.epsg, grid.left, grid.top, grid.resolution_m, grid.width, grid.height, 1, "benchmark"
        )
        tms = morecantile.tms.get("WebMercatorQuad")
        colours = {value: tuple(int(c) for c in rgba) for value, rgba in enumerate(nomenclature().palette)}

        def ours(z: int, x: int, y: int) -> bytes | None:
            return render([raster], "WebMercatorQuad", z, x, y)

        def stock(z: int, x: int, y: int) -> bytes:
            with Reader(str(path), tms=tms) as reader:
                return bytes(reader.tile(x, y, z).render(img_format="PNG", colormap=colours))

        print("tiles, Lambert-93 COG to Web Mercator 256 px, uncached:")
        with Reader(str(path), tms=tms) as reader:
            bounds = reader.get_geographic_bounds("OGC:CRS84")
        for zoom in _ZOOMS:
            tiles = [(t.z, t.x, t.y) for t in tms.tiles(*bounds, zooms=zoom)][:_TILES_PER_ZOOM]
            (our_ms, our_bytes), (stock_ms, stock_bytes) = _cost(ours, tiles), _cost(stock, tiles)
            print(f"  z{zoom} ours      {our_ms:7.2f} ms of CPU {our_bytes:8.0f} bytes")
            print(f"      rio-tiler {stock_ms:7.2f} ms of CPU {stock_bytes:8.0f} bytes")
            print(f"      ratio     {stock_ms / our_ms:7.1f}           {stock_bytes / our_bytes:8.1f}")


def _cost(tile: Callable[[int, int, int], bytes | None], tiles: list[tuple[int, int, int]]) -> tuple[float, float]:
    """(milliseconds of CPU, bytes) of a tile, on average, after one round that warms up."""
    for z, x, y in tiles:
        tile(z, x, y)
    started = time.process_time()
    sizes = [len(tile(z, x, y) or b"") for z, x, y in tiles]
    return 1000 * (time.process_time() - started) / len(tiles), float(np.mean(sizes))


def _write(path: Path) -> Grid:
    """A raster of irregular patches of all classes."""
    corner = prediction_grid().block(BlockCell(1760, 13980))
    grid = Grid(corner.epsg, corner.left, corner.top, corner.resolution_m, _SIDE_PX, _SIDE_PX)
    noise = np.random.default_rng(1).random((16, 512, 512), np.float32)
    field = np.stack([cv2.GaussianBlur(band, (0, 0), 6) for band in noise])
    coarse = (field.argmax(axis=0) + 1).astype(np.uint8)
    classes = cv2.resize(coarse, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_NEAREST)
    write_class_cog(path, grid, [((0, 0, _SIDE_PX, _SIDE_PX), classes)], nomenclature())
    return grid
