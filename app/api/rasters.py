"""The GeoTIFFs behind a layer, to download or to read in place: GDAL asks for the ranges that it needs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from app.api.downloads import file_response
from app.api.parameters import allow_only
from app.api.reading import CORS, NO_CACHE, read_route
from app.api.tiles import LayerId, catalogue_of
from app.catalogue.rasters import raster
from app.database import RasterRow, sessions
from app.errors import Unknown
from app.settings import settings
from app.storage import storage

router = APIRouter(prefix="/api/collections/{layer}/rasters", tags=["collections"])

COG = "image/tiff; application=geotiff; profile=cloud-optimized"


class RasterFile(StrEnum):
    """The files of a raster, by how their names end."""

    CONFIDENCE = ".confidence.tif"
    CATEGORIES = ".tif.aux.xml"
    CLASSES = ".tif"


def raster_address(layer_id: str, name: str, file: RasterFile) -> str:
    return f"{settings().public_url}/api/collections/{layer_id}/rasters/{name}{file}"


@read_route(router, "/{file}", summary="A GeoTIFF of a layer, or what lies beside it", response_class=Response)
def raster_file(
    request: Request,
    layer: LayerId,
    file: Annotated[str, Path(max_length=300, description="NAME.tif, NAME.confidence.tif or NAME.tif.aux.xml.")],
) -> Response:
    allow_only(request, ())
    layer_id = catalogue_of(request).layer(layer).id
    kind = next((kind for kind in RasterFile if file.endswith(kind)), None)
    if kind is None:
        raise Unknown("there is no such file: their names end in .tif, .confidence.tif or .tif.aux.xml", "file")
    with sessions().read() as session:
        row = raster(session, layer_id, file.removesuffix(kind))
    href = _href(row, kind)
    media_type = "application/xml" if kind is RasterFile.CATEGORIES else COG
    # The key in the name of a published file follows from all that went in, confidence too.
    etag = f"{PurePosixPath(row.href).stem}-{row.sha256}{kind}"
    answer = file_response(request, storage(), href, media_type, f"{layer_id}-{file}", etag=etag)
    answer.headers.update({**CORS, "Cache-Control": NO_CACHE})
    return answer


def _href(row: RasterRow, kind: RasterFile) -> str:
    if kind is RasterFile.CLASSES:
        return row.href
    if kind is RasterFile.CATEGORIES:
        return f"{row.href}.aux.xml"
    if row.confidence_href is None:
        raise Unknown("this raster has no confidence", "file")
    return row.confidence_href
