"""Fixed cells of a layer: what is asked of a map server at a time, so that pixels never depend on who asks."""

from __future__ import annotations

import hashlib
import threading
import time
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from app.definitions import ImagerySource, RemoteLayer, RemoteService, prediction_grid
from app.definitions.remote_service import MapProtocol
from app.errors import CosiaError, Unavailable
from app.imagery.remote.answers import CellPixels, decode
from app.imagery.remote.cache import BodyCache
from app.imagery.remote.client import Answer, MapClient
from app.settings import settings

_HEAD_BYTES = 65_536  # of a file beside its pixels
_BYTES_PER_PX = 5  # four bytes, and what an encoder adds where it cannot save
_ASKING = [threading.Lock() for _ in range(64)]
"""One for each share of all cells: threads that want the same cell ask once."""


class Cell(NamedTuple):
    """A square of a layer's pixels, counted right and down from the layer's origin."""

    column: int
    row: int


class Lattice(NamedTuple):
    """Where the pixels of a layer lie: origin in metres of the CRS, side of a pixel in metres."""

    origin_x: Decimal
    origin_y: Decimal
    pixel_m: Decimal

    @classmethod
    def of(cls, layer: RemoteLayer, epsg: int) -> Lattice:
        grid = prediction_grid(epsg)
        phase_m = Decimal(str(layer.phase_m))
        pixel_m = Decimal(str(layer.resolution_m or grid.resolution_m))
        return cls(Decimal(str(grid.origin_x)) + phase_m, Decimal(str(grid.origin_y)) + phase_m, pixel_m)

    def bounds(self, cell: Cell, cell_px: int) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """(left, bottom, right, top) of a cell: outer edges of its pixels, exact."""
        side = self.pixel_m * cell_px
        left, top = self.origin_x + cell.column * side, self.origin_y - cell.row * side
        return left, top - side, left + side, top


class RemoteCells:
    """The cells of one source, from the cache or from its server; threads share it."""

    def __init__(self, source: ImagerySource, service: RemoteService) -> None:
        self._source = source
        self._service = service
        self._client = MapClient(source, service)
        config = settings()
        self._cache = BodyCache(config.local_folder / "imagery-cache", config.imagery_cache_bytes)

    def read(self, layer: RemoteLayer, cell: Cell, until: float) -> CellPixels:
        """until: by the monotonic clock. Raises Unavailable where the server does not give the cell by then,
        ImageryRefused where it never will.
        """
        parameters = self.request(layer, cell)
        # The edition and the address too: the same words to another server mean other pixels.
        key = hashlib.sha256(f"{self._source.version} {sorted(parameters.items())}".encode()).hexdigest()
        lock = _ASKING[int(key[:8], 16) % len(_ASKING)]
        if not lock.acquire(timeout=max(0.0, until - time.monotonic())):  # another thread asks for the same
            raise Unavailable(f"the map server of imagery source {self._source.id}: it answers too slowly")
        try:
            kept = self._kept(key, layer)
            return kept if kept is not None else self._asked(key, layer, parameters, until)
        finally:
            lock.release()

    def request(self, layer: RemoteLayer, cell: Cell) -> dict[str, str]:
        """The parameters of GetMap or GetTile; numbers of the definition and the grid alone enter them."""
        if self._service.protocol == MapProtocol.WMTS:
            return {
                "SERVICE": "WMTS",
                "REQUEST": "GetTile",
                "VERSION": self._service.version,
                "LAYER": layer.layer,
                "STYLE": layer.style,
                "FORMAT": layer.format,
                "TILEMATRIXSET": layer.tile_matrix_set or "",
                "TILEMATRIX": layer.tile_matrix or "",
                "TILEROW": str(cell.row),
                "TILECOL": str(cell.column),
            }
        crs = "CRS" if self._service.version == "1.3.0" else "SRS"
        # Prediction grids are projected and have x first: no version of WMS swaps them.
        bounds = Lattice.of(layer, self._source.epsg).bounds(cell, layer.cell_px)
        return {
            "SERVICE": "WMS",
            "REQUEST": "GetMap",
            "VERSION": self._service.version,
            "LAYERS": layer.layer,
            "STYLES": layer.style,
            crs: f"EPSG:{self._source.epsg}",
            "BBOX": ",".join(format(side.normalize(), "f") for side in bounds),
            "WIDTH": str(layer.cell_px),
            "HEIGHT": str(layer.cell_px),
            "FORMAT": layer.format,
        }

    def _kept(self, key: str, layer: RemoteLayer) -> CellPixels | None:
        body = self._cache.get(key)
        if body is None:
            return None
        try:
            return decode(Answer(200, layer.format, body), layer)
        except CosiaError:  # kept by a version that read it otherwise
            return None

    def _asked(self, key: str, layer: RemoteLayer, parameters: dict[str, str], until: float) -> CellPixels:
        def accept(answer: Answer) -> CellPixels:
            if answer.status == 404 and self._service.protocol == MapProtocol.WMTS:
                return _nothing(layer)  # tiles are stored only where there is imagery
            pixels = decode(answer, layer)
            self._cache.put(key, answer.body)
            return pixels

        most_bytes = layer.cell_px**2 * _BYTES_PER_PX + _HEAD_BYTES
        return self._client.get(parameters, accept, most_bytes=most_bytes, until=until)


def _nothing(layer: RemoteLayer) -> CellPixels:
    shape = (layer.cell_px, layer.cell_px)
    return CellPixels(np.zeros((5, *shape), np.uint8), np.zeros(shape, bool))
