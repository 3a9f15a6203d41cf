"""Test-time augmentation: how often, and how turned, a network looks at each patch."""

from __future__ import annotations

from enum import StrEnum


class Augmentation(StrEnum):
    """The symmetries of a square whose predictions are averaged: none, the mirrorings of both axes, or all eight."""

    NONE = "none"
    FLIPS = "flips"
    D4 = "d4"

    @property
    def passes(self) -> int:
        """Forward passes per patch and network, and so the factor of the time a block takes."""
        return {Augmentation.NONE: 1, Augmentation.FLIPS: 4, Augmentation.D4: 8}[self]
