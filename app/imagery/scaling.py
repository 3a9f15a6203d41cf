"""Pictures of more than 8 bits, brought to bytes by the range their operator stated: never by what a window holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.definitions import Band


def to_bytes(values: np.ndarray, bands: Sequence[Band], scale: tuple[float, float] | None) -> np.ndarray:
    """(bands, height, width) of any numbers -> uint8; bytes stay as they are.

    scale: what becomes 0 and 255, linear between and saturated beyond. Heights (E) are counts and not scaled, only
    saturated. NaN becomes 0.
    """
    if values.dtype == np.uint8:
        return values
    low, high = scale or (0.0, 255.0)
    result = np.empty(values.shape, np.uint8)
    for position, (band, numbers) in enumerate(zip(bands, values, strict=True)):
        known = np.nan_to_num(numbers.astype(np.float64), nan=low)
        counts = known if band == Band.E else (known - low) * 255 / (high - low)
        result[position] = np.clip(np.rint(counts), 0, 255)
    return result
