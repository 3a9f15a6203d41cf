"""Tiles of imagery as JPEG, drawn from the overview that fits.

GDAL's warper is driven directly: the source's CRS has to be imposed on files that name theirs badly, and a declared
nodata value must hide only pixels that hold it in all bands.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from uuid import uuid4

import cv2
import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT

from app.definitions import Band, ImagerySource, Role, prediction_grid
from app.errors import ParameterInvalid, RasterRefused, RasterUnreadable
from app.imagery.files import Bounds, ImageryFile
from app.imagery.index import IndexedSource
from app.imagery.remote.background import picture
from app.imagery.scaling import to_bytes
from app.tiling.grids import TileGrid, level_for
from app.tiling.reproject import transformer

_MOST_FILES = 64  # of one tile: beyond, the zoom is too low for this source
_MOST_PIXELS = 1 << 24  # read for one tile: a file without overviews is not drawn from afar
_JPEG_QUALITY = 85
_PAPER = 255  # under the parts of a tile without imagery: JPEG knows no transparency


class Rendition(StrEnum):
    """Which bands are shown as red, green and blue."""

    NATURAL = "natural"
    INFRARED = "infrared"


_SHOWN = {
    Rendition.NATURAL: (Role.RGB, (Band.R, Band.G, Band.B)),
    Rendition.INFRARED: (Role.IRC, (Band.NIR, Band.R, Band.G)),
}


def render(indexed: IndexedSource, rendition: Rendition, tile: TileGrid) -> bytes:
    """JPEG of a tile; empty where there is no imagery or it is too fine to be drawn at this zoom.

    Raises ParameterInvalid for a rendition whose bands the source lacks, RasterUnreadable for a damaged file.
    """
    role, bands = _shown(indexed.source, rendition)
    role = Role.STACK if Role.STACK in indexed.roles else role
    order = indexed.source.order(role)
    indexes = [order.index(band) + 1 for band in bands]
    epsg = indexed.source.epsg
    bounds = Bounds(*transformer(tile.epsg, epsg).transform_bounds(*tile.bounds, densify_pts=21))
    files = indexed.files(role, bounds) if all(map(math.isfinite, bounds)) else []
    if not files or len(files) > _MOST_FILES:
        return b""
    try:
        drawn = _mosaic(files, indexed.source, indexes, tile, (bounds.top - bounds.bottom) / tile.px)
    except (OSError, RasterioError, RasterRefused) as error:
        raise RasterUnreadable(f"a file of imagery source {indexed.source.id} cannot be read") from error
    if drawn is None:
        return b""
    return _jpeg(drawn)


def render_remote(source: ImagerySource, rendition: Rendition, tile: TileGrid) -> bytes:
    """As `render`, of a source that is read from a map server. Raises Unavailable where the server does not answer."""
    role, bands = _shown(source, rendition)
    found = picture(source, role, tile)
    if found is None or not found.seen.any():
        return b""
    order = source.order(role)
    shown = np.where(found.seen, found.values[[order.index(band) for band in bands]], np.uint8(_PAPER))
    return _jpeg(np.moveaxis(shown, 0, -1))


def _shown(source: ImagerySource, rendition: Rendition) -> tuple[Role, tuple[Band, ...]]:
    role, bands = _SHOWN[rendition]
    if not set(bands) <= set(source.bands):
        raise ParameterInvalid(f"imagery source {source.id} has no near infrared: ask for natural", "style")
    return role, bands


def _jpeg(drawn: np.ndarray) -> bytes:
    """drawn: (height, width, 3) uint8, red first."""
    blue_first = np.ascontiguousarray(drawn[..., ::-1])
    _, encoded = cv2.imencode(".jpg", blue_first, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return encoded.tobytes()


def lowest_zoom(indexed: IndexedSource) -> int:
    """The zoom from which a tile takes at most `_MOST_FILES` files and shows the source as more than a dot."""
    west, south, east, north = indexed.source.bbox
    equator_m = 2 * math.pi * 6378137
    scale = math.cos(math.radians((south + north) / 2))
    extent_m = max((east - west) / 360 * equator_m * scale, (north - south) / 360 * equator_m)
    widest_tile_m = extent_m * 16
    if indexed.file_count > _MOST_FILES:
        widest_tile_m = min(widest_tile_m, indexed.file_side_m * math.sqrt(_MOST_FILES) / 2)
    return max(0, math.ceil(math.log2(equator_m * scale / widest_tile_m)))


def _mosaic(
    files: Sequence[ImageryFile], source: ImagerySource, indexes: list[int], tile: TileGrid, pixel_m: float
) -> np.ndarray | None:
    """(height, width, 3) uint8 of the tile, or None without a pixel of imagery. pixel_m: a tile pixel on the ground."""
    image = np.full((tile.px, tile.px, 3), _PAPER, np.uint8)
    missing = np.ones((tile.px, tile.px), bool)
    pixel_ratio = pixel_m / (source.resolution_m or prediction_grid(source.epsg).resolution_m)
    budget = _MOST_PIXELS
    for file in files:
        with _open_for(file, pixel_ratio) as raster:
            across = tile.px * pixel_m
            needed = (min(across, file.bounds.right - file.bounds.left) / raster.res[0]) * (
                min(across, file.bounds.top - file.bounds.bottom) / raster.res[1]
            )
            budget -= math.ceil(needed)
            if budget < 0:
                return None
            values, seen = _warp(raster, source, indexes, tile)
        found = missing & seen
        image[found] = values[found]
        missing &= ~found
        if not missing.any():
            break
    return None if missing.all() else image


def _open_for(file: ImageryFile, pixel_ratio: float) -> DatasetReader:
    raster = file.open()
    level = level_for(tuple(raster.overviews(1)), pixel_ratio)
    if level < 0:
        return raster
    raster.close()
    return file.open(level)


def _warp(
    raster: DatasetReader, source: ImagerySource, indexes: list[int], tile: TileGrid
) -> tuple[np.ndarray, np.ndarray]:
    """(height, width, 3) uint8 and the (height, width) bool mask of one file on the tile's pixels."""
    if raster.colorinterp[-1] == ColorInterp.alpha and raster.count == len(source.stack_bands):
        with _without_alpha(raster) as named:
            return _warped(named, source, indexes, tile)
    return _warped(raster, source, indexes, tile)


