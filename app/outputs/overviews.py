"""Overviews: which a raster gets, and how four pixels become one."""

from __future__ import annotations

import numpy as np

_SMALLEST_PX = 256


def overview_factors(width: int, height: int) -> list[int]:
    """Halvings 2, 4, 8 … until the larger side fits in one tile."""
    factors: list[int] = []
    while max(width, height) > _SMALLEST_PX * (factors[-1] if factors else 1):
        factors.append(2 * factors[-1] if factors else 2)
    return factors


def halved_by_mode(values: np.ndarray) -> np.ndarray:
    """The most frequent class of each 2 × 2 pixels; of equally frequent ones the first in reading order.

    values: (height, width) uint8, both even; 0 is nodata and has no vote, so that only four of it give nodata.
    """
    upper = np.ascontiguousarray(values[0::2]).view("<u2")
    lower = np.ascontiguousarray(values[1::2]).view("<u2")
    mode = upper.astype(np.uint8)
    # In land cover most squares are of one class: only the others are looked at pixel by pixel.
    mixed = np.flatnonzero((upper != lower) | (upper >> 8 != mode) | (mode == 0))
    a, b = _bytes(upper.ravel()[mixed])
    c, d = _bytes(lower.ravel()[mixed])
    found = np.where(a != 0, a, np.where(b != 0, b, np.where(c != 0, c, d)))
    found = np.where((c != 0) & (c == d), c, found)
    found = np.where((b != 0) & ((b == c) | (b == d)), b, found)
    found = np.where((a != 0) & ((a == b) | (a == c) | (a == d)), a, found)
    mode.ravel()[mixed] = found
    return mode


def halved_by_mean(values: np.ndarray) -> np.ndarray:
    """The mean of each 2 × 2 pixels, halves rounded up; nodata (0) does not count.

    values: (height, width) uint8, both even.
    """
    wide = values.astype(np.uint16)
    rows = wide[0::2] + wide[1::2]
    total = rows[:, 0::2] + rows[:, 1::2]
    mean = ((total + 2) >> 2).astype(np.uint8)
    if not values.all():
        valid = (values != 0).view(np.uint8)
        count = valid[0::2, 0::2] + valid[0::2, 1::2] + valid[1::2, 0::2] + valid[1::2, 1::2]
        # Division is slow, and hardly anywhere is a part of a square without data.
        partly = np.flatnonzero((count > 0) & (count < 4))
        sums, counts = total.ravel()[partly], count.ravel()[partly]
        mean.ravel()[partly] = (2 * sums + counts) // (2 * counts)
    return mean


def _bytes(pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left and right pixel of little-endian pairs."""
    return pairs.astype(np.uint8), (pairs >> 8).astype(np.uint8)
