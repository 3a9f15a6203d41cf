"""Files that QGIS' Data Source Manager loads: the service among its WMTS connections, the layers among its XYZ tiles.

QGIS reads one kind of connection per file (QgsManageConnectionsDialog): flat XML, one element per connection.
"""

from __future__ import annotations

from xml.etree import ElementTree

from fastapi import APIRouter, Request, Response

from app.api.parameters import allow_only
from app.api.reading import NO_CACHE, content, read_route
from app.api.tiles import LEAST_ZOOM, MOST_ZOOM, catalogue_of, tile_template
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


def _document(request: Request, root: ElementTree.Element) -> Response:
    ElementTree.indent(root)
    text = f"<!DOCTYPE connections>\n{ElementTree.tostring(root, encoding='unicode')}\n"
    return content(request, text.encode(), "application/xml", NO_CACHE)
