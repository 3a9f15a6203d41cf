"""Class rasters in files, read tile by tile: TIFF or BigTIFF, bands of bytes, DEFLATE, as our writers make them.

Opening such a file by GDAL takes milliseconds, most of them for a CRS that its row tells as well, and as its wheels are
built one flipped bit in ten goes unnoticed. Here the checksum at the end of every stream is compared (decision 0014).
Written from the TIFF 6.0 and BigTIFF specifications.
"""

from __future__ import annotations

import math
import os
import struct
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import deflate
import numpy as np

from app.settings import settings
from app.tiling.cache import TileCache
from app.tiling.grids import FULL_RESOLUTION, Rectangle

_NUMBERS = {3: "H", 4: "I", 16: "Q"}  # SHORT, LONG, LONG8
_DEFLATE = (8, 32946)  # Adobe's number and the older one
_MOST_DIRECTORIES = 64
_MOST_ENTRIES = 256
_MOST_KEPT_TILES = 16
"""Of one read: larger ones are those of statistics, which come by once."""

_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES, _PLANAR, _PREDICTOR = 254, 256, 257, 258, 259, 277, 284, 317
_TILE_WIDTH, _TILE_HEIGHT, _OFFSETS, _SIZES = 322, 323, 324, 325


class FileDamaged(Exception):
    """The file is not what our writers make: damaged, cut short, or of somebody else."""


class _Array(NamedTuple):
    """Numbers in the file: where they begin, and the struct format of one."""

    at: int
    kind: str
    length: int


