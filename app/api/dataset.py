"""OGC API - Tiles of the whole dataset: the published layers as one map, or those that `collections` names."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from app.api.landing import link
from app.api.looks import LOOK_PARAMETERS, look_of, path_parameter
from app.api.parameters import allow_only, integer, query_of
from app.api.reading import json_content, read_route
from app.api.tile_answers import tile_answer
from app.api.tiles import TILE_ANSWERS, catalogue_of
from app.api.tilesets import TileMatrixSetId, set_of, tileset_document, tileset_summary
from app.catalogue import Layer
from app.catalogue.overlay import Overlay, overlay
from app.errors import ParameterInvalid, Unknown
from app.publish.results import is_job_layer

router = APIRouter(prefix="/api/map/tiles", tags=["tiles"])

_PATH = "/api/map/tiles"
_MOST_COLLECTIONS = 20
Collections = Annotated[
    str | None,
    Query(max_length=2000, description="Ids of layers, such as a,b; the newest vintage lies on top."),
]


@read_route(router, "", summary="The tilesets of all layers as one map")
async def tileset_list(request: Request, collections: Collections = None) -> Response:
    allow_only(request, ("collections",))
    shown, query = _chosen(request, collections)
    document: dict[str, Any] = {
        "tilesets": [tileset_summary(tms, "CoSIA Map", _PATH, query) for tms in shown.tile_matrix_sets],
        "links": [link("self", f"{_PATH}{query}", "this document")],
    }
    return json_content(request, document)


@read_route(router, "/{tileMatrixSetId}", summary="A tileset of all layers as one map")
async def tileset(
    request: Request,
    tileMatrixSetId: TileMatrixSetId,  # noqa: N803 - the standard's spelling
    collections: Collections = None,
) -> Response:
    allow_only(request, ("collections",))
    shown, query = _chosen(request, collections)
    return json_content(request, tileset_document(shown, set_of(shown, tileMatrixSetId), "CoSIA Map", _PATH, query))


@read_route(
    router,
    "/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}",
    summary="A tile of all layers as one map",
    response_class=Response,
    responses=TILE_ANSWERS,
    openapi_extra={
        "parameters": [
            path_parameter("tileMatrixSetId", "Id of a tile matrix set of the map.", "WebMercatorQuad"),
            path_parameter("tileMatrix", "Level of the set.", "17"),
            path_parameter("tileRow", "Row, a whole number, from the top.", "47880"),
            path_parameter("tileCol", "Column, a whole number, from the left.", "66722"),
            *LOOK_PARAMETERS,
        ]
    },
)
async def map_tile(request: Request, collections: Collections = None) -> Response:
    parts = request.path_params
    shown, _ = _chosen(request, collections)
    look = look_of(request, shown, "collections")
    z, x, y = (integer(parts[name], name) for name in ("tileMatrix", "tileCol", "tileRow"))
    tms_id = set_of(shown, parts["tileMatrixSetId"]).id
    return await tile_answer(request, shown, tms_id, z, x, y, look, query_of(request).get("v"))


def _chosen(request: Request, collections: str | None) -> tuple[Overlay, str]:
    """The layers of `collections`, and how that is written in links; without it those of the official product.

    The official product is what an operator publishes: not what users publish, and the demonstration only while there
    is nothing else. Raises Unknown, ParameterInvalid.
    """
    catalogue = catalogue_of(request)
    if collections is None:
        return overlay(_official(catalogue.layers())), ""
    names = list(dict.fromkeys(collections.split(",")))
    if len(names) > _MOST_COLLECTIONS:
        raise ParameterInvalid(f"collections names {_MOST_COLLECTIONS} layers at most", "collections")
    layers = [catalogue.layer(name) for name in names]
    return overlay(layers), f"?collections={','.join(layer.id for layer in layers)}"


def _official(layers: list[Layer]) -> list[Layer]:
    published = [layer for layer in layers if not is_job_layer(layer.id)]
    found = [layer for layer in published if not layer.demonstration] or published
    if not found:
        raise Unknown("there is no published layer yet", "collections")
    return [layer for layer in found if layer.nomenclature.id == found[0].nomenclature.id]
