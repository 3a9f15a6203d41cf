"""Styles: how the values of a tile become colours."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

import numpy as np

from app.definitions import nomenclature

# Five colours of matplotlib's viridis (CC0), evenly spaced: lightness grows steadily, also for colour-blind readers.
_RAMP = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))


class Style(StrEnum):
    """normal: the official colours of the classes. confidence: the network's confidence, dark = uncertain."""

    NORMAL = "normal"
    CONFIDENCE = "confidence"


@lru_cache(maxsize=1024)
def palette_bytes(style: Style, nomenclature_id: str, classes: frozenset[int] | None) -> bytes:
    """(256, 4) uint8 RGBA as bytes: index 0 and classes outside of `classes` are transparent."""
    if style is Style.CONFIDENCE:
        return _confidence_palette().tobytes()
    palette = nomenclature(nomenclature_id).palette.copy()
    if classes is not None:
        hidden = [value for value in range(256) if value not in classes]
        palette[hidden, 3] = 0
    return palette.tobytes()


def _confidence_palette() -> np.ndarray:
    anchors = np.linspace(1, 255, len(_RAMP))
    values = np.arange(256)
    palette = np.full((256, 4), 255, np.uint8)
    for channel in range(3):
        palette[:, channel] = np.rint(np.interp(values, anchors, [colour[channel] for colour in _RAMP]))
    palette[0] = 0
    return palette
