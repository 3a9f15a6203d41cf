"""Bands of input imagery, and the roles in which files and layers carry them."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Final


class Band(StrEnum):
    """A band of input imagery, as bytes. E: height above ground, 1 count = 0.2 m, saturating at 51 m."""

    R = "R"
    G = "G"
    B = "B"
    NIR = "NIR"
    E = "E"


class Role(StrEnum):
    """What a file or layer of a source carries (BD ORTHO delivers RGB and IRC as separate files)."""

    RGB = "rgb"
    IRC = "irc"
    HEIGHT = "height"
    STACK = "stack"
    SURFACE = "surface"
    TERRAIN = "terrain"


ROLE_BANDS: Final[dict[Role, tuple[Band, ...]]] = {
    Role.RGB: (Band.R, Band.G, Band.B),
    Role.IRC: (Band.NIR, Band.R, Band.G),
    Role.HEIGHT: (Band.E,),
    Role.STACK: (Band.R, Band.G, Band.B, Band.NIR, Band.E),
    Role.SURFACE: (),
    Role.TERRAIN: (),
}
"""Bands of each role's file, in file order. Surface and terrain, heights above the sea, give E together."""

_MODELS: Final = (Role.SURFACE, Role.TERRAIN)


def roles_of(band: Band, there: Collection[Role]) -> tuple[Role, ...]:
    """Which of a source's roles give a band: RGB before IRC for red and green, and a height before models of
    surface and terrain, which are subtracted. None where none does.
    """
    giving = next((role for role in Role if role in there and band in ROLE_BANDS[role]), None)
    if giving is not None:
        return (giving,)
    return _MODELS if band == Band.E and set(_MODELS) <= set(there) else ()


def bands_of_roles(there: Collection[Role]) -> tuple[Band, ...]:
    """What those roles give together, in the order of `Band`."""
    return tuple(band for band in Band if roles_of(band, there))
