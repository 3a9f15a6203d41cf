"""A layer's tile over HTTP: rendered off the event loop, empty ones without content."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

from fastapi import Request, Response

from app.api.reading import CORS, IMMUTABLE, content
from app.catalogue import Layer
from app.settings import settings
from app.tiling import Style, render, tile_grid

_UNVERSIONED = "public, max-age=60"

T = TypeVar("T")


@lru_cache
def _threads() -> ThreadPoolExecutor:
    # A pool of its own: each of its threads keeps rasters open, and uploads or SQL must not wait for tiles.
    return ThreadPoolExecutor(settings().tile_threads, thread_name_prefix="tile")


async def in_tile_thread(work: Callable[[], T]) -> T:
    """Runs it on one of the threads that keep rasters open."""
    context = contextvars.copy_context()  # log lines of the thread carry the request's id
    return await asyncio.get_running_loop().run_in_executor(_threads(), lambda: context.run(work))


async def tile_of(
    layer: Layer, tms_id: str, z: int, x: int, y: int, style: Style, classes: frozenset[int] | None = None
) -> bytes | None:
    """The PNG, None where the layer has nothing. Raises Unknown before anything is opened, RasterUnreadable."""
    tile = tile_grid(tms_id, z, x, y)
    rasters = layer.rasters_in(tile.epsg, tile.bounds)
    if not rasters:
        return None
    return await in_tile_thread(
        lambda: render(rasters, tms_id, z, x, y, style=style, classes=classes, nomenclature_id=layer.nomenclature.id)
    )


def answer(request: Request, layer: Layer, image: bytes | None, version: str | None) -> Response:
    """200, 304, or 204 for an empty tile. An address that carries the current version never changes its content."""
    if image is None:
        return Response(status_code=204, headers={**CORS, "Cache-Control": lifetime(layer, version)})
    return content(request, image, "image/png", lifetime(layer, version))


def lifetime(layer: Layer, version: str | None) -> str:
    """Cache-Control of a tile asked for under a version."""
    return IMMUTABLE if version == layer.version else _UNVERSIONED
