"""WMTS 1.0.0 (OGC 07-057r7), by key-value pairs and by path."""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool

from app.api.reading import CORS, NO_CACHE, content, read_route
from app.api.tile_answers import in_tile_thread, lifetime, tile_of
from app.api.tiles import Version, catalogue_of
from app.api.wmts_capabilities import INFO_FORMATS, SECTIONS, capabilities
from app.api.wmts_faults import Fault, fault_of, invalid, report
from app.api.wmts_feature_info import feature_info
from app.api.wmts_requests import (
    Pairs,
    TileRequest,
    info_format,
    pixel,
    sections,
    tile,
    tile_by_pairs,
)
from app.errors import CosiaError
from app.tiling import empty_tile

router = APIRouter(prefix="/wmts", tags=["wmts"])

_OPERATIONS = ("GetCapabilities", "GetTile", "GetFeatureInfo")
_TILE_PATH = "/1.0.0/{Layer}/{Style}/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}"
_XML_TYPES = ("*/*", "application/*", "application/xml", "text/*", "text/xml")

PathPart = Annotated[str, Path(max_length=64)]


_PAIRS: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "query", "required": False, "schema": {"type": "string"}}
        for name in (
            *("SERVICE", "REQUEST", "VERSION", "ACCEPTVERSIONS", "SECTIONS", "LAYER", "STYLE", "FORMAT"),
            *("TILEMATRIXSET", "TILEMATRIX", "TILEROW", "TILECOL", "INFOFORMAT", "I", "J"),
        )
    ]
}


@read_route(router, "", summary="WMTS by key-value pairs", response_class=Response, openapi_extra=_PAIRS)
async def kvp(request: Request) -> Response:
    return await _reported(_by_pairs(request))


@read_route(router, "/1.0.0/WMTSCapabilities.xml", summary="WMTS capabilities", response_class=Response)
async def capabilities_resource(request: Request) -> Response:
    accepted = [part.split(";")[0].strip() for part in request.headers.get("accept", "*/*").split(",")]
    if not set(accepted) & set(_XML_TYPES):
        return Response("this resource is application/xml\n", 406, CORS, media_type="text/plain")
    return await _reported(_capabilities(request, SECTIONS))


@read_route(router, f"{_TILE_PATH}.png", summary="WMTS tile", response_class=Response)
async def tile_resource(
    request: Request,
    Layer: PathPart,  # noqa: N803 - the standard's spelling
    Style: PathPart,  # noqa: N803 - the standard's spelling
    TileMatrixSet: PathPart,  # noqa: N803 - the standard's spelling
    TileMatrix: PathPart,  # noqa: N803 - the standard's spelling
    TileRow: PathPart,  # noqa: N803 - the standard's spelling
    TileCol: PathPart,  # noqa: N803 - the standard's spelling
    v: Version = None,
) -> Response:
    return await _reported(_tile_by_path(request, v), status=404)


@read_route(router, f"{_TILE_PATH}/{{J}}/{{I}}.{{suffix}}", summary="WMTS feature info", response_class=Response)
async def feature_info_resource(
    request: Request,
    Layer: PathPart,  # noqa: N803 - the standard's spelling
    Style: PathPart,  # noqa: N803 - the standard's spelling
    TileMatrixSet: PathPart,  # noqa: N803 - the standard's spelling
    TileMatrix: PathPart,  # noqa: N803 - the standard's spelling
    TileRow: PathPart,  # noqa: N803 - the standard's spelling
    TileCol: PathPart,  # noqa: N803 - the standard's spelling
    J: PathPart,  # noqa: N803 - the standard's spelling
    I: PathPart,  # noqa: N803, E741 - the standard's spelling
    suffix: PathPart,
) -> Response:
    return await _reported(_feature_info_by_path(request), status=404)


async def _by_pairs(request: Request) -> Response:
    pairs = Pairs(request)
    if not pairs:
        return await _capabilities(request, SECTIONS)
    service = pairs.require("Service")
    operation = pairs.require("Request")
    # QGIS' WMS dialogue asks so whatever it was given; what is offered here is the WMTS.
    if service not in ("WMTS", "WMS") or (service == "WMS" and operation != "GetCapabilities"):
        raise invalid("Service", "WMTS")
    if operation not in _OPERATIONS:
        raise invalid("Request", ", ".join(_OPERATIONS))
    if operation == "GetCapabilities":
        return await _capabilities(request, sections(pairs))
    asked = tile_by_pairs(catalogue_of(request), pairs)
    if operation == "GetTile":
        return await _tile(request, asked, None)
    media_type = info_format(pairs)
    column, row = pixel(asked.matrix.tile_px, pairs.require("I"), pairs.require("J"))
    return await _feature_info(asked, column, row, media_type)


async def _tile_by_path(request: Request, version: str | None) -> Response:
    return await _tile(request, tile(catalogue_of(request), request.path_params), version)


async def _feature_info_by_path(request: Request) -> Response:
    parts = request.path_params
    media_types = {suffix: media_type for media_type, suffix in INFO_FORMATS.items()}
    if parts["suffix"] not in media_types:
        raise invalid("InfoFormat", ", ".join(media_types))
    asked = tile(catalogue_of(request), parts)
    column, row = pixel(asked.matrix.tile_px, parts["I"], parts["J"])
    return await _feature_info(asked, column, row, media_types[parts["suffix"]])


async def _capabilities(request: Request, wanted: Collection[str]) -> Response:
    layers = catalogue_of(request).layers()
    text = await run_in_threadpool(capabilities, layers, wanted)
    return content(request, text.encode(), "application/xml", NO_CACHE)


async def _tile(request: Request, asked: TileRequest, version: str | None) -> Response:
    """The tile; a transparent one where it is empty, because WMTS knows no answer without a picture."""
    z = int(asked.matrix.id)
    image = await tile_of(asked.layer, asked.tms.id, z, asked.column, asked.row, asked.style)
    if image is None:
        image = empty_tile(asked.tms.id, z, asked.column, asked.row, asked.layer.nomenclature.id)
    return content(request, image, "image/png", lifetime(asked.layer, version))


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
