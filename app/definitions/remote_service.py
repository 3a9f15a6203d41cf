"""A map server whose pictures and heights are input imagery: what is asked of it, and how politely.

Written by operators or shipped; nothing in it ever comes from a caller.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from app.definitions.roles import Role


class MapProtocol(StrEnum):
    """What the server speaks: OGC Web Map Service (GetMap) or Web Map Tile Service (GetTile, by key and value)."""

    WMS = "wms"
    WMTS = "wmts"


class Pixels(StrEnum):
    """What a pixel of a layer is: bytes of a picture or counts of height, or metres as 32-bit floats."""

    BYTES = "bytes"
    METRES = "metres"


PNG: Final = "image/png"
JPEG: Final = "image/jpeg"
TIFF: Final = "image/tiff"
GEOTIFF: Final = "image/geotiff"
BIL: Final = "image/x-bil;bits=32"
"""Rows of little-endian floats from the north, without a header: the Géoplateforme's format of heights."""

_FORMATS: Final = {Pixels.BYTES: (PNG, TIFF, GEOTIFF, JPEG), Pixels.METRES: (BIL, GEOTIFF, TIFF)}
_NAME = r"^[\w.:() /-]{1,200}$"


class RemoteLayer(BaseModel):
    """A layer of the server and the role it plays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    layer: str = Field(pattern=_NAME, description="Its name on the server.")
    style: str = Field("", pattern=r"^[\w.:() /-]{0,200}$", description="Empty: the server's default.")
    format: str = PNG
    pixels: Pixels = Pixels.BYTES
    fill: int | None = Field(None, ge=0, le=255, description="Byte that stands, in all bands, for no imagery.")
    valid_m: tuple[float, float] = Field((-500.0, 9000.0), description="Metres beyond these are no heights.")
    resolution_m: float | None = Field(
        None, ge=0.2, le=10, description="Side of the layer's own pixels, for metres. Unset: the prediction grid's."
    )
    phase_m: float = Field(0.0, ge=0, lt=10, description="How far right and up of the grid's origin those begin.")
    cell_px: int = Field(1024, ge=64, le=4096, description="Side of what is asked at a time; of a tile, for WMTS.")
    tile_matrix_set: str | None = Field(None, pattern=_NAME)
    tile_matrix: str | None = Field(None, pattern=_NAME, description="The level whose pixels are the grid's.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.format not in _FORMATS[self.pixels]:
            raise ValueError(f"format: {self.pixels} come as {', '.join(_FORMATS[self.pixels])}")
        if self.pixels == Pixels.METRES and self.role not in (Role.HEIGHT, Role.SURFACE, Role.TERRAIN):
            raise ValueError(f"pixels: the role {self.role} has bytes, not metres")
        if self.pixels == Pixels.BYTES and self.role in (Role.SURFACE, Role.TERRAIN):
            raise ValueError(f"pixels: the role {self.role} has metres, not bytes")
        if self.pixels == Pixels.BYTES and (self.resolution_m is not None or self.phase_m):
            raise ValueError("resolution_m: bytes are asked on the pixels of the prediction grid")
        return self


class RemoteService(BaseModel):
    """Where the server is, its layers, and the limits we keep to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    protocol: MapProtocol = MapProtocol.WMS
    url: str = Field(max_length=500, description="Address of the service; a query in it (map=…) is sent along.")
    version: str = Field("1.3.0", pattern=r"^1\.(0\.0|1\.1|3\.0)$")
    layers: tuple[RemoteLayer, ...] = Field(min_length=1, max_length=len(Role))
    requests_per_s: float = Field(5.0, gt=0, le=40, description="Most requests a second to its host, of a process.")
    parallel: int = Field(4, ge=1, le=16, description="Most requests at a time to its host, of a process.")
    timeout_s: float = Field(30.0, gt=0, le=60, description="Longest silence of the server before a request ends.")
    edition: str = Field("", max_length=64, description="Changed by the operator to have everything read anew.")

    @property
    def fingerprint(self) -> str:
        """Short hash over all of it: the version of a source that is read from this server."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]

    def layer(self, role: Role) -> RemoteLayer:
        return next(layer for layer in self.layers if layer.role == role)

    @field_validator("url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.fragment:
            raise ValueError("expected https://host/path, or http, without user, password and fragment")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        roles = [layer.role for layer in self.layers]
        if len(set(roles)) < len(roles):
            raise ValueError("layers: each role is played by one layer")
        if Role.STACK in roles:
            raise ValueError("layers: the roles of a server's layers are rgb, irc, height, surface and terrain")
        if self.protocol == MapProtocol.WMS:
            if self.version == "1.0.0":
                raise ValueError("version: WMS is spoken as 1.3.0 or 1.1.1")
            return self
        if self.version != "1.0.0":
            raise ValueError("version: WMTS is spoken as 1.0.0")
        for layer in self.layers:
            if layer.pixels != Pixels.BYTES or layer.tile_matrix_set is None or layer.tile_matrix is None:
                raise ValueError("layers: tiles hold bytes, and need tile_matrix_set and tile_matrix")
        return self
