"""A Sentinel-2 series: what an imagery source may have beside its pictures."""

from __future__ import annotations

from datetime import date
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

SERIES_BANDS: Final = ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12")
"""Bands of each of its images, in file order: reflectance times 10 000."""

SERIES_COVERS: Final = ("snow", "cloud")
"""Bands of the mask of each image, in file order: probability in percent."""


class SatelliteSeries(BaseModel):
    """The dates of a series; its images are rows of the database."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: date
    last: date
    dates: int = Field(ge=1, description="Days with an image.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first > self.last:
            raise ValueError("the first date lies after the last")
        return self

    @property
    def words(self) -> str:
        return f"{self.dates} date{'s' * (self.dates > 1)} from {self.first} to {self.last}"
