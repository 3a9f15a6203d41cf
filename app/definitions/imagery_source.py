"""An imagery source: where input pixels come from."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field


class Band(StrEnum):
    """A band of input imagery, as bytes. E: height above ground, 1 count = 0.2 m, saturating at 51 m."""

    R = "R"
    G = "G"
    B = "B"
    NIR = "NIR"
    E = "E"


class Role(StrEnum):
    """What a file of a source carries (BD ORTHO delivers RGB and IRC as separate files)."""

    RGB = "rgb"
    IRC = "irc"
    HEIGHT = "height"
    STACK = "stack"


ROLE_BANDS: Final[dict[Role, tuple[Band, ...]]] = {
    Role.RGB: (Band.R, Band.G, Band.B),
    Role.IRC: (Band.NIR, Band.R, Band.G),
    Role.HEIGHT: (Band.E,),
    Role.STACK: (Band.R, Band.G, Band.B, Band.NIR, Band.E),
}
"""Bands of each role's file, in file order."""


class ImagerySource(BaseModel):
    """Definition of one registered source; its files are rows of the database."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    title: str
    version: str = Field(description="Changes whenever a file changes; part of the block key.")
    year: int | None = Field(None, ge=1900, le=2200)
    epsg: int
    bands: tuple[Band, ...]
    bbox: tuple[float, float, float, float] = Field(description="(west, south, east, north), degrees, OGC:CRS84.")
    attribution: str = "IGN"
    demonstration: bool = False
    resampled: bool = Field(False, description="Pixels do not lie on the prediction grid and are resampled to it.")
