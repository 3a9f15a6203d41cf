"""OGC API - Tiles: tile matrix sets, and the map tilesets of each layer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from app.api.landing import link
from app.api.looks import LOOK_PARAMETERS, look_of, path_parameter
from app.api.parameters import allow_only, integer
from app.api.reading import PlainRoute, json_content, read_route
from app.api.tile_answers import tile_answer
from app.api.tiles import LAYER_PARAMETER, TILE_ANSWERS, LayerId, catalogue_of
from app.catalogue import Layer
from app.definitions.tile_matrix_set import TileMatrixSet, tile_matrix_set, tile_matrix_sets
from app.errors import Unknown
from app.settings import settings

router = APIRouter(tags=["tiles"])

TileMatrixSetId = Annotated[str, Path(max_length=64, description="Id of a tile matrix set.")]

_TILE_PATH = "/collections/{layer}/map/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"
_SCHEME = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"


@read_route(router, "/tileMatrixSets", summary="The tile matrix sets")
async def tile_matrix_set_list(request: Request) -> Response:
    allow_only(request, ())
    listed = [
        {
            "id": tms.id,
            "title": tms.title,
            "crs": tms.document["crs"],
            "links": [
                link("self", f"/api/tileMatrixSets/{tms.id}", "definition"),
                link(_SCHEME, f"/api/tileMatrixSets/{tms.id}", "definition"),
            ],
        }
        for tms in tile_matrix_sets().values()
    ]
    links = [link("self", "/api/tileMatrixSets", "this document")]
    return json_content(request, {"tileMatrixSets": listed, "links": links})


@read_route(router, "/tileMatrixSets/{tileMatrixSetId}", summary="OGC definition of a tile matrix set")
async def tile_matrix_set_document(request: Request, tileMatrixSetId: TileMatrixSetId) -> Response:  # noqa: N803 - standard
    allow_only(request, ())
    return json_content(request, tile_matrix_set(tileMatrixSetId).document)


@read_route(router, "/collections/{layer}/map/tiles", summary="The tilesets of a layer")
async def tileset_list(request: Request, layer: LayerId) -> Response:
    allow_only(request, ())
    shown = catalogue_of(request).layer(layer)
    path = f"/api/collections/{shown.id}/map/tiles"
    document = {
        "tilesets": [_summary(shown, tms) for tms in shown.tile_matrix_sets],
        "links": [link("self", path, "this document")],
    }
    return json_content(request, document)


@read_route(router, "/collections/{layer}/map/tiles/{tileMatrixSetId}", summary="A tileset of a layer")
async def tileset(request: Request, layer: LayerId, tileMatrixSetId: TileMatrixSetId) -> Response:  # noqa: N803 - standard
    allow_only(request, ())
    shown = catalogue_of(request).layer(layer)
    return json_content(request, _document(shown, _set_of(shown, tileMatrixSetId)))


@router.get(
    _TILE_PATH,
    summary="A tile of a layer in any of its tile matrix sets",
    response_class=Response,
    responses=TILE_ANSWERS,
    openapi_extra={
        "parameters": [
            LAYER_PARAMETER,
            path_parameter("tileMatrixSetId", "Id of a tile matrix set of the layer.", "2154_10cm_7_20"),
            path_parameter("tileMatrix", "Level of the set.", "20"),
            path_parameter("tileRow", "Row, a whole number, from the top.", "111840"),
            path_parameter("tileCol", "Column, a whole number, from the left.", "14080"),
            *LOOK_PARAMETERS,
        ]
    },
)
async def map_tile(request: Request) -> Response:
    parts = request.path_params
    layer = catalogue_of(request).layer(parts["layer"])
    look = look_of(request, layer)
    tms_id = _set_of(layer, parts["tileMatrixSetId"]).id
    z, x, y = (integer(parts[name], name) for name in ("tileMatrix", "tileCol", "tileRow"))
    return await tile_answer(request, layer, tms_id, z, x, y, look, request.query_params.get("v"))


PLAIN_ROUTES = [PlainRoute(f"/api{_TILE_PATH}", map_tile)]


def _set_of(layer: Layer, tms_id: str) -> TileMatrixSet:
    """A tile matrix set that the layer has tiles in. Raises Unknown, naming those."""
    for tms in layer.tile_matrix_sets:
        if tms.id == tms_id:
            return tms
    known = ", ".join(tms.id for tms in layer.tile_matrix_sets)
    raise Unknown(f"layer {layer.id} has no tiles in that set; it has them in {known}", "tileMatrixSet")


def _summary(layer: Layer, tms: TileMatrixSet) -> dict[str, Any]:
    path = f"/api/collections/{layer.id}/map/tiles/{tms.id}"
    return {
        "title": f"{layer.title}: {tms.title}",
        "dataType": "map",
        "crs": tms.document["crs"],
        "tileMatrixSetURI": f"{settings().public_url}/api/tileMatrixSets/{tms.id}",
        "links": [link("self", path, "tileset"), link(_SCHEME, f"/api/tileMatrixSets/{tms.id}", "tile matrix set")],
    }


def _document(layer: Layer, tms: TileMatrixSet) -> dict[str, Any]:
    summary = _summary(layer, tms)
    bounds = layer.bounds(tms.epsg)
    limits = []
    for matrix in tms.matrices:
        first_column, first_row, last_column, last_row = matrix.limits(bounds)
        limits.append(
            {
                "tileMatrix": matrix.id,
                "minTileRow": first_row,
                "maxTileRow": last_row,
                "minTileCol": first_column,
                "maxTileCol": last_column,
            }
        )
    west, south, east, north = layer.bbox
    tiles = {
        "rel": "item",
        "href": f"{summary['links'][0]['href']}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}?v={layer.version}",
        "templated": True,
        "type": "image/png",
        "title": "tiles",
    }
    return {
        **summary,
        "tileMatrixSetLimits": limits,
        "boundingBox": {
            "lowerLeft": [west, south],
            "upperRight": [east, north],
            "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        },
        "links": [*summary["links"], tiles],
    }
