"""A layer as a STAC 1.1 collection, its rasters as items: what a program wants to know before it opens a GeoTIFF.

Extensions: projection (the grid), classification (the classes), raster (scale of the confidence), file (digest).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import shapely

from app.api import quality
from app.api.landing import link
from app.api.rasters import COG, RasterFile, raster_address
from app.catalogue import Layer
from app.database import RasterRow
from app.outputs.stac import (
    CONFIDENCE_BAND,
    EXTENSIONS,
    GEOJSON,
    LICENCE,
    SHA2_256,
    VERSION,
    class_band,
    year_period,
)
from app.settings import settings


def collection(layer: Layer) -> dict[str, Any]:
    path = f"/api/stac/{layer.id}"
    start, end = _period(layer) or (None, None)
    producer = {"name": layer.attribution or settings().provider_name, "roles": ["producer"]}
    host = {
        "name": settings().provider_name,
        "roles": ["host"],
        "url": settings().provider_url or settings().public_url,
    }
    return {
        "type": "Collection",
        "stac_version": VERSION,
        "stac_extensions": list(EXTENSIONS),
        "id": layer.id,
        "title": layer.title,
        "description": layer.description or layer.title,
        "keywords": ["land cover", layer.nomenclature.title, *([str(layer.vintage)] if layer.vintage else [])],
        "license": LICENCE,
        "providers": [producer, host],
        "extent": {"spatial": {"bbox": [list(layer.bbox)]}, "temporal": {"interval": [[start, end]]}},
        "summaries": {
            "gsd": [layer.resolution_m],
            "proj:code": sorted({f"EPSG:{raster.epsg}" for raster in layer.rasters}),
            **({} if layer.quality is None else {"cosia:quality": [layer.quality]}),
        },
        "item_assets": {
            "classes": {
                "title": "Land cover classes",
                "type": COG,
                "roles": ["data"],
                **class_band(layer.nomenclature),
            },
            "categories": {
                "title": "Names of the classes: keep it beside the GeoTIFF",
                "type": "application/xml",
                "roles": ["metadata"],
            },
        },
        "links": [
            link("self", path, "this document"),
            link("root", "/api/stac", "all layers"),
            link("parent", "/api/stac", "all layers"),
            link("items", f"{path}/items", "rasters", GEOJSON),
            link("alternate", f"/api/collections/{layer.id}", "the layer as an OGC API collection"),
            *quality.links(layer),
        ],
    }


def item(layer: Layer, row: RasterRow) -> dict[str, Any]:
    path = f"/api/stac/{layer.id}"
    assets = {
        "classes": {
            "href": raster_address(layer.id, row.name, RasterFile.CLASSES),
            "title": "Land cover classes",
            "type": COG,
            "roles": ["data"],
            "file:checksum": SHA2_256 + row.sha256,
            **class_band(layer.nomenclature),
        },
        "categories": {
            "href": raster_address(layer.id, row.name, RasterFile.CATEGORIES),
            "title": "Names of the classes: keep it beside the GeoTIFF",
            "type": "application/xml",
            "roles": ["metadata"],
        },
    }
    if row.confidence_href is not None:
        assets["confidence"] = {
            "href": raster_address(layer.id, row.name, RasterFile.CONFIDENCE),
            "title": "Confidence of the prediction, 1 = certain",
            "type": COG,
            "roles": ["data", "confidence"],
            **CONFIDENCE_BAND,
        }
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": list(EXTENSIONS),
        "id": row.name,
        "collection": layer.id,
        "geometry": shapely.geometry.mapping(row.footprint),
        "bbox": list(row.footprint.bounds),
        "properties": {
            **_time(layer),
            "title": f"{layer.title}, {row.name}",
            "gsd": row.resolution_m,
            "proj:code": f"EPSG:{row.epsg}",
            "proj:shape": [row.height, row.width],
            "proj:transform": [row.resolution_m, 0.0, row.left, 0.0, -row.resolution_m, row.top],
        },
        "assets": assets,
        "links": [
            link("self", f"{path}/items/{row.name}", "this document", GEOJSON),
            link("root", "/api/stac", "all layers"),
            link("parent", path, layer.title),
            link("collection", path, layer.title),
        ],
    }


def _time(layer: Layer) -> dict[str, Any]:
    """The year of the imagery; of a layer without one, when it was published."""
    published = datetime.fromtimestamp(layer.published_at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    period = _period(layer)
    if period is None:
        return {"datetime": published, "updated": published}
    return {"datetime": None, "start_datetime": period[0], "end_datetime": period[1], "updated": published}


def _period(layer: Layer) -> tuple[str, str] | None:
    return None if layer.vintage is None else year_period(layer.vintage)
