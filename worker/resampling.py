"""Resampling with weights in fixed point: the same pixel gives the same byte in whatever window it is asked.

Pixels somewhat smaller than the grid's, or larger, are resampled bilinearly; of much smaller ones the mean is taken
over the ground of each of the grid's pixels, since between two of them bilinear weights would skip the others.
"""

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


@dataclass(frozen=True)
class Reach:
    """What consecutive output pixels cover on one axis of a file of smaller pixels. All arrays are (length,).

    first: position of the first of them in the output window. begin, end: edges of what each covers of the file, in
    1/256 of its pixels from its first edge. nearest: the input pixel in which its centre lies.
    """

    first: int
    begin: np.ndarray
    end: np.ndarray
    nearest: np.ndarray

    @classmethod
    def of(cls, position_px: np.ndarray, side_px: float, length: int) -> Reach:
        """The pixels whose centre lies inside a file.

        position_px: as `Axis.of`. side_px: of an output pixel, in pixels of the file.
        """
        inside = np.flatnonzero((position_px >= -_EDGE_PX) & (position_px <= length + _EDGE_PX))
        position_px = position_px[inside]
        edges = [np.rint((position_px + half * side_px) * _ONE).astype(np.int64) for half in (-0.5, 0.5)]
        begin, end = (np.clip(edge, 0, length * _ONE) for edge in edges)
        nearest = np.clip(np.floor(position_px).astype(np.int64), 0, length - 1)
        return cls(int(inside[0]) if inside.size else 0, begin, end, nearest)

    @property
    def is_empty(self) -> bool:
        return self.begin.size == 0

    @property
    def window(self) -> tuple[int, int]:
        """(offset, length) of the input pixels that are needed."""
        offset = int(self.begin[0]) // _ONE
        return offset, -(-int(self.end[-1]) // _ONE) - offset

    @property
    def pixels(self) -> slice:
        """The output pixels inside the file, in their window."""
        return slice(self.first, self.first + self.begin.size)


def mean(band: np.ndarray, rows: Reach, columns: Reach) -> np.ndarray:
    """(height, width) uint8 of the input window `rows.window`, `columns.window` -> uint8 on the output pixels.

    Exact: sums of whole numbers, divided and rounded once.
    """
    sums = _sums(_sums(band.astype(np.int64), rows).T, columns).T
    area = (rows.end - rows.begin)[:, None] * (columns.end - columns.begin)
    rounded: np.ndarray = (2 * sums + area) // (2 * area)
    return rounded.astype(np.uint8)


def _sums(values: np.ndarray, reach: Reach) -> np.ndarray:
    """(n, width) int64 -> (outputs, width): what each output covers of the first axis, in 1/256."""
    none = np.zeros((1, values.shape[1]), np.int64)
    before = np.concatenate([none, np.cumsum(values, axis=0)])
    padded = np.concatenate([values, none])

    def until(edge: np.ndarray) -> np.ndarray:
        edge = edge - reach.window[0] * _ONE
        whole, part = edge // _ONE, edge % _ONE
        summed: np.ndarray = before[whole] * _ONE + padded[whole] * part[:, None]
        return summed

    covered: np.ndarray = until(reach.end) - until(reach.begin)
    return covered


def nearest(mask: np.ndarray, rows: Axis | Reach, columns: Axis | Reach) -> np.ndarray:
    """As `bilinear`, for values that cannot be mixed."""
    taken: np.ndarray = mask[np.ix_(rows.nearest - rows.window[0], columns.nearest - columns.window[0])]
    return taken
