"""An imagery source: where input pixels come from."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.definitions.extra_input import ExtraInput
from app.definitions.photographs import Photographs
from app.definitions.remote_service import RemoteService
from app.definitions.roles import ROLE_BANDS, Band, Role, bands_of_roles
from app.definitions.satellite_series import SatelliteSeries

_FOLDER = Path(__file__).with_name("imagery_sources")


class ImagerySource(BaseModel):
    """Definition of one source. Its files are rows of the database, or it has none and names the server to ask."""

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
    resolution_m: float | None = Field(None, description="Side of its pixels, where that is not the grid's; metres.")
    scale: tuple[float, float] | None = Field(None, description="What becomes byte 0 and byte 255 of 16-bit pictures.")
    stack_bands: tuple[Band, ...] = Field(ROLE_BANDS[Role.STACK], description="Bands of its stacks, in file order.")
    service: RemoteService | None = Field(None, description="The map server it is read from, instead of files.")
    series: SatelliteSeries | None = Field(None, description="The Sentinel-2 series it has beside its pictures.")

    photographs: Photographs | None = Field(None, description="How its pictures were taken, where one flight took all.")

    @model_validator(mode="after")
    def _extras_of_files(self) -> Self:
        if self.service is not None and self.extra_inputs:
            raise ValueError("a series and the facts of photographs are those of files, and this is a map server")
        return self

    @model_validator(mode="after")
    def _bands_of_its_layers(self) -> Self:
        if self.service is not None and self.bands != bands_of_roles([layer.role for layer in self.service.layers]):
            raise ValueError("bands: expected those that the layers of the service give")
        return self

    @property
    def extra_inputs(self) -> tuple[ExtraInput, ...]:
        """What it gives to networks that need more than bands."""
        given = {ExtraInput.METADATA: self.photographs, ExtraInput.SERIES: self.series}
        return tuple(each for each, value in given.items() if value is not None)

    def order(self, role: Role) -> tuple[Band, ...]:
        """The bands of a file of that role, in file order."""
        return self.stack_bands if role == Role.STACK else ROLE_BANDS[role]

    @classmethod
    def of_service(cls, document: dict[str, Any]) -> Self:
        """A source that is read from a map server, from its definition: bands and version follow from the service.

        Raises pydantic's ValidationError.
        """
        service = RemoteService.model_validate(document.get("service"))
        bands = bands_of_roles([layer.role for layer in service.layers])
        return cls.model_validate({"resampled": True, **document, "bands": bands, "version": service.fingerprint})


@lru_cache
def shipped_imagery_sources() -> dict[str, ImagerySource]:
    """The sources that need nothing but a way to their server, by id."""
    documents = (json.loads(path.read_text(encoding="utf-8")) for path in sorted(_FOLDER.glob("*.json")))
    return {source.id: source for source in map(ImagerySource.of_service, documents)}
