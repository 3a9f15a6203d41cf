"""The landing page of the OGC API, its conformance, and the limits in force."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from app.api import quotas
from app.api.callers import CallerOf
from app.api.openapi import MEDIA_TYPE as OPENAPI_TYPE
from app.api.page import EMBED
from app.settings import settings

router = APIRouter(prefix="/api", tags=["landing"])

_CONFORMANCE = (
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/landing-page",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/json",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tileset",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tilesets-list",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/dataset-tilesets",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/geodata-tilesets",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/collections-selection",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/png",
    "http://www.opengis.net/spec/tms/2.0/conf/tilematrixset",
    "http://www.opengis.net/spec/tms/2.0/conf/tilematrixsetlimits",
    "http://www.opengis.net/spec/tms/2.0/conf/tilesetmetadata",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilematrixset",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilematrixsetlimits",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilesetmetadata",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/json",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/ogc-process-description",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/job-list",
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/dismiss",
)


def link(rel: str, path: str, title: str, type_: str = "application/json") -> dict[str, str]:
    """A link of this service; `path` begins with a slash."""
    return {"rel": rel, "href": settings().public_url + path, "type": type_, "title": title}


@router.get("", summary="What there is, and the limits in force")
def landing(caller: CallerOf) -> dict[str, Any]:
    config = settings()
    relations = "http://www.opengis.net/def/rel/ogc/1.0/"
    return {
        "title": "CoSIA Map",
        "description": "IGN's 16-class land cover: published layers as tiles, and its prediction inside a drawn area.",
        "provider": {"name": config.provider_name, "url": config.provider_url or config.public_url},
        "page": {
            "href": f"{config.public_url}/",
            "embed": {"href": config.public_url + EMBED, "sites": config.embed_sites},
        },
        "contact": {"name": config.contact_name or None, "email": config.contact_email or None},
        "links": [
            link("self", "/api", "this document"),
            link("service-desc", "/api/openapi.json", "OpenAPI", OPENAPI_TYPE),
            link("service-doc", "/api/docs", "API documentation", "text/html"),
            link("conformance", "/api/conformance", "conformance classes"),
            link(f"{relations}conformance", "/api/conformance", "conformance classes"),
            link("data", "/api/collections", "published layers"),
            link(f"{relations}data", "/api/collections", "published layers"),
            link(f"{relations}tilesets-map", "/api/map/tiles", "the layers as one map"),
            link(f"{relations}tiling-schemes", "/api/tileMatrixSets", "tile matrix sets"),
            link(f"{relations}processes", "/api/processes", "processes"),
            link(f"{relations}job-list", "/api/jobs", "your jobs"),
            link("alternate", "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "WMTS 1.0.0", "application/xml"),
            {**link("search", "/api/places?q={q}", "places by name", "application/geo+json"), "templated": True},
            link("related", "/api/stac", "STAC: the GeoTIFFs behind the layers"),
            link("related", "/api/qgis-connections.xml", "QGIS connection file: WMTS", "application/xml"),
            link("related", "/api/qgis-xyz-connections.xml", "QGIS connection file: XYZ tiles", "application/xml"),
        ],
        "limits": {
            "aoi_km2": config.aoi_km2,
            "aoi_vertices": config.aoi_vertices,
            "areas_km2": config.areas_km2,
            "statistics_km2": config.statistics_km2,
            "body_bytes": config.body_bytes,
            "active_jobs": config.active_jobs,
            "km2_per_day": config.km2_per_day,
            "queue_length": config.queue_length,
            "yours": quotas.of_caller(caller),
        },
    }


@router.get("/conformance", summary="Conformance classes")
def conformance() -> dict[str, Any]:
    return {"conformsTo": list(_CONFORMANCE)}
