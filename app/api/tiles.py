"""XYZ tiles of a layer (Web Mercator, 256 px) and their TileJSON."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from app.api.looks import LOOK_PARAMETERS, look_of, path_parameter
from app.api.parameters import allow_only, integer, query_of
from app.api.reading import PlainRoute, json_content, read_route
from app.api.tile_answers import tile_answer
from app.catalogue import Catalogue, Layer
from app.settings import settings
from app.tiling import Style

router = APIRouter(prefix="/tiles", tags=["tiles"])

XYZ = "WebMercatorQuad"
LEAST_ZOOM, MOST_ZOOM = 5, 20
"""Zooms worth asking for: a département in one tile, and pixels of 0.2 m shown twice as large."""

TILE_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {}}, "description": "Palette PNG; the index of a pixel is its value."},
    204: {"description": "The layer has nothing there."},
    304: {"description": "The client has it already."},
}

LayerId = Annotated[str, Path(max_length=64, description="Id of a published layer.")]
Coordinate = Annotated[str, Path(max_length=12, description="A whole number, 0 or more.")]
StyleName = Annotated[
    str | None,
    Query(
        max_length=30,
        description="normal (default), colour-blind or confidence.",
        json_schema_extra={"enum": list(Style)},
    ),
]
Version = Annotated[str | None, Query(max_length=64, description="Content version: such an address never changes.")]

LAYER_PARAMETER = path_parameter("layer", "Id of a published layer.", "cosia-demo-2021")


@read_route(router, "/{layer}/tilejson.json", summary="TileJSON 3.0 of a layer")
async def tilejson(request: Request, layer: LayerId) -> Response:
    allow_only(request, ())
    return json_content(request, _tilejson(catalogue_of(request).layer(layer)))


@router.get(
    "/{layer}/{z}/{x}/{y}.png",
    summary="XYZ tile of a layer",
    response_class=Response,
    responses=TILE_ANSWERS,
    openapi_extra={
        "parameters": [
            LAYER_PARAMETER,
            path_parameter("z", "Zoom, a whole number.", "17"),
            path_parameter("x", "Column, a whole number, from the west.", "66724"),
            path_parameter("y", "Row, a whole number, from the north.", "47884"),
            *LOOK_PARAMETERS,
        ]
    },
)
async def xyz_tile(request: Request) -> Response:
    parts = request.path_params
    layer = catalogue_of(request).layer(parts["layer"])
    look = look_of(request, layer)
    z, x, y = (integer(parts[name], name) for name in ("z", "x", "y"))
    return await tile_answer(request, layer, XYZ, z, x, y, look, query_of(request).get("v"))


PLAIN_ROUTES = [PlainRoute("/tiles/{layer}/{z}/{x}/{y}.png", xyz_tile)]


def catalogue_of(request: Request) -> Catalogue:
    """The catalogue of this process."""
    catalogue: Catalogue = request.app.state.catalogue
    return catalogue


def tile_template(layer: Layer) -> str:
    """Address of the tiles of a layer's current content."""
    return f"{settings().public_url}/tiles/{layer.id}/{{z}}/{{x}}/{{y}}.png?v={layer.version}"


def _tilejson(layer: Layer) -> dict[str, Any]:
    west, south, east, north = layer.bbox
    return {
        "tilejson": "3.0.0",
        "name": layer.title,
        "description": layer.description,
        "version": "1.0.0",
        "attribution": layer.attribution,
        "scheme": "xyz",
        "tiles": [tile_template(layer)],
        "bounds": [west, south, east, north],
        "center": [(west + east) / 2, (south + north) / 2, 15],
        "minzoom": LEAST_ZOOM,
        "maxzoom": MOST_ZOOM,
    }
