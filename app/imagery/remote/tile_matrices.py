"""Whether a level of a tile service has the pixels of the prediction grid, by the service's own capabilities."""

from __future__ import annotations

from xml.etree import ElementTree

from app.definitions import RemoteLayer, prediction_grid
from app.errors import ImageryRefused, Unavailable
from app.imagery.remote.answers import exception_of
from app.imagery.remote.client import Answer

_PX_M = 0.28e-3
"""Side of a pixel at scale 1 (OGC 07-057r7, 6.1)."""
_WMTS = "{http://www.opengis.net/wmts/1.0}"
_OWS = "{http://www.opengis.net/ows/1.1}"
_TOLERANCE_M = 1e-6


def require_matrix(answer: Answer, layer: RemoteLayer, epsg: int) -> None:
    """Raises ImageryRefused where layer, set or level are not there or the level's pixels are not the grid's."""
    grid = prediction_grid(epsg)
    capabilities = _parsed(answer)
    offered = {item.findtext(f"{_OWS}Identifier"): item for item in capabilities.iter(f"{_WMTS}Layer")}
    if layer.layer not in offered:
        raise ImageryRefused(f"it has no layer {layer.layer!r}")
    linked = [link.text for link in offered[layer.layer].iter(f"{_WMTS}TileMatrixSet")]
    if layer.tile_matrix_set not in linked:
        raise ImageryRefused(f"layer {layer.layer!r} has no tiles in {layer.tile_matrix_set!r}")
    matrices = (
        matrix
        for found in capabilities.iter(f"{_WMTS}TileMatrixSet")
        if found.findtext(f"{_OWS}Identifier") == layer.tile_matrix_set
        for matrix in found.iter(f"{_WMTS}TileMatrix")
    )
    level = next((each for each in matrices if each.findtext(f"{_OWS}Identifier") == layer.tile_matrix), None)
    if level is None:
        raise ImageryRefused(f"{layer.tile_matrix_set!r} has no level {layer.tile_matrix!r}")
    try:
        pixel_m = float(level.findtext(f"{_WMTS}ScaleDenominator") or "") * _PX_M
        corner = [float(number) for number in (level.findtext(f"{_WMTS}TopLeftCorner") or "").split()]
        sides = {int(level.findtext(f"{_WMTS}Tile{side}") or "") for side in ("Width", "Height")}
    except ValueError as error:
        raise ImageryRefused(f"level {layer.tile_matrix!r} is not described in numbers") from error
    # Some servers give the corner as y, x.
    at_origin = sorted(corner) == sorted((grid.origin_x, grid.origin_y))
    if abs(pixel_m - grid.resolution_m) > _TOLERANCE_M or not at_origin or sides != {layer.cell_px}:
        raise ImageryRefused(
            f"level {layer.tile_matrix!r} has tiles of {sorted(sides)} pixels of {pixel_m:.4g} m from {corner}:"
            f" expected {layer.cell_px} (cell_px) of {grid.resolution_m} m from {[grid.origin_x, grid.origin_y]};"
            " ask its WMS instead"
        )


def _parsed(answer: Answer) -> ElementTree.Element:
    reported = exception_of(answer.body)
    if reported is not None:
        raise ImageryRefused(f"it says {reported[1]!r} when asked for its capabilities")
    if b"<!ENTITY" in answer.body:
        raise ImageryRefused("its capabilities define entities, which are not read")
    try:
        return ElementTree.fromstring(answer.body)  # noqa: S314 - no entities, bounded
    except ElementTree.ParseError as error:
        raise Unavailable("its capabilities are no XML or were cut short", 0) from error