@contextmanager
def _without_alpha(raster: DatasetReader) -> Iterator[DatasetReader]:
    """The same bands under no colours: GDAL takes a fourth one for alpha, and would hide water, dark in infrared."""
    name = f"/vsimem/{uuid4().hex}.vrt"
    rasterio.shutil.copy(raster, name, driver="VRT")
    try:
        with rasterio.open(name, "r+", driver="VRT") as named:
            named.colorinterp = [ColorInterp.undefined] * named.count
        with rasterio.open(name, driver="VRT") as named:
            yield named
    finally:
        rasterio.shutil.delete(name)


def _warped(
    raster: DatasetReader, source: ImagerySource, indexes: list[int], tile: TileGrid
) -> tuple[np.ndarray, np.ndarray]:
    with WarpedVRT(
        raster,
        src_crs=CRS.from_epsg(source.epsg),
        crs=CRS.from_epsg(tile.epsg),
        transform=Affine(tile.cell_size, 0, tile.left, 0, -tile.cell_size, tile.top),
        width=tile.px,
        height=tile.px,
        resampling=Resampling.bilinear,
        add_alpha=raster.colorinterp[-1] != ColorInterp.alpha,
    ) as warped:
        shown = to_bytes(warped.read(indexes), (Band.R, Band.G, Band.B), source.scale)
        return np.moveaxis(shown, 0, -1), warped.read(warped.count) > 0
