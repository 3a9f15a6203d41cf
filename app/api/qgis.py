"""Files that QGIS takes: connections for its Data Source Manager, and a layer as a definition to drag onto the map.

QGIS reads one kind of connection per file (QgsManageConnectionsDialog): flat XML, one element per connection.
"""

from __future__ import annotations

from urllib.parse import quote
from xml.etree import ElementTree

from fastapi import APIRouter, Request, Response

from app.api.parameters import allow_only
from app.api.reading import NO_CACHE, content, read_route
from app.api.tiles import LEAST_ZOOM, MOST_ZOOM, LayerId, catalogue_of, tile_template
from app.api.wmts_capabilities import offered_sets
from app.catalogue import Layer
from app.definitions.tile_matrix_set import TileMatrixSet
from app.outputs import raster_definition
from app.settings import settings

router = APIRouter(prefix="/api", tags=["landing"])


@read_route(router, "/qgis-connections.xml", summary="The WMTS as a connection file of QGIS", response_class=Response)
async def wmts_connections(request: Request) -> Response:
    allow_only(request, ())
    root = ElementTree.Element("qgsWMSConnections", version="1.0")
    ElementTree.SubElement(
        root, "wms", name=settings().provider_name, url=f"{settings().public_url}/wmts", dpiMode="7", tilePixelRatio="0"
    )
    return _document(request, root)


@read_route(
    router, "/qgis-xyz-connections.xml", summary="The layers as XYZ connections of QGIS", response_class=Response
)
async def xyz_connections(request: Request) -> Response:
    allow_only(request, ())
    root = ElementTree.Element("qgsXYZTilesConnections", version="1.0")
    for layer in catalogue_of(request).layers():
        ElementTree.SubElement(
            root,
            "xyztiles",
            name=f"{settings().provider_name}: {layer.title}",
            url=tile_template(layer),
            zmin=str(LEAST_ZOOM),
            zmax=str(MOST_ZOOM),
        )
    return _document(request, root)


@read_route(
    router,
    "/collections/{layer}/layer.qlr",
    summary="The WMTS layer as a layer definition of QGIS: drag it onto the map",
    response_class=Response,
)
async def layer_definition(request: Request, layer: LayerId) -> Response:
    allow_only(request, ())
    shown = catalogue_of(request).layer(layer)
    tms = _own_set(shown)
    text = raster_definition(
        identifier=f"cosia_{shown.id}",
        title=shown.title,
        provider="wms",
        datasource=(
            f"contextualWMSLegend=0&crs=EPSG:{tms.epsg}&dpiMode=7&featureCount=10&format=image/png&layers={shown.id}"
            f"&styles={shown.styles[0]}&tileMatrixSet={tms.id}&url={quote(f'{settings().public_url}/wmts', safe='')}"
        ),
        epsg=tms.epsg,
    )
    return content(request, text.encode(), "application/xml", NO_CACHE)


def _own_set(layer: Layer) -> TileMatrixSet:
    """The set that shows the layer's pixels as they are; Web Mercator where no set has its CRS."""
    sets = offered_sets(layer)
    return next((tms for tms in sets if tms.epsg == layer.rasters[0].epsg), sets[0])


def _document(request: Request, root: ElementTree.Element) -> Response:
    ElementTree.indent(root)
    text = f"<!DOCTYPE connections>\n{ElementTree.tostring(root, encoding='unicode')}\n"
    return content(request, text.encode(), "application/xml", NO_CACHE)
