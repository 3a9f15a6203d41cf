"""Palette PNG, written by ourselves (PNG, third edition, sections 5 and 11): pixels and palette never meet.

The image data (IDAT) of a tile holds values; which colour a value has, and whether it shows, is in two small chunks
before it. So one encoded picture serves every palette, class filter and opacity.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

import deflate
import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LEVEL = 5  # of libdeflate, 1-12: beyond it, time grows faster than size falls on class maps (decision 0009)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


_END = _chunk(b"IEND", b"")


def encode(values: np.ndarray) -> bytes:
    """The IDAT chunk of a (height, width) uint8 picture."""
    height, width = values.shape
    # Each row is preceded by its filter type: 0, none, is the best for palette pictures (section 12.7).
    rows = np.zeros((height, width + 1), np.uint8)
    rows[:, 1:] = values
    return _chunk(b"IDAT", bytes(deflate.zlib_compress(rows.tobytes(), _LEVEL)))


@lru_cache(maxsize=512)
def encode_constant(value: int, px: int) -> bytes:
    """The IDAT chunk of a square picture of one value."""
    return encode(np.full((px, px), value, np.uint8))


def header(palette: np.ndarray, px: int) -> bytes:
    """All that precedes the image data of a square picture. palette: (n, 4) uint8 RGBA, n ≤ 256, index = value."""
    used = max(1, int(np.flatnonzero(palette.any(axis=1)).max(initial=0)) + 1)
    colours, alpha = palette[:used, :3], palette[:used, 3]
    # Entries beyond the end of tRNS are opaque.
    opaque_from = int(np.flatnonzero(alpha < 255).max(initial=-1)) + 1
    start = _SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", px, px, 8, 3, 0, 0, 0))
    transparency = _chunk(b"tRNS", alpha[:opaque_from].tobytes()) if opaque_from else b""
    return start + _chunk(b"PLTE", colours.tobytes()) + transparency


def assemble(head: bytes, idat: bytes) -> bytes:
    """The file."""
    return head + idat + _END
