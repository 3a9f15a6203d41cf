"""The rows of a block that are worked on together outside a network."""

from __future__ import annotations

from collections.abc import Iterator

import torch

_ROWS_AT_ONCE = 16  # all channels of so many rows stay in a CPU's cache from one operation to the next


def strips(height: int, device: torch.device) -> Iterator[slice]:
    """All rows, in order: a few at a time on a CPU, at once on a GPU."""
    rows = _ROWS_AT_ONCE if device.type == "cpu" else max(1, height)
    return (slice(row, row + rows) for row in range(0, height, rows))
