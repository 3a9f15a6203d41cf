"""A layer's tile over HTTP: from memory on the event loop, else drawn once by a tile thread for all who wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Protocol, TypeVar

from fastapi import Request, Response

from app.api.reading import CORS, IMMUTABLE, tags_of
from app.definitions import Nomenclature
from app.settings import settings
from app.tiling import Look, RasterRef, TileGrid, empty_tile, tile_grid
from app.tiling.render import dressed, encoded, etag, known, picture
from app.tiling.threads import Flights, TileThreads

_UNVERSIONED = "public, max-age=60"

T = TypeVar("T")


@lru_cache
def _threads() -> TileThreads:
    # A pool of its own: each of its threads keeps rasters open, and uploads or SQL must not wait for tiles.
    return TileThreads(settings().tile_threads, settings().tile_queue, settings().tile_wait_s)


@lru_cache
def _flights() -> Flights:
    return Flights(_threads())


async def in_tile_thread(work: Callable[[], T]) -> T:
    """Runs it on one of the threads that keep rasters open. Raises TilesBusy."""
    return await asyncio.shield(asyncio.wrap_future(_threads().submit(work)))


class Drawn(Protocol):
    """What tiles are drawn of: a layer, several over each other, the blocks of a job."""

    @property
    def nomenclature(self) -> Nomenclature: ...

    @property
    def version(self) -> str: ...

    def rasters_for_tile(self, tile: TileGrid) -> Sequence[RasterRef]: ...


async def tile_answer(
    request: Request,
    layer: Drawn,
    tms_id: str,
    z: int,
    x: int,
    y: int,
    look: Look,
    version: str | None,
    *,
    transparent_if_empty: bool = False,
) -> Response:
    """200, 304, or 204 for an empty tile. An address that carries the current version never changes its content.

    transparent_if_empty: a picture instead of 204, for protocols that know no answer without one.
    Raises Unknown before anything is opened, RasterUnreadable, TilesBusy.
    """
    tile = tile_grid(tms_id, z, x, y)
    nomenclature_id = layer.nomenclature.id
    asked = picture(tile, layer.rasters_for_tile(tile), look.style)
    headers = {
        **CORS,
        "Cache-Control": IMMUTABLE if version == layer.version else _UNVERSIONED,
        "ETag": etag(asked.bands, look, nomenclature_id),
    }
    if headers["ETag"] in tags_of(request):
        return Response(status_code=304, headers=headers)
    data = known(asked)
    if data is None:
        # Shielded: an asker who leaves must not take the tile away from the others.
        data = await asyncio.shield(asyncio.wrap_future(_flights().join(asked.key, lambda: encoded(asked))))
    image = dressed(data, look, nomenclature_id, tile.px)
    if image is None:
        if not transparent_if_empty:
            del headers["ETag"]
            return Response(status_code=204, headers=headers)
        image = empty_tile(tms_id, z, x, y, nomenclature_id)
    return Response(image, media_type="image/png", headers=headers)
