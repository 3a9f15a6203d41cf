"""The published layers as OGC API collections."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from app.api import legends, quality, tilesets
from app.api.landing import link
from app.api.parameters import allow_only
from app.api.reading import json_content, read_route
from app.api.tiles import LayerId, catalogue_of, tile_template
from app.catalogue import Layer

_LICENCE = "https://www.etalab.gouv.fr/licence-ouverte-open-licence/"

router = APIRouter(prefix="/api", tags=["collections"])
router.include_router(legends.router)
router.include_router(quality.router)
router.include_router(tilesets.router)


@read_route(router, "/collections", summary="The published layers")
async def collections(request: Request) -> Response:
    allow_only(request, ())
    layers = catalogue_of(request).layers()
    document = {
        "collections": [describe(layer) for layer in layers],
        "links": [link("self", "/api/collections", "this document")],
    }
    return json_content(request, document)


@read_route(router, "/collections/{layer}", summary="A published layer")
async def collection(request: Request, layer: LayerId) -> Response:
    allow_only(request, ())
    return json_content(request, describe(catalogue_of(request).layer(layer)))


def describe(layer: Layer) -> dict[str, Any]:
    """The collection document of a layer."""
    path = f"/api/collections/{layer.id}"
    west, south, east, north = layer.bbox
    year = layer.vintage
    interval = [f"{year}-01-01T00:00:00Z", f"{year}-12-31T23:59:59Z"] if year else [None, None]
    return {
        "id": layer.id,
        "title": layer.title,
        "description": layer.description,
        "attribution": layer.attribution,
        "extent": {
            "spatial": {
                "bbox": [[west, south, east, north]],
                "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
            },
            "temporal": {"interval": [interval]},
        },
        "crs": [f"http://www.opengis.net/def/crs/EPSG/0/{epsg}" for epsg in _crs(layer)],
        "cosia:vintage": layer.vintage,
        "cosia:imagery": layer.imagery_source,
        "cosia:model": layer.model,
        "cosia:nomenclature": layer.nomenclature.id,
        "cosia:demonstration": layer.demonstration,
        "cosia:version": layer.version,
        "cosia:styles": list(layer.styles),
        "cosia:resolution_m": layer.resolution_m,
        "cosia:quality": layer.quality,
        "links": [
            link("self", path, "this document"),
            link("http://www.opengis.net/def/rel/ogc/1.0/tilesets-map", f"{path}/map/tiles", "tilesets"),
            link("describedby", f"/tiles/{layer.id}/tilejson.json", "TileJSON"),
            {
                "rel": "item",
                "href": tile_template(layer),
                "templated": True,
                "type": "image/png",
                "title": "XYZ tiles",
            },
            link("legend", f"{path}/legend.json", "legend"),
            link("legend", f"{path}/legend.png", "legend", "image/png"),
            link("style", f"{path}/legend.qml", "QGIS style of the GeoTIFF", "application/xml"),
            link("style", f"{path}/legend.sld", "SLD of the GeoTIFF", "application/vnd.ogc.sld+xml"),
            link("alternate", f"{path}/layer.qlr", "QGIS layer definition: drag it onto the map", "application/xml"),
            link("alternate", f"/api/stac/{layer.id}", "STAC collection: the GeoTIFFs"),
            *quality.links(layer),
            link("wmts", "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "WMTS 1.0.0", "application/xml"),
            {"rel": "license", "href": _LICENCE, "type": "text/html", "title": layer.nomenclature.licence},
        ],
    }


def _crs(layer: Layer) -> list[int]:
    return list(dict.fromkeys(tms.epsg for tms in layer.tile_matrix_sets))
