"""WMTS 1.0.0 (OGC 07-057r7), by key-value pairs and by path."""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from app.api.parameters import allow_only, query_of
from app.api.reading import CORS, NO_CACHE, PlainRoute, content, read_route
from app.api.tile_answers import in_tile_thread, tile_answer
from app.api.tiles import catalogue_of
from app.api.wmts_capabilities import INFO_FORMATS, SECTIONS, capabilities
from app.api.wmts_faults import REPORTS, Fault, fault_of, invalid, report
from app.api.wmts_feature_info import feature_info
from app.api.wmts_requests import (
    PAIR_NAMES,
    Pairs,
    TileRequest,
    info_format,
    operation,
    pixel,
    sections,
    tile,
    tile_by_pairs,
)
from app.errors import CosiaError
from app.tiling import Look

router = APIRouter(prefix="/wmts", tags=["wmts"], responses=REPORTS)

_TILE_PATH = "/1.0.0/{Layer}/{Style}/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}"
_OTHER_METHODS = ["DELETE", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"]
_XML_TYPES = ("*/*", "application/*", "application/xml", "text/*", "text/xml")

_PAIRS: dict[str, Any] = {
    "parameters": [
        {"name": name.upper(), "in": "query", "required": False, "schema": {"type": "string"}} for name in PAIR_NAMES
    ]
}


@read_route(router, "", summary="WMTS by key-value pairs", response_class=Response, openapi_extra=_PAIRS)
async def kvp(request: Request) -> Response:
    return await _reported(_by_pairs(request))


@router.api_route("", methods=_OTHER_METHODS, include_in_schema=False)
async def other_methods() -> Response:
    """What is posted is not looked at: neither XML nor its entities."""
    allowed = {"Allow": "GET, HEAD"}
    return report(Fault("OperationNotSupported", "HTTP method", "this service is asked by GET", 405, allowed))


@read_route(
    router,
    "/1.0.0/WMTSCapabilities.xml",
    summary="WMTS capabilities",
    response_class=Response,
    responses={406: {"description": "It is XML, which is not accepted.", "content": {"text/plain": {}}}},
)
async def capabilities_resource(request: Request) -> Response:
    accepted = [part.split(";")[0].strip() for part in request.headers.get("accept", "*/*").split(",")]
    if not set(accepted) & set(_XML_TYPES):
        return Response("this resource is application/xml\n", 406, CORS, media_type="text/plain")
    return await _reported(_capabilities(request, SECTIONS))


@router.get(f"{_TILE_PATH}.png", summary="WMTS tile", response_class=Response)
async def tile_resource(
    request: Request,
    Layer: str,  # noqa: N803 - the standard's spelling
    Style: str,  # noqa: N803 - the standard's spelling
    TileMatrixSet: str,  # noqa: N803 - the standard's spelling
    TileMatrix: str,  # noqa: N803 - the standard's spelling
    TileRow: str,  # noqa: N803 - the standard's spelling
    TileCol: str,  # noqa: N803 - the standard's spelling
    v: Annotated[str | None, Query(description="Content version: such an address never changes.")] = None,
) -> Response:
    return await _tile_resource(request)


async def _tile_resource(request: Request) -> Response:
    return await _reported(_tile_by_path(request), status=404)


PLAIN_ROUTES = [PlainRoute(f"{router.prefix}{_TILE_PATH}.png", _tile_resource)]


@read_route(router, f"{_TILE_PATH}/{{J}}/{{I}}.{{suffix}}", summary="WMTS feature info", response_class=Response)
async def feature_info_resource(
    request: Request,
    Layer: str,  # noqa: N803 - the standard's spelling
    Style: str,  # noqa: N803 - the standard's spelling
    TileMatrixSet: str,  # noqa: N803 - the standard's spelling
    TileMatrix: str,  # noqa: N803 - the standard's spelling
    TileRow: str,  # noqa: N803 - the standard's spelling
    TileCol: str,  # noqa: N803 - the standard's spelling
    J: str,  # noqa: N803 - the standard's spelling
    I: str,  # noqa: N803, E741 - the standard's spelling
    suffix: str,
) -> Response:
    return await _reported(_feature_info_by_path(request), status=404)


async def _by_pairs(request: Request) -> Response:
    pairs = Pairs(request)
    if not pairs:
        return await _capabilities(request, SECTIONS)
    asked_for = operation(pairs)
    if asked_for == "GetCapabilities":
        return await _capabilities(request, sections(pairs))
    asked = tile_by_pairs(catalogue_of(request), pairs)
    if asked_for == "GetTile":
        return await _tile(request, asked, None)
    media_type = info_format(pairs)
    column, row = pixel(asked.matrix.tile_px, pairs.require("I"), pairs.require("J"))
    return await _feature_info(asked, column, row, media_type)


async def _tile_by_path(request: Request) -> Response:
    allow_only(request, ("v",))
    asked = tile(catalogue_of(request), request.path_params)
    return await _tile(request, asked, query_of(request).get("v"))


async def _feature_info_by_path(request: Request) -> Response:
    allow_only(request, ())
    parts = request.path_params
    media_types = {suffix: media_type for media_type, suffix in INFO_FORMATS.items()}
    if parts["suffix"] not in media_types:
        raise invalid("InfoFormat", ", ".join(media_types))
    asked = tile(catalogue_of(request), parts)
    column, row = pixel(asked.matrix.tile_px, parts["I"], parts["J"])
    return await _feature_info(asked, column, row, media_types[parts["suffix"]])


async def _capabilities(request: Request, wanted: Collection[str]) -> Response:
    layers = catalogue_of(request).layers()
    document = await run_in_threadpool(capabilities, layers, wanted)
    return content(request, document, "application/xml", NO_CACHE)


async def _tile(request: Request, asked: TileRequest, version: str | None) -> Response:
    """The tile; a transparent one where it is empty, because WMTS knows no answer without a picture."""
    z = int(asked.matrix.id)
    return await tile_answer(
        request,
        asked.layer,
        asked.tms.id,
        z,
        asked.column,
        asked.row,
        Look(asked.style),
        version,
        transparent_if_empty=True,
    )


async def _feature_info(asked: TileRequest, column: int, row: int, media_type: str) -> Response:
    text = await in_tile_thread(lambda: feature_info(asked, column, row, media_type))
    return Response(text, headers={**CORS, "Cache-Control": NO_CACHE}, media_type=media_type)


async def _reported(answer: Awaitable[Response], status: int | None = None) -> Response:
    """The answer, or an exception report. status: of a resource that is not there."""
    try:
        return await answer
    except Fault as fault:
        return report(fault, status if fault.status == 400 else None)
    except CosiaError as error:
        translated = fault_of(error)
        return report(translated, status if translated.status == 400 else None)
