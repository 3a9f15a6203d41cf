"""A tile as a PNG: read, encode once, dress in a palette."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from app.settings import settings
from app.tiling import png
from app.tiling.cache import TileCache
from app.tiling.grids import TileGrid, tile_grid
from app.tiling.rasters import Band, RasterRef
from app.tiling.read import read_tile
from app.tiling.styles import Style, palette_bytes

_EMPTY = b""


@lru_cache
def tile_cache() -> TileCache:
    """The encoded tiles of this process."""
    return TileCache(settings().tile_cache_bytes)


def render(
    rasters: Sequence[RasterRef],
    tms_id: str,
    z: int,
    x: int,
    y: int,
    *,
    style: Style = Style.NORMAL,
    classes: frozenset[int] | None = None,
    nomenclature_id: str = "cosia",
) -> bytes | None:
    """The palette PNG of a tile (index = value), or None where no raster has data.

    rasters: those that may lie under the tile. classes: the class values that show, None for all; the others become
    transparent in the palette, their pixels stay. Raises Unknown for a tile that does not exist, before any file is
    opened, and RasterUnreadable.
    """
    tile = tile_grid(tms_id, z, x, y)
    bands = [(band, raster.grid) for raster in rasters if (band := _band(raster, style)) is not None]
    key = (tms_id, z, x, y, tuple(band for band, _ in bands))
    idat = tile_cache().get(key)
    if idat is None:
        idat = _encoded(read_tile(tile, bands))
        tile_cache().put(key, idat)
    if idat == _EMPTY:
        return None
    return png.assemble(_header(style, nomenclature_id, classes, tile.px), idat)


def empty_tile(tms_id: str, z: int, x: int, y: int, nomenclature_id: str = "cosia") -> bytes:
    """A transparent tile, for protocols that know no empty answer. Raises Unknown as `render` does."""
    tile: TileGrid = tile_grid(tms_id, z, x, y)
    return png.assemble(_header(Style.NORMAL, nomenclature_id, None, tile.px), png.encode_constant(0, tile.px))


def _band(raster: RasterRef, style: Style) -> Band | None:
    return raster.confidence if style is Style.CONFIDENCE else raster.classes


def _encoded(values: np.ndarray) -> bytes:
    first = int(values[0, 0])
    if (values == first).all():
        return png.encode_constant(first, values.shape[0]) if first else _EMPTY
    return png.encode(values)


@lru_cache(maxsize=1024)
def _header(style: Style, nomenclature_id: str, classes: frozenset[int] | None, px: int) -> bytes:
    palette = np.frombuffer(palette_bytes(style, nomenclature_id, classes), np.uint8).reshape(256, 4)
    return png.header(palette, px)
