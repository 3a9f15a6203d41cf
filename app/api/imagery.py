"""Imagery as background of the map: JPEG tiles in Web Mercator and their TileJSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypedDict, TypeVar

import anyio
from fastapi import APIRouter, FastAPI, Path, Query, Request, Response

from app.api.parameters import allow_only, integer
from app.api.reading import CORS, IMMUTABLE, content, json_content, read_route
from app.database import sessions
from app.errors import ParameterInvalid, Unavailable
from app.imagery import ImageryIndex
from app.imagery.tiles import Rendition, lowest_zoom, render, render_remote
from app.settings import settings
from app.tiling import tile_grid
from app.tiling.cache import TileCache

_GRID = "WebMercatorQuad"
_FINEST_ZOOM = 20  # its pixels are 0.11 m in France, half of the imagery's: viewers magnify from there on
_REMOTE_THREADS = 8  # they wait for servers, and cost no processor
_MOST_WAITING = 64  # beyond, a tile would come after its viewer has moved on
_UNVERSIONED = "public, max-age=60"

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {}}, "description": "JPEG; white where the imagery ends inside the tile."},
    204: {"description": "No imagery there, or too fine to be drawn at this zoom."},
    304: {"description": "The client has it already."},
}

SourceId = Annotated[str, Path(max_length=64, description="Id of an imagery source.")]
Coordinate = Annotated[str, Path(max_length=12, description="A whole number, 0 or more.")]
StyleName = Annotated[
    str | None,
    Query(max_length=30, description="natural (default) or infrared.", json_schema_extra={"enum": list(Rendition)}),
]
Version = Annotated[str | None, Query(max_length=64, description="Content version: such an address never changes.")]

T = TypeVar("T")


class ImageryTiles:
    """What the routes share: the sources in memory, the last tiles, and the threads that draw."""

    def __init__(self) -> None:
        config = settings()
        self._index = ImageryIndex(sessions(), config.refresh_s)
        self._cache = TileCache(config.tile_cache_bytes // 2)  # backgrounds cost less to draw than to keep
        self._threads = anyio.CapacityLimiter(config.tile_threads)
        self._remote_threads = anyio.CapacityLimiter(_REMOTE_THREADS)

    async def off_loop(self, work: Callable[..., T], *args: object) -> T:
        """Runs in one of the drawing threads. Raises Unavailable while too many wait for one."""
        return await self._in_one_of(self._threads, work, *args)

    async def _in_one_of(self, threads: anyio.CapacityLimiter, work: Callable[..., T], *args: object) -> T:
        if threads.statistics().tasks_waiting >= _MOST_WAITING:
            raise Unavailable("too many imagery tiles are asked for at once: try again in a second", 1)
        return await anyio.to_thread.run_sync(work, *args, limiter=threads)

    async def tile(self, source_id: str, rendition: Rendition, z: int, x: int, y: int) -> tuple[str, bytes]:
        """The source's version, and the JPEG; empty without imagery there."""
        version, data = await self.off_loop(self._drawn, source_id, rendition, z, x, y)
        if data is None:
            # Elsewhere: a map server that is slow must not hold up tiles of files.
            data = await self._in_one_of(self._remote_threads, self._asked, source_id, rendition, z, x, y)
        return version, data

    def _asked(self, source_id: str, rendition: Rendition, z: int, x: int, y: int) -> bytes:
        source = self._index.source(source_id).source
        data = render_remote(source, rendition, tile_grid(_GRID, z, x, y))
        self._cache.put((source_id, source.version, rendition, z, x, y), data)
        return data

    def _drawn(self, source_id: str, rendition: Rendition, z: int, x: int, y: int) -> tuple[str, bytes | None]:
        """None for what a map server has to be asked for."""
        grid = tile_grid(_GRID, z, x, y)
        indexed = self._index.source(source_id)
        version = indexed.source.version
        key = (source_id, version, rendition, z, x, y)
        data = self._cache.get(key)
        if data is None and indexed.source.service is None:
            data = render(indexed, rendition, grid)
            self._cache.put(key, data)
        return version, data

    def tilejson(self, source_id: str, rendition: Rendition) -> dict[str, Any]:
        """The TileJSON 3.0 document of a source."""
        indexed = self._index.source(source_id)
        source = indexed.source
        query = f"v={source.version}" if rendition is Rendition.NATURAL else f"style={rendition}&v={source.version}"
        return {
            "tilejson": "3.0.0",
            "name": source.title,
            "attribution": source.attribution,
            "version": "1.0.0",
            "scheme": "xyz",
            "tiles": [f"{settings().public_url}/imagery/{source.id}/{{z}}/{{x}}/{{y}}.jpg?{query}"],
            "bounds": list(source.bbox),
            "minzoom": min(lowest_zoom(indexed), _FINEST_ZOOM),
            "maxzoom": _FINEST_ZOOM,
        }


class _State(TypedDict):
    imagery_tiles: ImageryTiles


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[_State]:
    yield {"imagery_tiles": ImageryTiles()}


router = APIRouter(prefix="/imagery", tags=["imagery"], lifespan=_lifespan)


@read_route(router, "/{source}/tilejson.json", summary="TileJSON 3.0 of an imagery source")
async def tilejson(request: Request, source: SourceId, style: StyleName = None) -> Response:
    allow_only(request, ("style",))
    tiles: ImageryTiles = request.state.imagery_tiles
    return json_content(request, await tiles.off_loop(tiles.tilejson, source, _rendition(style)))


@read_route(
    router,
    "/{source}/{z}/{x}/{y}.jpg",
    summary="XYZ tile of an imagery source",
    response_class=Response,
    responses=_ANSWERS,
)
async def tile(
    request: Request,
    source: SourceId,
    z: Coordinate,
    x: Coordinate,
    y: Coordinate,
    style: StyleName = None,
    v: Version = None,
) -> Response:
    allow_only(request, ("style", "v"))
    tiles: ImageryTiles = request.state.imagery_tiles
    place = (integer(z, "z"), integer(x, "x"), integer(y, "y"))
    version, data = await tiles.tile(source, _rendition(style), *place)
    lifetime = IMMUTABLE if v == version else _UNVERSIONED
    if not data:
        return Response(status_code=204, headers={**CORS, "Cache-Control": lifetime})
    return content(request, data, "image/jpeg", lifetime)


def _rendition(style: str | None) -> Rendition:
    """Raises ParameterInvalid, naming those there are."""
    if style is None:
        return Rendition.NATURAL
    if style not in list(Rendition):
        raise ParameterInvalid(f"no such style; imagery is shown as {' or '.join(Rendition)}", "style")
    return Rendition(style)
