"""A tile as a PNG: read, encode once, dress in a palette."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import PurePath
from typing import NamedTuple

import numpy as np
from prometheus_client import Counter, Histogram

from app.definitions import Grid
from app.settings import settings
from app.tiling import png
from app.tiling.cache import TileCache
from app.tiling.grids import TileGrid, tile_grid
from app.tiling.rasters import Band, RasterRef
from app.tiling.read import read_tile
from app.tiling.shared_cache import SharedCache
from app.tiling.styles import Look, Style, palette_of

_EMPTY = b""
_ENCODING = f"2 {version('deflate')}".encode()
"""Changes whenever equal pixels may be encoded as other bytes: part of every ETag."""

RENDER_SECONDS = Histogram("cosia_tile_render_seconds", "Time to read and encode a tile that was not kept.")
_LOOKS = Counter("cosia_tile_cache_looks", "Looks for an encoded tile.", ["cache", "found"])
# Bound once: finding a counter by its labels costs more than counting.
_IN_MEMORY, _NOT_IN_MEMORY = _LOOKS.labels("memory", "yes"), _LOOKS.labels("memory", "no")
_SHARED, _NOT_SHARED = _LOOKS.labels("shared", "yes"), _LOOKS.labels("shared", "no")


class Picture(NamedTuple):
    """The pixels of a tile, whatever colours they get.

    bands, grids: of the rasters that may lie under it, the first on top.
    """

    tile: TileGrid
    bands: tuple[Band, ...]
    grids: tuple[Grid, ...]

    @property
    def key(self) -> tuple[TileGrid, tuple[Band, ...]]:
        """Equal keys mean equal encoded data: the place of a tile that exists, and contents (which decide the grids).

        Tile matrix sets that share a tile's place, such as PM_6_19 and WebMercatorQuad, share its data.
        """
        return self.tile, self.bands


@lru_cache
def tile_cache() -> TileCache:
    """The encoded tiles of this process."""
    return TileCache(settings().tile_cache_bytes)


@lru_cache
def shared_cache() -> SharedCache | None:
    """Those of all processes, where a Redis is set for it."""
    url = settings().tile_cache_redis_url
    return SharedCache(url.get_secret_value(), settings().tile_cache_expires_s, _ENCODING) if url else None


def picture(tile: TileGrid, rasters: Sequence[RasterRef], style: Style) -> Picture:
    """rasters: those that may lie under the tile, the first on top."""
    if style is Style.CONFIDENCE:
        rasters = [raster for raster in rasters if raster.confidence is not None]
        bands = tuple(raster.confidence for raster in rasters if raster.confidence is not None)
    else:
        bands = tuple(raster.classes for raster in rasters)
    return Picture(tile, bands, tuple(raster.grid for raster in rasters))


def known(asked: Picture) -> bytes | None:
    """Its encoded data where this process has it at hand: costs no file, no SQL and no waiting."""
    if not asked.bands:
        return _EMPTY
    found = tile_cache().get(asked.key)
    if found is not None:
        _IN_MEMORY.inc()
    return found


def encoded(asked: Picture) -> bytes:
    """Its encoded data (a PNG's IDAT chunk, empty where no raster has data), kept for the next who asks.

    Opens and reads files: for a tile thread. Raises RasterUnreadable.
    """
    found = known(asked)
    if found is None:
        _NOT_IN_MEMORY.inc()
        shared = shared_cache()
        found = shared.get(asked.key) if shared else None
        if shared:
            (_NOT_SHARED if found is None else _SHARED).inc()
        if found is None:
            with RENDER_SECONDS.time():
                found = _encode(read_tile(asked.tile, zip(asked.bands, asked.grids, strict=True)))
            if shared:
                shared.put(asked.key, found)
        tile_cache().put(asked.key, found)
    return found


def dressed(data: bytes, look: Look, nomenclature_id: str, px: int) -> bytes | None:
    """The palette PNG (index = value) of encoded data, None where that is empty."""
    return None if data == _EMPTY else png.assemble(_header(look, nomenclature_id, px), data)


@lru_cache(maxsize=4096)
def etag(bands: tuple[Band, ...], look: Look, nomenclature_id: str) -> str:
    """Strong ETag of the tile at one address, from what its bytes follow from: no pixel is read to tell it.

    Content of the rasters (sha256 of the classes; names of files, which follow from confidence too), colours, encoding.
    """
    digest = hashlib.blake2b(_ENCODING, digest_size=12)
    for band in bands:
        digest.update(f" {PurePath(band.path).name} {band.version}:{band.number}".encode())
    digest.update(palette_of(look, nomenclature_id).tobytes())
    return f'"{digest.hexdigest()}"'


def render(
    rasters: Sequence[RasterRef],
    tms_id: str,
    z: int,
    x: int,
    y: int,
    *,
    look: Look = Look(),  # noqa: B008 - frozen
    nomenclature_id: str = "cosia",
) -> bytes | None:
    """The palette PNG of a tile, or None where no raster has data: all of the steps above at once.

    Raises Unknown for a tile that does not exist, before any file is opened, and RasterUnreadable.
    """
    asked = picture(tile_grid(tms_id, z, x, y), rasters, look.style)
    return dressed(encoded(asked), look, nomenclature_id, asked.tile.px)


def drawn(values: np.ndarray, nomenclature_id: str) -> bytes | None:
    """The palette PNG of (px, px) uint8 values, None where all are nodata."""
    return dressed(_encode(values), Look(), nomenclature_id, values.shape[0])


def empty_tile(tms_id: str, z: int, x: int, y: int, nomenclature_id: str) -> bytes:
    """A transparent tile, for protocols that know no empty answer. Raises Unknown as `render` does."""
    px = tile_grid(tms_id, z, x, y).px
    return png.assemble(_header(Look(), nomenclature_id, px), png.encode_constant(0, px))


def _encode(values: np.ndarray) -> bytes:
    first = int(values[0, 0])
    if (values == first).all():
        return png.encode_constant(first, values.shape[0]) if first else _EMPTY
    return png.encode(values)


@lru_cache(maxsize=1024)
def _header(look: Look, nomenclature_id: str, px: int) -> bytes:
    return png.header(palette_of(look, nomenclature_id), px)
