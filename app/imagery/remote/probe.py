"""Whether a map server gives what a definition asks of it."""

from __future__ import annotations

import math
import time

import shapely
from shapely.geometry.base import BaseGeometry

from app.aoi import to_grid_crs
from app.definitions import ImagerySource, RemoteLayer, RemoteService
from app.definitions.remote_service import MapProtocol
from app.imagery.remote.answers import decode
from app.imagery.remote.cells import Cell, Lattice, RemoteCells
from app.imagery.remote.client import MapClient
from app.imagery.remote.tile_matrices import require_matrix

_PROBE_PX = 64
_CAPABILITIES_BYTES = 50_000_000  # the Géoplateforme's are 6 MB


def check_service(source: ImagerySource, service: RemoteService, *, patience_s: float, tries: int = 2) -> None:
    """Asks for a few pixels of every layer at the middle of the source's bounds; the cache has no part in it.

    For tiles, first that the level named has the pixels of the prediction grid. patience_s: for all of it together.
    Raises Unavailable where the server does not answer, ImageryRefused where the definition does not fit it.
    """
    until = time.monotonic() + patience_s
    client, cells = MapClient(source, service), RemoteCells(source, service)
    west, south, east, north = source.bbox
    middle = to_grid_crs(shapely.Point((west + east) / 2, (south + north) / 2), source.epsg)
    for layer in service.layers:
        asked = layer
        if service.protocol == MapProtocol.WMTS:
            client.get(
                {"SERVICE": "WMTS", "REQUEST": "GetCapabilities", "VERSION": service.version},
                lambda answer, layer=layer: require_matrix(answer, layer, source.epsg),  # type: ignore[misc]
                most_bytes=_CAPABILITIES_BYTES,
                until=until,
                tries=tries,
            )
        else:
            asked = layer.model_copy(update={"cell_px": _PROBE_PX})
        client.get(
            cells.request(asked, _cell_at(middle, asked, source.epsg)),
            lambda answer, asked=asked: decode(answer, asked),  # type: ignore[misc]
            most_bytes=1 << 24,
            until=until,
            tries=tries,
        )


def _cell_at(point: BaseGeometry, layer: RemoteLayer, epsg: int) -> Cell:
    lattice = Lattice.of(layer, epsg)
    side = float(lattice.pixel_m) * layer.cell_px
    x, y = shapely.get_coordinates(point)[0]
    return Cell(math.floor((x - float(lattice.origin_x)) / side), math.floor((float(lattice.origin_y) - y) / side))
