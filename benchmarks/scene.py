"""A class raster like a real one: patches of all classes over patches, with ragged edges, in Lambert-93."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import cv2
import morecantile
import numpy as np
import shapely
from pyproj import Transformer
from rasterio.warp import transform_bounds

from app.definitions import BlockCell, Grid, nomenclature, prediction_grid
from app.outputs import write_class_cog
from app.tiling import RasterRef

_WEB_MERCATOR = morecantile.tms.get("WebMercatorQuad")
_SEED = 1
_PERIOD_PX = 2048
_OCTAVES = ((300.0, 1.0), (60.0, 0.4), (10.0, 0.2), (1.5, 0.2))
"""(blur in pixels, weight). So chosen that a tile of full resolution compresses to 5.5 kB, which is the mean of the
class maps that IGN publishes with its FLAIR#1 baseline."""


def grid(side_px: int) -> Grid:
    """A square of `side_px` pixels of 0.2 m from the corner of a block near Béziers."""
    corner = prediction_grid().block(BlockCell(1760, 13980))
    return Grid(corner.epsg, corner.left, corner.top, corner.resolution_m, side_px, side_px)


def write(path: Path, side_px: int) -> Grid:
    """Writes it as a COG with overviews. side_px: a multiple of 2048."""
    period = _patches()
    place = grid(side_px)
    cells = [(column, row) for row in range(side_px // _PERIOD_PX) for column in range(side_px // _PERIOD_PX)]
    parts = (
        # Mirrored by turns, so that patches go on across the seams.
        ((c * _PERIOD_PX, r * _PERIOD_PX, _PERIOD_PX, _PERIOD_PX), period[:: (1, -1)[r % 2], :: (1, -1)[c % 2]])
        for c, r in cells
    )
    write_class_cog(path, place, parts, nomenclature())
    return place


def raster(path: Path, side_px: int) -> RasterRef:
    """Writes it; gives it as the tile engine knows it."""
    place = write(path, side_px)
    return RasterRef.of(str(path), place, bands=1, version="benchmark")


def tiles(
    place: Grid, zooms: Iterable[int], tms: morecantile.TileMatrixSet = _WEB_MERCATOR
) -> list[tuple[int, int, int]]:
    """(z, x, y) of every tile of a set that has data of the grid, each once, shuffled the same way each time."""
    outline = shapely.segmentize(shapely.box(*place.bounds), 100.0)
    to_tiles = Transformer.from_crs(place.epsg, tms.crs.to_epsg(), always_xy=True).transform
    # A little inside: of a tile that holds the raster's edge alone, some servers make an error and others nothing.
    filled = shapely.transform(outline, to_tiles, interleaved=False).buffer(-1.0)
    bounds = transform_bounds(f"EPSG:{place.epsg}", "OGC:CRS84", *place.bounds)
    found = [
        (tile.z, tile.x, tile.y)
        for tile in tms.tiles(*bounds, zooms=list(zooms))
        if filled.intersects(shapely.box(*tms.xy_bounds(tile)))
    ]
    random.Random(_SEED).shuffle(found)
    return found


def _patches() -> np.ndarray:
    """(2048, 2048) uint8 values 1-16: at each pixel the class whose field of noise is the highest."""
    side = _PERIOD_PX
    rng = np.random.default_rng(_SEED)
    highest = np.full((side, side), -np.inf, np.float32)
    values = np.zeros((side, side), np.uint8)
    for value in range(1, 17):
        field = np.zeros((side, side), np.float32)
        for blur_px, weight in _OCTAVES:
            coarser = max(1, int(blur_px // 2))
            noise = rng.standard_normal((side // coarser, side // coarser), np.float32)
            band = cv2.GaussianBlur(noise, (0, 0), blur_px / coarser)
            field += weight / band.std() * cv2.resize(band, (side, side), interpolation=cv2.INTER_LINEAR)
        above = field > highest
        highest[above], values[above] = field[above], value
    return values
