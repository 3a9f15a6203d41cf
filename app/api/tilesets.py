"""OGC API - Tiles: tile matrix sets, and the map tilesets of each layer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from app.api.landing import link
from app.api.looks import LOOK_PARAMETERS, look_of, path_parameter
from app.api.parameters import allow_only, integer, query_of
from app.api.reading import PlainRoute, json_content, read_route
from app.api.tile_answers import tile_answer
from app.api.tiles import LAYER_PARAMETER, TILE_ANSWERS, LayerId, catalogue_of
from app.catalogue import Layer
from app.catalogue.overlay import Overlay
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
        "tilesets": [tileset_summary(tms, shown.title, path) for tms in shown.tile_matrix_sets],
        "links": [link("self", path, "this document")],
    }
    return json_content(request, document)


@read_route(router, "/collections/{layer}/map/tiles/{tileMatrixSetId}", summary="A tileset of a layer")
async def tileset(request: Request, layer: LayerId, tileMatrixSetId: TileMatrixSetId) -> Response:  # noqa: N803 - standard
    allow_only(request, ())
    shown = catalogue_of(request).layer(layer)
    path = f"/api/collections/{shown.id}/map/tiles"
    return json_content(request, tileset_document(shown, set_of(shown, tileMatrixSetId), shown.title, path))


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
    tms_id = set_of(layer, parts["tileMatrixSetId"]).id
    z, x, y = (integer(parts[name], name) for name in ("tileMatrix", "tileCol", "tileRow"))
    return await tile_answer(request, layer, tms_id, z, x, y, look, query_of(request).get("v"))


PLAIN_ROUTES = [PlainRoute(f"/api{_TILE_PATH}", map_tile)]


def set_of(layer: Layer | Overlay, tms_id: str) -> TileMatrixSet:
    """A tile matrix set that the layer has tiles in. Raises Unknown, naming those."""
    for tms in layer.tile_matrix_sets:
        if tms.id == tms_id:
            return tms
    known = ", ".join(tms.id for tms in layer.tile_matrix_sets)
    raise Unknown(f"there are no tiles in that set; there are in {known}", "tileMatrixSet")


def tileset_summary(tms: TileMatrixSet, title: str, path: str, query: str = "") -> dict[str, Any]:
    """A tileset as lists show it. path: of the list. query: what every link of it repeats."""
    return {
        "title": f"{title}: {tms.title}",
        "dataType": "map",
        "crs": tms.document["crs"],
        "tileMatrixSetURI": f"{settings().public_url}/api/tileMatrixSets/{tms.id}",
        "links": [
            link("self", f"{path}/{tms.id}{query}", "tileset"),
            link(_SCHEME, f"/api/tileMatrixSets/{tms.id}", "tile matrix set"),
        ],
    }


def tileset_document(
    layer: Layer | Overlay, tms: TileMatrixSet, title: str, path: str, query: str = ""
) -> dict[str, Any]:
    """All of a tileset: its summary, its limits, and where its tiles are."""
    summary = tileset_summary(tms, title, path, query)
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
    address = f"{settings().public_url}{path}/{tms.id}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    tiles = {
        "rel": "item",
        "href": f"{address}{query}{'&' if query else '?'}v={layer.version}",
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
