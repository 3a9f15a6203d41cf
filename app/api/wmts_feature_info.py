"""Answers of GetFeatureInfo: the class under a pixel, in the formats that GIS clients show."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from app.api.points import class_at
from app.api.wmts_requests import TileRequest
from app.api.wmts_templates import TEMPLATES
from app.tiling import value_at
from app.tiling.reproject import transformer


def feature_info(asked: TileRequest, column: int, row: int, media_type: str) -> str:
    """The class at the centre of a pixel of a tile, at full resolution whatever the level. Raises RasterUnreadable."""
    left, _, _, top = asked.matrix.bounds(asked.column, asked.row)
    x = left + (column + 0.5) * asked.matrix.cell_size
    y = top - (row + 0.5) * asked.matrix.cell_size
    rasters = asked.layer.rasters_in(asked.tms.epsg, (x, y, x, y))
    properties = class_at(asked.layer, value_at(rasters, asked.tms.epsg, x, y))
    lon, lat = (x, y) if asked.tms.epsg == 4326 else transformer(asked.tms.epsg, 4326).transform(x, y)
    return _WRITERS[media_type]({"layer": asked.layer.id, **properties}, round(lon, 8), round(lat, 8))


def _plain(properties: dict[str, Any], lon: float, lat: float) -> str:
    lines = [f"{name}: {'' if value is None else value}" for name, value in properties.items()]
    return "\n".join([*lines, f"lon: {lon}", f"lat: {lat}"]) + "\n"


def _html(properties: dict[str, Any], lon: float, lat: float) -> str:
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{'' if value is None else escape(str(value))}</td></tr>"
        for name, value in {**properties, "lon": lon, "lat": lat}.items()
    )
    return f"<!DOCTYPE html><html><head><title>CoSIA</title></head><body><table>{rows}</table></body></html>"


def _geojson(properties: dict[str, Any], lon: float, lat: float) -> str:
    geometry = {"type": "Point", "coordinates": [lon, lat]}
    feature = {"type": "Feature", "geometry": geometry, "properties": properties}
    return json.dumps({"type": "FeatureCollection", "features": [feature]}, ensure_ascii=False)


def _gml(properties: dict[str, Any], lon: float, lat: float) -> str:
    return TEMPLATES.get_template("wmts_feature_info.xml").render(properties=properties, lon=lon, lat=lat)


_WRITERS = {
    "text/plain": _plain,
    "text/html": _html,
    "application/geo+json": _geojson,
    "application/vnd.ogc.gml": _gml,
}
