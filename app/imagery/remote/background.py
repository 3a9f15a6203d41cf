"""A map server's pictures as background of the map: each tile is asked in the tile's own projection."""

from __future__ import annotations

import time

import numpy as np

from app.definitions import ImagerySource, Role
from app.definitions.remote_service import MapProtocol
from app.errors import ImageryRefused, Unavailable
from app.imagery.remote.answers import CellPixels, decode
from app.imagery.remote.client import MapClient
from app.tiling.grids import TileGrid

_PATIENCE_S = 8.0
_MOST_BYTES = 4_000_000


def picture(source: ImagerySource, role: Role, tile: TileGrid) -> CellPixels | None:
    """Bands of the role on the tile's pixels; None where the source's server draws no other grid than its own (WMTS).

    Not kept here, and asked once: a viewer that moved on wants other tiles. Raises Unavailable.
    """
    service = source.service
    if service is None or service.protocol != MapProtocol.WMS:
        return None
    layer = service.layer(role).model_copy(update={"cell_px": tile.px})
    crs = "CRS" if service.version == "1.3.0" else "SRS"
    parameters = {
        "SERVICE": "WMS",
        "REQUEST": "GetMap",
        "VERSION": service.version,
        "LAYERS": layer.layer,
        "STYLES": layer.style,
        crs: f"EPSG:{tile.epsg}",
        "BBOX": ",".join(f"{side:.4f}" for side in tile.bounds),
        "WIDTH": str(tile.px),
        "HEIGHT": str(tile.px),
        "FORMAT": layer.format,
    }
    until = time.monotonic() + _PATIENCE_S
    try:
        found = MapClient(source, service).get(
            parameters, lambda answer: decode(answer, layer), most_bytes=_MOST_BYTES, until=until, tries=1
        )
    except ImageryRefused as error:  # the operator's fault, not that of who looks
        raise Unavailable(error.message) from error
    if layer.fill is None:
        return found
    return CellPixels(found.values, found.seen & ~(found.values == np.uint8(layer.fill)).all(axis=0))
