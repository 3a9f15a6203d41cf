"""Imagery as background of the map: JPEG tiles in Web Mercator and their TileJSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypedDict, TypeVar

import anyio
from fastapi import APIRouter, FastAPI, Header, Path, Query, Request, Response

from app.database import sessions
from app.errors import ParameterInvalid, Unavailable
from app.imagery import ImageryIndex
from app.imagery.tiles import Rendition, lowest_zoom, render
from app.settings import settings
from app.tiling.cache import TileCache
from app.tiling.grids import tile_grid

T = TypeVar("T")

_GRID = "WebMercatorQuad"
_FINEST_ZOOM = 20  # its pixels are 0.11 m in France, half of the imagery's: viewers magnify from there on
_MOST_WAITING = 64  # beyond, a tile would come after its viewer has moved on
_YEAR_S = 31_536_000
_UNVERSIONED_S = 300

Source = Annotated[str, Path(max_length=64, description="Id of an imagery source.")]
Address = Annotated[str, Path(pattern=r"^[0-9]{1,9}$")]
StyleName = Annotated[Rendition, Query(description="Natural colours, or near infrared, red and green.")]
Version = Annotated[str | None, Query(max_length=64, description="Content version: makes the tile cacheable for long.")]


class ImageryTiles:
    """What the routes share: the sources in memory, the last tiles, and the threads that draw."""

    def __init__(self) -> None:
        config = settings()
        self.index = ImageryIndex(sessions(), config.refresh_s)
        self._cache = TileCache(config.tile_cache_bytes // 2)  # backgrounds cost less to draw than to keep
        self._threads = anyio.CapacityLimiter(config.tile_threads)

    async def off_loop(self, work: Callable[..., T], *args: object) -> T:
        """Runs in one of the drawing threads. Raises Unavailable while too many wait for one."""
        if self._threads.statistics().tasks_waiting >= _MOST_WAITING:
            raise Unavailable("too many imagery tiles are asked for at once: try again in a second", 1)
        return await anyio.to_thread.run_sync(work, *args, limiter=self._threads)

    def tile(self, source_id: str, rendition: Rendition, z: int, x: int, y: int) -> tuple[str, bytes]:
        """The source's version, and the JPEG; empty without imagery there."""
        grid = tile_grid(_GRID, z, x, y)
        indexed = self.index.source(source_id)
        version = indexed.source.version
        key = (source_id, version, rendition, z, x, y)
        data = self._cache.get(key)
        if data is None:
            data = render(indexed, rendition, grid)
            self._cache.put(key, data)
        return version, data


class _State(TypedDict):
    imagery_tiles: ImageryTiles


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[_State]:
    yield {"imagery_tiles": ImageryTiles()}


router = APIRouter(prefix="/imagery", tags=["imagery"], lifespan=_lifespan)


@router.head("/{source}/tilejson.json", include_in_schema=False)
@router.get("/{source}/tilejson.json", summary="TileJSON of an imagery source")
async def tilejson(request: Request, source: Source, style: StyleName = Rendition.NATURAL) -> dict[str, Any]:
    _refuse_unknown(request, {"style"})
    tiles: ImageryTiles = request.state.imagery_tiles
    indexed = await tiles.off_loop(tiles.index.source, source)
    known = indexed.source
    query = f"v={known.version}" if style == Rendition.NATURAL else f"style={style}&v={known.version}"
    return {
        "tilejson": "3.0.0",
        "name": known.title,
        "attribution": known.attribution,
        "version": "1.0.0",
        "scheme": "xyz",
        "tiles": [f"{settings().public_url}/imagery/{known.id}/{{z}}/{{x}}/{{y}}.jpg?{query}"],
        "bounds": list(known.bbox),
        "minzoom": min(lowest_zoom(indexed), _FINEST_ZOOM),
        "maxzoom": _FINEST_ZOOM,
    }


@router.head("/{source}/{z}/{x}/{y}.jpg", include_in_schema=False)
@router.get(
    "/{source}/{z}/{x}/{y}.jpg",
    summary="A tile of imagery",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, 204: {"description": "No imagery there."}, 304: {}},
)
async def tile(
    request: Request,
    source: Source,
    z: Address,
    x: Address,
    y: Address,
    style: StyleName = Rendition.NATURAL,
    v: Version = None,
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    _refuse_unknown(request, {"style", "v"})
    tiles: ImageryTiles = request.state.imagery_tiles
    version, data = await tiles.off_loop(tiles.tile, source, style, int(z), int(x), int(y))
    etag = f'"{version}"'
    headers = {
        "Cache-Control": f"public, max-age={_YEAR_S}, immutable"
        if v == version
        else f"public, max-age={_UNVERSIONED_S}",
        "ETag": etag,
    }
    if etag in {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}:
        return Response(status_code=304, headers=headers)
    if not data:
        return Response(status_code=204, headers=headers)
    return Response(data, media_type="image/jpeg", headers=headers)


def _refuse_unknown(request: Request, known: set[str]) -> None:
    """Raises ParameterInvalid for a query parameter that is not known or given twice."""
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name not in known:
            raise ParameterInvalid(f"there is no parameter {name!r} here; known: {', '.join(sorted(known))}", name)
        if names.count(name) > 1:
            raise ParameterInvalid(f"the parameter {name!r} is given more than once", name)
