"""The structure of a cloud-optimised GeoTIFF of byte bands: header, directories, then tiles from coarse to fine.

Written from the TIFF 6.0, BigTIFF and OGC GeoTIFF 1.1 specifications and from GDAL's description of its COG layout.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from app.definitions import Grid

TILE_PX = 256
_LAYOUT = (
    "LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n"
    "BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n "
)
_LEADER_BYTES, _TRAILER_BYTES = 4, 4
_MAX_CLASSIC_BYTES = (1 << 32) - (1 << 20)

_SHORT, _LONG, _DOUBLE, _ASCII, _LONG8 = 3, 4, 12, 2, 16
_FORMATS = {_SHORT: "H", _LONG: "I", _DOUBLE: "d", _LONG8: "Q"}


@dataclass(frozen=True)
class Level:
    """One resolution: shape in pixels, and its compressed tiles, row by row, in a file of their own.

    tiles: each as `framed` gives it, all of a band before those of the next. sizes: bytes of each without its frame.
    """

    width: int
    height: int
    tiles: IO[bytes]
    sizes: Sequence[int]


def framed(tile: bytes) -> bytes:
    """A compressed tile with its size before and its last bytes after it, by which COG readers save requests."""
    return struct.pack("<I", len(tile)) + tile + tile[-_TRAILER_BYTES:]


def write_tiff(
    path: Path,
    grid: Grid,
    levels: Sequence[Level],
    palette: np.ndarray | None = None,
    tags: Mapping[str, str] | None = None,
    *,
    bands: int = 1,
) -> None:
    """Puts levels together. levels: the finest first. palette: (256, 4) uint8 RGBA, None for grey. tags: of band 1.

    Pixels are DEFLATE in tiles of 256, nodata is 0. BigTIFF only where 4 GiB do not suffice. Readers are told of the
    COG layout where there is one band: it names no place for the tiles of a second.
    """
    tile_bytes = sum(sum(level.sizes) + 8 * len(level.sizes) for level in levels)
    big = tile_bytes > _MAX_CLASSIC_BYTES
    ghost = f"GDAL_STRUCTURAL_METADATA_SIZE={len(_LAYOUT):06} bytes\n{_LAYOUT}".encode() if bands == 1 else b""
    header_bytes = 16 if big else 8
    directories = [
        _directory(grid, level, number > 0, palette, tags or {}, big, bands) for number, level in enumerate(levels)
    ]
    starts = list(accumulate((d.size_bytes for d in directories), initial=_even(header_bytes + len(ghost))))
    offsets = _tile_offsets(levels, starts[-1])
    with path.open("wb") as file:
        file.write(
            struct.pack("<2sHHHQ", b"II", 43, 8, 0, starts[0]) if big else struct.pack("<2sHI", b"II", 42, starts[0])
        )
        file.write(ghost.ljust(starts[0] - header_bytes, b"\0"))
        for directory, start, following, offset in zip(
            directories, starts[:-1], [*starts[1:-1], 0], offsets, strict=True
        ):
            file.write(directory.packed(start, following, offset))
        for level in reversed(levels):
            level.tiles.seek(0)
            shutil.copyfileobj(level.tiles, file, 1 << 20)


def _tile_offsets(levels: Sequence[Level], start: int) -> list[np.ndarray]:
    """Where each level's tiles begin, behind their leaders; the coarsest level lies first."""
    offsets: list[np.ndarray] = []
    for level in reversed(levels):
        framed_sizes = np.asarray(level.sizes, np.int64) + _LEADER_BYTES + _TRAILER_BYTES
        ends = start + np.cumsum(framed_sizes)
        offsets.insert(0, ends - framed_sizes + _LEADER_BYTES)
        start = int(ends[-1])
    return offsets