class _Level(NamedTuple):
    width: int
    height: int
    tile_width: int
    tile_height: int
    bands: int
    offsets: _Array
    sizes: _Array

    @property
    def across(self) -> int:
        return -(-self.width // self.tile_width)

    @property
    def tiles(self) -> int:
        """Of one band."""
        return self.across * -(-self.height // self.tile_height)


@lru_cache
def _decoded_tiles() -> TileCache:
    return TileCache(settings().raster_cache_bytes)


class TiffFile:
    """An open file. It belongs to one thread; decoded tiles are shared by all.

    path: of a local file. content: changes with what the file holds; decoded tiles are kept under both.
    Raises FileDamaged and OSError, in every method.
    """

    def __init__(self, path: str, content: object) -> None:
        self._content = (path, content)
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._levels = self._directories()
            finest = self._levels[0]
            self.factors = tuple(1 << round(math.log2(finest.width / level.width)) for level in self._levels[1:])
            """Decimation factors of the overviews, finest first: powers of two."""
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        os.close(self._descriptor)

    def size(self, level: int) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self._level(level)[:2]

    def read(self, band: int, level: int, pixels: Rectangle) -> np.ndarray:
        """(height, width) uint8 of pixels that lie inside the level. Bands count from 1."""
        found = self._level(level)
        if not 1 <= band <= found.bands:
            raise FileDamaged(f"there is no band {band}")
        columns = range(pixels.column // found.tile_width, -(-(pixels.column + pixels.width) // found.tile_width))
        rows = range(pixels.row // found.tile_height, -(-(pixels.row + pixels.height) // found.tile_height))
        keep = len(columns) * len(rows) <= _MOST_KEPT_TILES
        values = np.empty((pixels.height, pixels.width), np.uint8)
        for row in rows:
            first = (band - 1) * found.tiles + row * found.across + columns.start
            offsets = self._numbers(found.offsets, first, len(columns))
            sizes = self._numbers(found.sizes, first, len(columns))
            for column, offset, size in zip(columns, offsets, sizes, strict=True):
                tile = self._tile(offset, size, found, keep)
                _paste(values, pixels, tile, column * found.tile_width, row * found.tile_height)
        return values

    def _level(self, level: int) -> _Level:
        return self._levels[0 if level == FULL_RESOLUTION else level + 1]

    def _tile(self, offset: int, size: int, level: _Level, keep: bool) -> np.ndarray:
        shape = (level.tile_height, level.tile_width)
        if not size:  # never written: nodata
            return np.zeros(shape, np.uint8)
        key = (self._content, offset)
        data = _decoded_tiles().get(key)
        if data is None:
            try:
                data = bytes(deflate.zlib_decompress(self._bytes(offset, size), shape[0] * shape[1]))
            except deflate.DeflateError as error:
                raise FileDamaged(f"the tile at byte {offset} is damaged") from error
            if len(data) != shape[0] * shape[1]:
                raise FileDamaged(f"the tile at byte {offset} is short")
            if keep:
                _decoded_tiles().put(key, data)
        return np.frombuffer(data, np.uint8).reshape(shape)

    def _bytes(self, at: int, count: int) -> bytes:
        data = os.pread(self._descriptor, count, at)
        if len(data) != count:
            raise FileDamaged("the file is cut short")
        return data

    def _numbers(self, array: _Array, first: int, count: int) -> tuple[int, ...]:
        if first + count > array.length:
            raise FileDamaged("a list of tiles is short")
        size = struct.calcsize(f"<{array.kind}")
        return struct.unpack(f"<{count}{array.kind}", self._bytes(array.at + first * size, count * size))

    def _directories(self) -> list[_Level]:
        """The levels, the finest first."""
        order, version = struct.unpack("<2sH", self._bytes(0, 4))
        if order != b"II" or version not in (42, 43):
            raise FileDamaged("it does not begin as a TIFF")
        big = version == 43
        (at,) = struct.unpack("<Q", self._bytes(8, 8)) if big else struct.unpack("<I", self._bytes(4, 4))
        levels: list[_Level] = []
        while at and len(levels) < _MOST_DIRECTORIES:
            entries, at = self._entries(at, big)
            levels.append(self._level_of(entries))
        if not levels or any(a.width < b.width for a, b in pairwise(levels)):
            raise FileDamaged("its levels do not follow each other")
        return levels

    def _entries(self, at: int, big: bool) -> tuple[dict[int, _Array], int]:
        """Tag -> where its numbers lie; and where the next directory is, 0 after the last."""
        counted, entry, link = ("<Q", "<HHQ8s", "<Q") if big else ("<H", "<HHI4s", "<I")
        head = struct.calcsize(counted)
        (count,) = struct.unpack(counted, self._bytes(at, head))
        if count > _MOST_ENTRIES:
            raise FileDamaged("a directory is damaged")
        size = struct.calcsize(entry)
        table = self._bytes(at + head, count * size + struct.calcsize(link))
        found = {}
        for number, (tag, kind, values, data) in enumerate(struct.iter_unpack(entry, table[: count * size])):
            if kind in _NUMBERS:
                # Numbers that fit stand in the entry itself; more of them where it points.
                inline = values * struct.calcsize(f"<{_NUMBERS[kind]}") <= len(data)
                there = at + head + (number + 1) * size - len(data) if inline else struct.unpack(link, data)[0]
                found[tag] = _Array(there, _NUMBERS[kind], values)
        return found, struct.unpack(link, table[count * size :])[0]

    def _level_of(self, entries: dict[int, _Array]) -> _Level:
        def one(tag: int, default: int | None = None) -> int:
            if tag in entries:
                return self._numbers(entries[tag], 0, 1)[0]
            if default is None:
                raise FileDamaged(f"tag {tag} is missing")
            return default

        bands = one(_SAMPLES, 1)
        separate = bands == 1 or one(_PLANAR, 1) == 2
        if one(_COMPRESSION) not in _DEFLATE or one(_PREDICTOR, 1) != 1 or one(_BITS) != 8 or not separate:
            raise FileDamaged("its pixels are not written as ours are")
        sides = (one(_WIDTH), one(_HEIGHT), one(_TILE_WIDTH), one(_TILE_HEIGHT))
        if not all(sides) or _OFFSETS not in entries or _SIZES not in entries:
            raise FileDamaged("it is not tiled")
        return _Level(*sides, bands, entries[_OFFSETS], entries[_SIZES])


def _paste(values: np.ndarray, pixels: Rectangle, tile: np.ndarray, left: int, top: int) -> None:
    """Puts the part of a tile that lies in a rectangle to its place in it. left, top: the tile's corner."""
    first_column, first_row = max(left, pixels.column), max(top, pixels.row)
    last_column = min(left + tile.shape[1], pixels.column + pixels.width)
    last_row = min(top + tile.shape[0], pixels.row + pixels.height)
    values[
        first_row - pixels.row : last_row - pixels.row, first_column - pixels.column : last_column - pixels.column
    ] = tile[first_row - top : last_row - top, first_column - left : last_column - left]
