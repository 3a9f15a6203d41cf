"""The transition matrix of two arrays of values, and what of it lies on borders."""

from __future__ import annotations

import cv2
import numpy as np

# Few enough for their bits to stay in a processor's cache: 2.5 times as fast as a whole window.
_STRIP_ROWS = 128


def count_transitions(before: np.ndarray, after: np.ndarray, mask: np.ndarray | None, halo_px: int) -> np.ndarray:
    """(2, 256, 256) int64: pixels per earlier and later value; then of these, changed ones on a border.

    before: (height + 2 halo_px, width + 2 halo_px) uint8, with what lies around, so that borders do not depend on
    where windows end. after: (height, width) uint8. mask: uint8, not 0 where pixels count; at most 2^24 pixels,
    because OpenCV counts in float32.
    """
    height, width = before.shape
    middle = np.ascontiguousarray(before[halo_px : height - halo_px, halo_px : width - halo_px])
    counts = np.zeros((2, 256, 256), np.int64)
    counts[0] = _pairs(middle, after, mask)
    changed = counts[0].copy()
    changed[0, :], changed[:, 0] = 0, 0
    np.fill_diagonal(changed, 0)
    if changed.any():
        became = np.flatnonzero(changed.any(axis=0)).tolist()
        was_near = _was_near(before, after, became, halo_px)
        counted = was_near if mask is None else cv2.bitwise_and(was_near, mask)
        # Where nothing has changed the class was near as well: such pairs are not of interest.
        counts[1] = np.where(changed > 0, _pairs(middle, after, counted), 0)
    return counts


def _pairs(before: np.ndarray, after: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """(256, 256) pixels per pair of values."""
    pairs: np.ndarray = cv2.calcHist([before, after], [0, 1], mask, [256, 256], [0, 256, 0, 256])
    return pairs


def _was_near(before: np.ndarray, after: np.ndarray, values: list[int], halo_px: int) -> np.ndarray:
    """(height, width) uint8, not 0 where the later value, one of `values`, was within `halo_px` before.

    Sixteen values at a time, each a bit of a number: whether one of them is near is then one OR over the neighbours.
    """
    found = np.zeros(after.shape, np.uint8)
    for start in range(0, len(values), 16):
        bits = np.zeros(256, np.uint16)
        for bit, value in enumerate(values[start : start + 16]):
            bits[value] = 1 << bit
        for row in range(0, len(after), _STRIP_ROWS):
            strip = slice(row, row + _STRIP_ROWS)
            around = cv2.LUT(before[row : row + _STRIP_ROWS + 2 * halo_px], bits)
            near = _any_within(_any_within(around, halo_px, axis=0), halo_px, axis=1)
            found[strip] |= np.not_equal(cv2.bitwise_and(near, cv2.LUT(after[strip], bits)), 0).view(np.uint8)
    return found


def _any_within(bits: np.ndarray, halo_px: int, *, axis: int) -> np.ndarray:
    """Each pixel's bits and those of `halo_px` pixels on both sides along an axis, which is shorter by as many."""
    span, wanted = 1, 2 * halo_px + 1
    while span < wanted:
        step = min(span, wanted - span)  # what holds `span` neighbours, twice
        length = bits.shape[axis] - step
        first, second = (bits[:length], bits[step:]) if axis == 0 else (bits[:, :length], bits[:, step:])
        bits = cv2.bitwise_or(first, second)
        span += step
    return bits
