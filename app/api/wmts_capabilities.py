"""What the WMTS offers: layers, their tile matrix sets and limits, put into the one template."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from app.api.legends import entries, legend_address
from app.api.wmts_templates import TEMPLATES
from app.catalogue import Layer
from app.definitions.tile_matrix_set import TileMatrix, TileMatrixSet
from app.outputs import legend_png
from app.settings import settings
from app.tiling import Style

SECTIONS = ("ServiceIdentification", "ServiceProvider", "OperationsMetadata", "Contents", "Themes")

INFO_FORMATS = {
    "text/plain": "txt",
    "text/html": "html",
    "application/geo+json": "geojson",
    "application/vnd.ogc.gml": "gml",
}
"""Media type of a GetFeatureInfo answer -> suffix of its resource."""

_STYLE_TITLES = {Style.NORMAL: "Classes, official colours", Style.CONFIDENCE: "Confidence of the prediction"}


class Limits(NamedTuple):
    """First and last tile of a level that the layer has."""

    id: str
    first_column: int
    first_row: int
    last_column: int
    last_row: int


def offered_sets(layer: Layer) -> list[TileMatrixSet]:
    """Truncated sets only: GDAL and older QGIS take the deepest level of a set for the layer's own."""
    return [tms for tms in layer.tile_matrix_sets if tms.matrices[0].id != "0"]


def limits(layer: Layer, tms: TileMatrixSet, matrix: TileMatrix) -> Limits:
    """Tiles of a level that the layer meets."""
    first_column, first_row, last_column, last_row = matrix.limits(layer.bounds(tms.epsg))
    # The published schema calls MaxTileRow and MaxTileCol positive: 0 would not validate.
    return Limits(matrix.id, first_column, first_row, max(1, last_column), max(1, last_row))


def capabilities(layers: Sequence[Layer], sections: Collection[str] = SECTIONS) -> str:
    """The capabilities document with those sections."""
    offered = {tms.id: tms for layer in layers for tms in offered_sets(layer)}
    return TEMPLATES.get_template("wmts_capabilities.xml").render(
        sections=sections,
        public_url=settings().public_url,
        info_formats=INFO_FORMATS,
        layers=[_layer(layer) for layer in layers],
        tile_matrix_sets=list(offered.values()),
    )


def _layer(layer: Layer) -> dict[str, Any]:
    keywords = [layer.nomenclature.title, str(layer.vintage or ""), "demonstration" if layer.demonstration else ""]
    sets = offered_sets(layer)
    return {
        "id": layer.id,
        "title": layer.title,
        "abstract": " ".join(part for part in (layer.description, layer.attribution) if part) or layer.title,
        "keywords": [keyword for keyword in keywords if keyword],
        "version": layer.version,
        "bbox": layer.bbox,
        "boxes": [_box(layer, tms) for tms in {tms.epsg: tms for tms in sets if not tms.latitude_first}.values()],
        "styles": [_style(layer, style) for style in layer.styles],
        "links": [{"id": tms.id, "limits": [limits(layer, tms, matrix) for matrix in tms.matrices]} for tms in sets],
        "rest": f"{settings().public_url}/wmts/1.0.0/{layer.id}"
        "/{Style}/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}",
    }


def _box(layer: Layer, tms: TileMatrixSet) -> dict[str, str]:
    left, bottom, right, top = layer.bounds(tms.epsg)
    return {"crs": tms.crs_urn, "lower": f"{left} {bottom}", "upper": f"{right} {top}"}


def _style(layer: Layer, style: Style) -> dict[str, Any]:
    _, width, height = legend_png(entries(layer, style))
    return {
        "id": style.value,
        "title": _STYLE_TITLES[style],
        "legend": legend_address(layer, style),
        "width": width,
        "height": height,
    }
