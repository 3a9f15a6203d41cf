"""How the photographs of an imagery source were taken: what FLAIR's networks with metadata are told of a patch."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

PHOTOGRAPH_YEARS: Final = (2018, 2019, 2020, 2021)
"""Those that the networks were trained on: each is an input of its own, and there is none for others."""

PHOTOGRAPH_EPSG: Final = 2154
"""The networks are told where a patch lies in Lambert-93."""


def _known_year(taken: datetime) -> datetime:
    if taken.year not in PHOTOGRAPH_YEARS:
        first, *_, last = PHOTOGRAPH_YEARS
        raise ValueError(f"networks that are told how photographs were taken know the years {first} to {last}")
    return taken


class Photographs(BaseModel):
    """One flight: the facts of a patch are its own place and these."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    taken: Annotated[datetime, AfterValidator(_known_year)] = Field(
        description="Local date and time, of the middle of the flight; seconds are not looked at."
    )
    camera: str = Field(min_length=1, description="Name in the mission's records, such as UCE-M3-f120-s06.")
    altitude_m: float = Field(ge=-500, le=9000, description="Of the ground, above the sea, metres.")

    @property
    def words(self) -> str:
        return f"taken {self.taken:%Y-%m-%d %H:%M} with {self.camera} over ground at {self.altitude_m:g} m"
