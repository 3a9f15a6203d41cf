"""What of a band's pixels decides how they are stored: how they are halved, and how well they are compressed."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import deflate
import numpy as np

from app.outputs.overviews import halved_by_mean, halved_by_mode
from app.outputs.tiff import TILE_PX


class Kind(NamedTuple):
    """halved: the rule by which four pixels become one, of arrays with even sides. deflate_level: libdeflate's."""

    halved: Callable[[np.ndarray], np.ndarray]
    deflate_level: int


KEPT_LEVEL = 7
"""An eighth less than 6 for 2.6 ms of CPU more per megapixel; beyond it, every twentieth costs as much again."""

CONFIDENCE = Kind(halved_by_mean, 1)
"""Confidence is noise for the most part: 7 would save a twentieth, in two and a half times as long."""


def classes_at(deflate_level: int) -> Kind:
    """Class values, whose overviews hold the most frequent one."""
    return Kind(halved_by_mode, deflate_level)


def in_whole_tiles(side_px: int) -> int:
    """The side of a raster when its last tile is whole."""
    return -(-side_px // TILE_PX) * TILE_PX


def compressed(row: np.ndarray, level: int) -> list[bytes]:
    """Each tile of a (256, n × 256) uint8 as a zlib stream; tiles of one value, which are many, come from memory."""
    tiles = (row[:, column : column + TILE_PX].tobytes() for column in range(0, row.shape[1], TILE_PX))
    return [_compressed_plain(tile[0], level) if tile == _plain(tile[0]) else _deflated(tile, level) for tile in tiles]


@lru_cache(256)
def _plain(value: int) -> bytes:
    return bytes([value]) * TILE_PX**2


@lru_cache(512)
def _compressed_plain(value: int, level: int) -> bytes:
    return _deflated(_plain(value), level)


def _deflated(tile: bytes, level: int) -> bytes:
    return bytes(deflate.zlib_compress(tile, level))