@dataclass(frozen=True)
class _Directory:
    """An image file directory whose tile offsets are not known yet. entries: tag -> (type, values), by tag."""

    entries: dict[int, tuple[int, Sequence[float] | bytes | np.ndarray]]
    big: bool

    @property
    def size_bytes(self) -> int:
        """With everything it points to, tile offsets and sizes too."""
        return self._table_bytes + sum(
            _even(size) for kind, values in self.entries.values() if (size := _size(kind, values)) > self._inline_bytes
        )

    @property
    def _inline_bytes(self) -> int:
        return 8 if self.big else 4

    @property
    def _table_bytes(self) -> int:
        return 8 + 20 * len(self.entries) + 8 if self.big else 2 + 12 * len(self.entries) + 4

    def packed(self, start: int, following: int, tile_offsets: np.ndarray) -> bytes:
        """The bytes of the directory when it lies at `start` and the next one at `following`."""
        count, entry, link = ("<Q", "<HHQ", "<Q") if self.big else ("<H", "<HHI", "<I")
        table, outside = struct.pack(count, len(self.entries)), b""
        for tag, (kind, values) in sorted((self.entries | {_TILE_OFFSETS: (self._offset_type, tile_offsets)}).items()):
            data = _packed(kind, values)
            table += struct.pack(entry, tag, kind, len(values))
            if len(data) <= self._inline_bytes:
                table += data.ljust(self._inline_bytes, b"\0")
            else:
                table += struct.pack(link, start + self._table_bytes + len(outside))
                outside += data.ljust(_even(len(data)), b"\0")
        return table + struct.pack(link, following) + outside

    @property
    def _offset_type(self) -> int:
        return _LONG8 if self.big else _LONG


_TILE_OFFSETS = 324


def _directory(
    grid: Grid,
    level: Level,
    overview: bool,
    palette: np.ndarray | None,
    tags: Mapping[str, str],
    big: bool,
    bands: int,
) -> _Directory:
    entries: dict[int, tuple[int, Sequence[float] | bytes | np.ndarray]] = {
        254: (_LONG, [1 if overview else 0]),  # NewSubfileType: reduced resolution
        256: (_LONG, [level.width]),
        257: (_LONG, [level.height]),
        258: (_SHORT, [8] * bands),  # BitsPerSample
        259: (_SHORT, [8]),  # Compression: Adobe DEFLATE
        262: (_SHORT, [1 if palette is None else 3]),  # PhotometricInterpretation: grey or palette
        277: (_SHORT, [bands]),  # SamplesPerPixel
        284: (_SHORT, [1 if bands == 1 else 2]),  # PlanarConfiguration: one band after another
        322: (_SHORT, [TILE_PX]),
        323: (_SHORT, [TILE_PX]),
        _TILE_OFFSETS: (_LONG8 if big else _LONG, np.zeros(len(level.sizes), np.int64)),
        325: (_LONG, np.asarray(level.sizes)),  # TileByteCounts
        339: (_SHORT, [1] * bands),  # SampleFormat: unsigned
        42113: (_ASCII, b"0\0"),  # GDAL_NODATA
    }
    if bands > 1:
        entries[338] = (_SHORT, [0] * (bands - 1))  # ExtraSamples: of no kind that TIFF knows
    if palette is not None:
        entries[320] = (_SHORT, palette[:, :3].T.astype(np.uint16).ravel() * 257)  # ColorMap, 16 bits a colour
    if not overview:
        entries |= {
            33550: (_DOUBLE, [grid.resolution_m, grid.resolution_m, 0.0]),  # ModelPixelScale
            33922: (_DOUBLE, [0.0, 0.0, 0.0, grid.left, grid.top, 0.0]),  # ModelTiepoint
            # GeoKeyDirectory 1.1.0 of three keys: projected model, pixels are areas, EPSG code.
            34735: (_SHORT, [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, grid.epsg]),
        }
        if tags:
            entries[42112] = (_ASCII, _metadata(tags))  # GDAL_METADATA
    return _Directory(entries, big)


def _metadata(tags: Mapping[str, str]) -> bytes:
    items = "".join(f'  <Item name={quoteattr(k)} sample="0">{escape(v)}</Item>\n' for k, v in tags.items())
    return f"<GDALMetadata>\n{items}</GDALMetadata>\n".encode() + b"\0"


def _packed(kind: int, values: Sequence[float] | bytes | np.ndarray) -> bytes:
    if isinstance(values, bytes):
        return values
    return np.asarray(values).astype(f"<{np.dtype(_FORMATS[kind]).str[1:]}").tobytes()


def _size(kind: int, values: Sequence[float] | bytes | np.ndarray) -> int:
    return len(values) if isinstance(values, bytes) else struct.calcsize(f"<{_FORMATS[kind]}") * len(values)


def _even(size: int) -> int:
    return size + size % 2
