"""What the WMTS offers: layers, their tile matrix sets and limits, put into the one template."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from app.api.legends import entries, legend_address
from app.api.wmts_templates import TEMPLATES
from app.catalogue import Layer
from app.definitions.tile_matrix_set import TileMatrix, TileMatrixSet
from app.outputs import legend_png
from app.publish.results import is_job_layer
from app.settings import settings
from app.tiling import Style

OPERATIONS = ("GetCapabilities", "GetTile", "GetFeatureInfo")
SECTIONS = ("ServiceIdentification", "ServiceProvider", "OperationsMetadata", "Contents", "Themes")

INFO_FORMATS = {
    "text/plain": "txt",
    "text/html": "html",
    "application/geo+json": "geojson",
    "application/vnd.ogc.gml": "gml",
}
"""Media type of a GetFeatureInfo answer -> suffix of its resource."""

_STYLE_TITLES = {
    Style.NORMAL: "Classes, official colours",
    Style.COLOUR_BLIND: "Classes, colours for colour-blind readers",
    Style.CONFIDENCE: "Confidence of the prediction",
}


class Theme(NamedTuple):
    """A group of layers, by their ids."""

    id: str
    title: str
    layers: list[str]


_THEME_ORDER = {"undated": 1, "demonstration": 2, "jobs": 3}
"""After the vintages."""


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


class _Kept(NamedTuple):
    """A rendered document, and what it was rendered from."""

    state: tuple[object, ...]
    document: bytes


_kept: dict[frozenset[str], _Kept] = {}


def capabilities(layers: Sequence[Layer], sections: Collection[str] = SECTIONS) -> bytes:
    """The capabilities document with those sections. Rendered once for each state of the catalogue."""
    state = (settings(), *((layer.id, layer.version, layer.published_at) for layer in layers))
    wanted = frozenset(sections)
    kept = _kept.get(wanted)
    if kept is None or kept.state != state:
        # Two threads may both render it; either result is right.
        kept = _kept[wanted] = _Kept(state, _render(layers, wanted).encode())
    return kept.document


def _render(layers: Sequence[Layer], sections: Collection[str]) -> str:
    offered = {tms.id: tms for layer in layers for tms in offered_sets(layer)}
    nomenclatures = {layer.nomenclature.id: layer.nomenclature for layer in layers}
    return TEMPLATES.get_template("wmts_capabilities.xml").render(
        sections=sections,
        public_url=settings().public_url,
        provider=settings(),
        operations=OPERATIONS,
        info_formats=INFO_FORMATS,
        class_names=[c.title_fr for nomenclature in nomenclatures.values() for c in nomenclature.classes],
        layers=[_layer(layer) for layer in layers],
        tile_matrix_sets=list(offered.values()),
        themes=themes(layers),
    )


def themes(layers: Sequence[Layer]) -> list[Theme]:
    """Each layer in one theme: its vintage, newest first; the demonstration and what users publish apart from them."""
    found: dict[str, Theme] = {}
    for layer in sorted(layers, key=lambda layer: (-(layer.vintage or 0), layer.id)):
        theme_id, title = _theme_of(layer)
        found.setdefault(theme_id, Theme(theme_id, title, [])).layers.append(layer.id)
    return sorted(found.values(), key=lambda theme: _THEME_ORDER.get(theme.id, 0))


def _theme_of(layer: Layer) -> tuple[str, str]:
    if is_job_layer(layer.id):
        return "jobs", "Predictions that users publish"
    if layer.demonstration:
        return "demonstration", "Demonstration"
    if layer.vintage is None:
        return "undated", "Land cover without a vintage"
    return f"vintage-{layer.vintage}", f"Land cover of {layer.vintage}"


def _layer(layer: Layer) -> dict[str, Any]:
    sets = offered_sets(layer)
    return {
        "id": layer.id,
        "title": layer.title,
        "abstract": " ".join(part for part in (layer.description, layer.attribution) if part) or layer.title,
        "keywords": _keywords(layer),
        "version": layer.version,
        "bbox": layer.bbox,
        "boxes": [_box(layer, tms) for tms in {tms.epsg: tms for tms in sets if not tms.latitude_first}.values()],
        "styles": [_style(layer, style) for style in layer.styles],
        "links": [{"id": tms.id, "limits": [limits(layer, tms, matrix) for matrix in tms.matrices]} for tms in sets],
        "rest": f"{settings().public_url}/wmts/1.0.0/{layer.id}"
        "/{Style}/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}",
    }


def _keywords(layer: Layer) -> list[str]:
    """What people would search for. The names of the classes stand once, with the service."""
    kind = "prediction" if is_job_layer(layer.id) else "demonstration" if layer.demonstration else ""
    words = (layer.nomenclature.title, str(layer.vintage or ""), kind, layer.imagery_source or "", layer.model or "")
    return [word for word in words if word]


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
