"""What a WMTS client asks for, checked against what is offered: by key-value pairs and by path alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request

from app.api.wmts_capabilities import INFO_FORMATS, OPERATIONS, SECTIONS, limits, offered_sets
from app.api.wmts_faults import Fault, invalid, missing, out_of_range, unsupported
from app.catalogue import Catalogue, Layer
from app.definitions.tile_matrix_set import TileMatrix, TileMatrixSet
from app.errors import Unknown
from app.tiling import Style

VERSION = "1.0.0"

PAIR_NAMES = (
    *("Service", "Request", "Version", "AcceptVersions", "AcceptFormats", "Sections", "Layer", "Style", "Format"),
    *("TileMatrixSet", "TileMatrix", "TileRow", "TileCol", "InfoFormat", "I", "J"),
)
"""Names of pairs in the standard's spelling."""

_SHOWN_CHARACTERS = 60

_OTHER_OPERATIONS = frozenset(
    ("GetMap", "GetLegendGraphic", "DescribeLayer", "GetStyles", "PutStyles", "DescribeDomains", "GetCoverage")
)
"""What clients of WMS, of WMTS extensions and of WCS ask for."""


@dataclass(frozen=True)
class TileRequest:
    """A tile that exists within the limits of a layer."""

    layer: Layer
    style: Style
    tms: TileMatrixSet
    matrix: TileMatrix
    column: int
    row: int


class Pairs:
    """Key-value pairs of a query. Names are compared without case; values are not (OGC 06-121r3, 11.5.2).

    Names that are not the standard's are let pass, as it asks: clients and proxies add their own. One that comes
    twice raises Fault, whatever the values: which of them was meant is anybody's guess.
    """

    def __init__(self, request: Request) -> None:
        self._values: dict[str, str] = {}
        known = {name.lower(): name for name in PAIR_NAMES}
        for name, value in request.query_params.multi_items():
            if name.lower() in self._values:
                shown = known.get(name.lower(), name[:_SHOWN_CHARACTERS])
                raise Fault("InvalidParameterValue", shown, f"{shown} may come once only")
            self._values[name.lower()] = value

    def __bool__(self) -> bool:
        return bool(self._values)

    def find(self, name: str) -> str | None:
        """The value, None where the name is absent. Raises Fault where it is empty."""
        value = self._values.get(name.lower())
        if value == "":
            raise missing(name)
        return value

    def require(self, name: str) -> str:
        """Raises Fault where it is absent or empty."""
        value = self.find(name)
        if value is None:
            raise missing(name)
        return value

    def require_one_of(self, name: str, allowed: tuple[str, ...]) -> str:
        value = self.require(name)
        if value not in allowed:
            raise invalid(name, ", ".join(allowed))
        return value


def operation(pairs: Pairs) -> str:
    """The operation that is asked for. Raises Fault.

    An operation that exists elsewhere is not supported here (501); any other word is an invalid value (400), which is
    also what the conformance tests of WMTS ask for.
    """
    service = pairs.require("Service")
    asked = pairs.require("Request")
    # QGIS' WMS dialogue asks so whatever it was given; what is offered here is the WMTS.
    if service not in ("WMTS", "WMS") or (service == "WMS" and asked != "GetCapabilities"):
        raise invalid("Service", "WMTS")
    if asked in _OTHER_OPERATIONS:
        raise unsupported(asked)
    if asked not in OPERATIONS:
        raise invalid("Request", ", ".join(OPERATIONS))
    return asked


def sections(pairs: Pairs) -> tuple[str, ...]:
    """The sections of the capabilities that are asked for. Raises Fault.

    AcceptFormats decides nothing: a server that has none of them answers with XML (OGC 06-121r3, 7.3.5).
    """
    versions = pairs.find("AcceptVersions")
    if versions is not None and VERSION not in versions.split(","):
        raise Fault("VersionNegotiationFailed", None, f"this service speaks version {VERSION} only")
    asked = pairs.find("Sections")
    if asked is None:
        return SECTIONS
    names = asked.split(",")
    if not set(names) <= {*SECTIONS, "All"}:
        raise invalid("Sections", ", ".join((*SECTIONS, "All")))
    return SECTIONS if "All" in names else tuple(names)


def tile_by_pairs(catalogue: Catalogue, pairs: Pairs) -> TileRequest:
    """The tile of a GetTile or GetFeatureInfo. Raises Fault."""
    if pairs.require("Version") != VERSION:
        raise invalid("Version", VERSION)
    names = ("Layer", "Style", "Format", "TileMatrixSet", "TileMatrix", "TileRow", "TileCol")
    values = {name: pairs.require(name) for name in names}
    if values["Format"] != "image/png":
        raise invalid("Format", "image/png")
    return tile(catalogue, values)


def tile(catalogue: Catalogue, values: Mapping[str, str]) -> TileRequest:
    """The tile that those values name. Raises Fault with the parameter that is wrong."""
    try:
        layer = catalogue.layer(values["Layer"])
    except Unknown as error:
        raise Fault("InvalidParameterValue", "Layer", error.message) from error
    if values["Style"] not in [style.value for style in layer.styles]:
        raise invalid("Style", ", ".join(layer.styles))
    sets = {tms.id: tms for tms in offered_sets(layer)}
    if values["TileMatrixSet"] not in sets:
        raise invalid("TileMatrixSet", ", ".join(sets))
    tms = sets[values["TileMatrixSet"]]
    try:
        matrix = tms.matrix(values["TileMatrix"])
    except Unknown as error:
        raise Fault("InvalidParameterValue", "TileMatrix", error.message) from error
    row, column = number("TileRow", values["TileRow"]), number("TileCol", values["TileCol"])
    inside = limits(layer, tms, matrix)
    if not inside.first_row <= row <= inside.last_row:
        raise out_of_range("TileRow", inside.first_row, inside.last_row)
    if not inside.first_column <= column <= inside.last_column:
        raise out_of_range("TileCol", inside.first_column, inside.last_column)
    return TileRequest(layer, Style(values["Style"]), tms, matrix, column, row)


def info_format(pairs: Pairs) -> str:
    return pairs.require_one_of("InfoFormat", tuple(INFO_FORMATS))


def pixel(tile_px: int, i: str, j: str) -> tuple[int, int]:
    """Column and row of a pixel in a tile. Raises Fault."""
    column, row = number("I", i), number("J", j)
    for name, value in (("I", column), ("J", row)):
        if value >= tile_px:
            raise Fault("PointIJOutOfRange", name, f"{name} is outside of the tile, which has 0 to {tile_px - 1}")
    return column, row


def number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise invalid(name, "whole numbers, 0 or more")
    return int(text)
