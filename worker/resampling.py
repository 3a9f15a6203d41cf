"""Bilinear resampling, weights in fixed point: the same pixel gives the same byte in whatever window it is asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_ONE = 256  # weights are 8-bit fractions
_EDGE_PX = 1e-3  # a pixel centre on the edge of a file belongs to it in spite of rounding


@dataclass(frozen=True)
class Axis:
    """Where consecutive output pixels lie on one axis of a file. All arrays are (length,).

    first: position of the first of them in the output window. lower, upper: the two input pixels between whose
    centres each lies, the outermost repeated. weight: of the upper one, in 1/256. nearest: the one it lies in.
    """

    first: int
    lower: np.ndarray
    upper: np.ndarray
    weight: np.ndarray
    nearest: np.ndarray

    @classmethod
    def of(cls, position_px: np.ndarray, length: int) -> Axis:
        """The pixels that lie inside a file.

        position_px: increasing positions of the centres of output pixels, in pixels from the file's first edge.
        length: of the file, in pixels.
        """
        inside = np.flatnonzero((position_px >= -_EDGE_PX) & (position_px <= length + _EDGE_PX))
        position_px = position_px[inside]
        fixed = np.rint((position_px - 0.5) * _ONE).astype(np.int64)
        lower, weight = fixed // _ONE, fixed % _ONE
        last = length - 1
        return cls(
            int(inside[0]) if inside.size else 0,
            np.clip(lower, 0, last),
            np.clip(lower + 1, 0, last),
            weight,
            np.clip(np.floor(position_px).astype(np.int64), 0, last),
        )

    @property
    def is_empty(self) -> bool:
        return self.lower.size == 0

    @property
    def window(self) -> tuple[int, int]:
        """(offset, length) of the input pixels that are needed."""
        return int(self.lower[0]), int(self.upper[-1] - self.lower[0] + 1)

    @property
    def pixels(self) -> slice:
        """The output pixels inside the file, in their window."""
        return slice(self.first, self.first + self.lower.size)


def bilinear(band: np.ndarray, rows: Axis, columns: Axis) -> np.ndarray:
    """(height, width) uint8 of the input window `rows.window`, `columns.window` -> uint8 on the output pixels."""
    top, left = rows.window[0], columns.window[0]
    down = rows.weight.astype(np.uint16)[:, None]
    blended = band[rows.lower - top] * (_ONE - down) + band[rows.upper - top] * down
    right = columns.weight.astype(np.uint32)
    sums = blended[:, columns.lower - left] * (_ONE - right) + blended[:, columns.upper - left] * right
    rounded: np.ndarray = (sums + _ONE * _ONE // 2) >> 16
    return rounded.astype(np.uint8)


def bilinear_metres(heights: np.ndarray, rows: Axis, columns: Axis) -> np.ndarray:
    """As `bilinear`, for (height, width) float64 in metres; NaN where any of the pixels that count is NaN."""
    top, left = rows.window[0], columns.window[0]
    blended = _blend(heights[rows.lower - top], heights[rows.upper - top], rows.weight[:, None] / _ONE)
    return _blend(blended[:, columns.lower - left], blended[:, columns.upper - left], columns.weight / _ONE)


def _blend(lower: np.ndarray, upper: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """A weight of 0 takes the lower as it is: NaN times 0 would be NaN."""
    blended: np.ndarray = np.where(weight == 0, lower, lower * (1 - weight) + upper * weight)
    return blended


def nearest(mask: np.ndarray, rows: Axis, columns: Axis) -> np.ndarray:
    """As `bilinear`, for values that cannot be mixed."""
    taken: np.ndarray = mask[np.ix_(rows.nearest - rows.window[0], columns.nearest - columns.window[0])]
    return taken
