"""Answers beyond pictures: the class at a point, the areas in a polygon."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from app import aoi, areas
from app.api.bodies import read_json
from app.api.parameters import allow_only
from app.api.reading import CORS, json_content, read_route
from app.api.tile_answers import in_tile_thread
from app.api.tiles import LayerId, catalogue_of
from app.catalogue import Layer
from app.settings import settings
from app.tiling import PointValue, value_at

router = APIRouter(prefix="/api", tags=["collections"])

_AREAS_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/geo+json": {"schema": {"type": "object", "description": "Polygon, longitude/latitude"}}
        },
    }
}


@read_route(router, "/collections/{layer}/point", summary="Class, names, colour and confidence at a point")
async def point(
    request: Request,
    layer: LayerId,
    lon: Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False, description="Degrees.")],
    lat: Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False, description="Degrees.")],
) -> Response:
    allow_only(request, ("lon", "lat"))
    shown = catalogue_of(request).layer(layer)
    rasters = shown.rasters_in(4326, (lon, lat, lon, lat))
    found = await in_tile_thread(lambda: value_at(rasters, 4326, lon, lat))
    return json_content(request, {"lon": lon, "lat": lat, **class_at(shown, found)})


@router.post(
    "/collections/{layer}/areas",
    summary="Square metres per class in a polygon, exact at full resolution",
    openapi_extra=_AREAS_BODY,
)
async def class_areas(request: Request, response: Response, layer: LayerId) -> dict[str, Any]:
    allow_only(request, ())
    shown = catalogue_of(request).layer(layer)
    body = await read_json(request)
    response.headers.update(CORS)
    return await run_in_threadpool(_areas, shown, body)


def class_at(layer: Layer, found: PointValue) -> dict[str, Any]:
    """A value with its names, colour and confidence (0-1); value 0 is nodata or outside."""
    c = layer.nomenclature.by_value.get(found.value)
    confidence = None if found.confidence is None else round(found.confidence / 255, 3)
    if c is None:
        return {
            "value": 0,
            "code": "nodata",
            "title_fr": "Non classé",
            "title_en": "unclassified",
            "colour": None,
            "confidence": confidence,
        }
    return {
        "value": c.value,
        "code": c.code,
        "title_fr": c.title_fr,
        "title_en": c.title_en,
        "colour": c.colour,
        "confidence": confidence,
    }


def _areas(layer: Layer, body: dict[str, Any]) -> dict[str, Any]:
    """Counts in the CRS of the rasters. A polygon over several CRS is counted in each where that CRS has rasters."""
    polygon = aoi.parse(body, most_vertices=settings().aoi_vertices)
    epsg_codes = sorted({raster.epsg for raster in layer.rasters_in(4326, polygon.bounds)})
    asked_m2 = aoi.require_within_limit(polygon, (epsg_codes or [layer.rasters[0].epsg])[0], settings().aoi_km2)
    counts = areas.no_values()
    for epsg in epsg_codes:
        shape = aoi.to_grid_crs(polygon, epsg)
        rasters = [raster for raster in layer.rasters_in(epsg, shape.bounds) if raster.epsg == epsg]
        counts += areas.count_values(areas.read_parts(rasters, shape), shape)
    table = areas.area_table(counts, layer.resolution_m, layer.nomenclature)
    return {"layer": layer.id, "version": layer.version, "asked_m2": asked_m2, **table}
