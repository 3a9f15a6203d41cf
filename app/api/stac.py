"""STAC 1.1: the layers as collections, their GeoTIFFs as items, a page at a time."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request, Response

from app.api.landing import link
from app.api.parameters import allow_only
from app.api.reading import json_content, read_route
from app.api.stac_documents import collection, item
from app.api.tiles import LayerId, catalogue_of
from app.catalogue.rasters import count_rasters, raster, rasters_after
from app.database import sessions
from app.outputs.stac import GEOJSON, VERSION

router = APIRouter(prefix="/api/stac", tags=["stac"])

_GEOJSON_ANSWER: dict[int | str, dict[str, Any]] = {200: {"content": {GEOJSON: {}}}}

RasterName = Annotated[str, Path(max_length=200, description="Name of a raster of the layer.")]


@read_route(router, "", summary="STAC catalogue of the published layers")
async def catalogue_document(request: Request) -> Response:
    allow_only(request, ())
    children = [link("child", f"/api/stac/{layer.id}", layer.title) for layer in catalogue_of(request).layers()]
    document = {
        "type": "Catalog",
        "stac_version": VERSION,
        "id": "cosia-map",
        "title": "CoSIA Map",
        "description": "Land cover of France in 16 classes: the GeoTIFFs behind the published layers.",
        "links": [
            link("self", "/api/stac", "this document"),
            link("root", "/api/stac", "this document"),
            *children,
        ],
    }
    return json_content(request, document)


@read_route(router, "/{layer}", summary="A layer as a STAC collection")
async def collection_document(request: Request, layer: LayerId) -> Response:
    allow_only(request, ())
    return json_content(request, collection(catalogue_of(request).layer(layer)))


@read_route(
    router,
    "/{layer}/items",
    summary="The rasters of a layer as STAC items, in the order of their names",
    response_class=Response,
    responses=_GEOJSON_ANSWER,
)
def items(
    request: Request,
    layer: LayerId,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most items in the answer.")] = 100,
    after: Annotated[str, Query(max_length=200, description="Name of the last item of the page before.")] = "",
) -> Response:
    allow_only(request, ("limit", "after"))
    shown = catalogue_of(request).layer(layer)
    with sessions().read() as session:
        rows = rasters_after(session, shown.id, after, limit + 1)
        total = count_rasters(session, shown.id)
    page, path = rows[:limit], f"/api/stac/{shown.id}"
    links = [
        link("self", f"{path}/items?{urlencode({'limit': limit, 'after': after})}", "this page", GEOJSON),
        link("root", "/api/stac", "all layers"),
        link("collection", path, shown.title),
    ]
    if len(rows) > limit:
        query = urlencode({"limit": limit, "after": page[-1].name})
        links.append(link("next", f"{path}/items?{query}", "next page", GEOJSON))
    document: dict[str, Any] = {
        "type": "FeatureCollection",
        "features": [item(shown, row) for row in page],
        "numberMatched": total,
        "numberReturned": len(page),
        "links": links,
    }
    return json_content(request, document, GEOJSON)


@read_route(
    router,
    "/{layer}/items/{name}",
    summary="A raster of a layer as a STAC item",
    response_class=Response,
    responses=_GEOJSON_ANSWER,
)
def item_document(request: Request, layer: LayerId, name: RasterName) -> Response:
    allow_only(request, ())
    shown = catalogue_of(request).layer(layer)
    with sessions().read() as session:
        row = raster(session, shown.id, name)
    return json_content(request, item(shown, row), GEOJSON)
