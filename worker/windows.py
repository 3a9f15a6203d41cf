"""The patches of a forward pass: how a raster with a margin around it is cut, and what of each cut is kept.

The layout depends on the raster's size and the card only, so that equal input gives equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np


class Box(NamedTuple):
    """A pixel rectangle of a raster."""

    row: int
    column: int
    height: int
    width: int


class Centre(NamedTuple):
    """The middle of a patch in a raster without its margin, in halves of a pixel from the top left corner."""

    row_2: int
    column_2: int


class Patch(NamedTuple):
    """What one forward pass sees and what it keeps, in pixels.

    read: in the raster with its margin. keep: in the raster without it; the part read begins `margin_px` above and
    left of the part kept.
    """

    read: Box
    keep: Box

    @property
    def centre(self) -> Centre:
        """Of both: the margin is as wide on every side."""
        row, column, height, width = self.keep
        return Centre(2 * row + height, 2 * column + width)


def patches(box: Box, margin_px: int, window_px: int) -> Iterator[Patch]:
    """Patches that cover a box of a raster without its margin, each pixel kept exactly once."""
    for row in range(box.row, box.row + box.height, window_px):
        for column in range(box.column, box.column + box.width, window_px):
            kept_height = min(window_px, box.row + box.height - row)
            kept_width = min(window_px, box.column + box.width - column)
            yield Patch(
                read=Box(row, column, kept_height + 2 * margin_px, kept_width + 2 * margin_px),
                keep=Box(row, column, kept_height, kept_width),
            )


def groups(patches: Iterable[Patch], most: int) -> Iterator[list[Patch]]:
    """The patches in groups of one size read, each of `most` at most, for forward passes of several at once."""
    of_size: dict[tuple[int, int], list[Patch]] = {}
    for patch in patches:
        of_size.setdefault(patch.read[2:], []).append(patch)
    for same in of_size.values():
        for first in range(0, len(same), most):
            yield same[first : first + most]


def box_of(valid: np.ndarray, stride_px: int) -> Box:
    """The smallest box that holds all imagery; its corner is a multiple of the network's stride.

    valid: (height, width) bool, without the margin. Without any imagery the box is empty.
    """
    rows, columns = np.flatnonzero(valid.any(axis=1)), np.flatnonzero(valid.any(axis=0))
    if not rows.size:
        return Box(0, 0, 0, 0)
    # Aligned: a pooling that begins elsewhere is another network's.
    row, column = int(rows[0]) // stride_px * stride_px, int(columns[0]) // stride_px * stride_px
    return Box(row, column, int(rows[-1]) + 1 - row, int(columns[-1]) + 1 - column)


def grown_to_whole_patches(box: Box, window_px: int, height: int, width: int) -> Box:
    """A box with its sides on the grid of patches that covers a raster of height x width from its corner."""
    row, column = box.row // window_px * window_px, box.column // window_px * window_px
    bottom = min(height, -(-(box.row + box.height) // window_px) * window_px)
    right = min(width, -(-(box.column + box.width) // window_px) * window_px)
    return Box(row, column, bottom - row, right - column)


def part_of(array: np.ndarray, box: Box) -> np.ndarray:
    """A box of a (..., height, width) array, as a view."""
    row, column, height, width = box
    part: np.ndarray = array[..., row : row + height, column : column + width]
    return part


def padding_to(stride_px: int, height: int, width: int) -> tuple[int, int]:
    """Rows to add below and columns to add at the right so that both sizes are multiples of the stride."""
    return -height % stride_px, -width % stride_px
