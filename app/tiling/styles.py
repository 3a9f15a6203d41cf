"""Styles: how the values of a tile become colours."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from app.definitions import nomenclature

# Five colours of matplotlib's viridis (CC0), evenly spaced: lightness grows steadily, also for colour-blind readers.
_RAMP = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
_PALE = (224, 224, 224)
"""Of the classes around an isolated one: paler than every class but snow, and without hue."""


class Style(StrEnum):
    """normal: the official colours of the classes. colour-blind: colours that also readers without red or green
    cones tell apart. confidence: the network's confidence, dark = uncertain."""

    NORMAL = "normal"
    COLOUR_BLIND = "colour-blind"
    CONFIDENCE = "confidence"

    @property
    def shows_classes(self) -> bool:
        return self is not Style.CONFIDENCE


class Look(NamedTuple):
    """All that decides the colours of a tile, and nothing that decides its pixels.

    classes: the class values that show, None for all; the others are transparent. isolate: the class value that keeps
    its colour while the others turn pale. opacity_percent: 0-100, of everything that shows.
    """

    style: Style = Style.NORMAL
    classes: frozenset[int] | None = None
    isolate: int | None = None
    opacity_percent: int = 100


@lru_cache(maxsize=1024)
def palette_of(look: Look, nomenclature_id: str) -> np.ndarray:
    """(256, 4) uint8 RGBA, read-only, index = value: 0, and classes outside of `look.classes`, are transparent.

    A nomenclature without colour-blind colours shows its official ones.
    """
    palette = _colours(look.style, nomenclature_id).copy()
    if look.isolate is not None:
        shown = palette[:, 3] > 0
        shown[look.isolate] = False
        palette[shown, :3] = _PALE
    if look.classes is not None:
        palette[[value for value in range(256) if value not in look.classes], 3] = 0
    palette[:, 3] = np.rint(palette[:, 3] * (look.opacity_percent / 100))
    palette.setflags(write=False)
    return palette


def _colours(style: Style, nomenclature_id: str) -> np.ndarray:
    if style is Style.CONFIDENCE:
        return _confidence_palette()
    classes = nomenclature(nomenclature_id)
    return classes.colour_blind_palette if style is Style.COLOUR_BLIND else classes.palette


def _confidence_palette() -> np.ndarray:
    anchors = np.linspace(1, 255, len(_RAMP))
    values = np.arange(256)
    palette = np.full((256, 4), 255, np.uint8)
    for channel in range(3):
        palette[:, channel] = np.rint(np.interp(values, anchors, [colour[channel] for colour in _RAMP]))
    palette[0] = 0
    return palette
