"""The legend of a layer, in the forms that programs read."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.api.parameters import allow_only, style_of
from app.api.reading import NO_CACHE, content, json_content, read_route
from app.api.tiles import LayerId, StyleName, catalogue_of
from app.catalogue import Layer
from app.outputs import legend_png, legend_qml, legend_sld
from app.outputs.legends import Entry
from app.settings import settings
from app.tiling import Look, Style
from app.tiling.styles import palette_of

router = APIRouter(prefix="/collections/{layer}", tags=["collections"])

_CONFIDENCE_STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)


@read_route(router, "/legend.json", summary="Classes: value, code, names, colours, family, definition")
async def legend_document(request: Request, layer: LayerId) -> Response:
    allow_only(request, ())
    nomenclature = catalogue_of(request).layer(layer).nomenclature
    classes = [
        {
            "value": c.value,
            "code": c.code,
            "title_fr": c.title_fr,
            "title_en": c.title_en,
            "colour": c.colour,
            "colour_blind": c.colour_blind,
            "family": c.family,
            "definition_fr": c.definition_fr,
            "definition_en": c.definition_en,
        }
        for c in nomenclature.classes
    ]
    families = [family.model_dump() for family in nomenclature.families]
    return json_content(request, {"title": nomenclature.title, "families": families, "classes": classes})


@read_route(router, "/legend.png", summary="Picture of the legend", response_class=Response)
async def legend_picture(request: Request, layer: LayerId, style: StyleName = None) -> Response:
    # Other parameters are let pass: QGIS appends those of a WMS GetLegendGraphic to any LegendURL.
    shown = catalogue_of(request).layer(layer)
    picture, _, _ = legend_png(entries(shown, style_of(shown, style)))
    return content(request, picture, "image/png", NO_CACHE)


@read_route(router, "/legend.sld", summary="SLD of the class GeoTIFF", response_class=Response)
async def sld(request: Request, layer: LayerId) -> Response:
    allow_only(request, ())
    shown = catalogue_of(request).layer(layer)
    text = legend_sld(shown.nomenclature, shown.id)
    return content(request, text.encode(), "application/vnd.ogc.sld+xml", NO_CACHE)


@read_route(router, "/legend.qml", summary="QGIS style of the class GeoTIFF", response_class=Response)
async def qml(request: Request, layer: LayerId) -> Response:
    allow_only(request, ())
    text = legend_qml(catalogue_of(request).layer(layer).nomenclature)
    return content(request, text.encode(), "application/xml", NO_CACHE)


def entries(layer: Layer, style: Style) -> tuple[Entry, ...]:
    """Colours and words of a style's legend."""
    if style.shows_classes:
        rows = [(c.value, c.title_fr) for c in sorted(layer.nomenclature.classes, key=lambda c: c.value)]
    else:
        rows = [(max(1, round(255 * step)), f"{step:.0%}") for step in _CONFIDENCE_STEPS]
    palette = palette_of(Look(style), layer.nomenclature.id)
    return tuple(((int(palette[i, 0]), int(palette[i, 1]), int(palette[i, 2])), words) for i, words in rows)


def legend_address(layer: Layer, style: Style) -> str:
    """Where the picture is."""
    query = "" if style is Style.NORMAL else f"?style={style}"
    return f"{settings().public_url}/api/collections/{layer.id}/legend.png{query}"
