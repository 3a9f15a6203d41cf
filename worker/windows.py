"""The patches of a forward pass: how a raster with a margin around it is cut, and what of each cut is kept.

The layout depends on the raster's size and the card only, so that equal input gives equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Patch(NamedTuple):
    """What one forward pass sees and what it keeps, in pixels.

    read: (row, column, height, width) in the raster with its margin. keep: the same for what is kept, in the
    raster without it; the part read begins `margin_px` above and left of the part kept.
    """

    read: tuple[int, int, int, int]
    keep: tuple[int, int, int, int]


def patches(height: int, width: int, margin_px: int, window_px: int) -> Iterator[Patch]:
    """Patches that cover a raster of (height, width) without its margin, each pixel kept exactly once."""
    for row in range(0, height, window_px):
        for column in range(0, width, window_px):
            kept_height = min(window_px, height - row)
            kept_width = min(window_px, width - column)
            yield Patch(
                read=(row, column, kept_height + 2 * margin_px, kept_width + 2 * margin_px),
                keep=(row, column, kept_height, kept_width),
            )


def padding_to(stride_px: int, height: int, width: int) -> tuple[int, int]:
    """Rows to add below and columns to add at the right so that both sizes are multiples of the stride."""
    return -height % stride_px, -width % stride_px
