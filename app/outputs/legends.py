"""Legends as other programs read them: a picture, an SLD, a QGIS style. All of them from the nomenclature."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from xml.etree import ElementTree

import cv2
import numpy as np

from app.definitions import Nomenclature

Entry = tuple[tuple[int, int, int], str]
"""(red, green, blue) and the words beside it."""

_ROW_PX = 22
_SWATCH_PX = (28, 14)
_MARGIN_PX = 8
_TEXT_PX = 14
_SLD = "http://www.opengis.net/sld"


@lru_cache(maxsize=16)
def legend_png(entries: tuple[Entry, ...]) -> tuple[bytes, int, int]:
    """A picture with one row per entry; its bytes, width and height in pixels."""
    font = cv2.FontFace("sans")
    width = _text_width(font, [words for _, words in entries]) + _SWATCH_PX[0] + 3 * _MARGIN_PX
    height = _ROW_PX * len(entries) + _MARGIN_PX
    picture = np.full((height, width, 3), 255, np.uint8)
    for number, ((red, green, blue), words) in enumerate(entries):
        top = _MARGIN_PX + number * _ROW_PX
        corner, opposite = (_MARGIN_PX, top), (_MARGIN_PX + _SWATCH_PX[0], top + _SWATCH_PX[1])
        cv2.rectangle(picture, corner, opposite, (blue, green, red), cv2.FILLED)
        # A border: ten of the official colours hardly differ from white.
        cv2.rectangle(picture, corner, opposite, (110, 110, 110), 1)
        place = (2 * _MARGIN_PX + _SWATCH_PX[0], top + _SWATCH_PX[1] - 2)
        cv2.putText(picture, words, place, (20, 20, 20), font, _TEXT_PX)
    _, encoded = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return encoded.tobytes(), width, height


def legend_sld(nomenclature: Nomenclature, layer_id: str) -> str:
    """Styled Layer Descriptor 1.0.0: a colour map of values, for band 1 of the class raster.

    For GeoServer, MapServer and others. QGIS writes SLD of rasters and reads it for vector layers only ("Layer type 1
    not supported"), so its users take the QML.
    """
    ElementTree.register_namespace("", _SLD)
    root = ElementTree.Element(f"{{{_SLD}}}StyledLayerDescriptor", version="1.0.0")
    layer = _sld_child(root, "NamedLayer")
    _sld_child(layer, "Name").text = layer_id
    style = _sld_child(layer, "UserStyle")
    _sld_child(style, "Title").text = nomenclature.title
    rule = _sld_child(_sld_child(style, "FeatureTypeStyle"), "Rule")
    symbolizer = _sld_child(rule, "RasterSymbolizer")
    band = _sld_child(_sld_child(symbolizer, "ChannelSelection"), "GrayChannel")
    _sld_child(band, "SourceChannelName").text = "1"
    colours = _sld_child(symbolizer, "ColorMap")
    colours.set("type", "values")
    for c in nomenclature.classes:
        entry = _sld_child(colours, "ColorMapEntry")
        entry.attrib.update({"color": c.colour, "quantity": str(c.value), "label": c.title_fr, "opacity": "1"})
    return _text(root)


def legend_qml(nomenclature: Nomenclature) -> str:
    """QGIS style of a class GeoTIFF: unique values of band 1 with their names."""
    root = ElementTree.Element("qgis", version="3.22.0", styleCategories="Symbology")
    root.append(class_pipe(nomenclature))
    return _text(root, '<!DOCTYPE qgis PUBLIC "http://mrcc.com/qgis.dtd" "SYSTEM">\n')


def class_pipe(nomenclature: Nomenclature) -> ElementTree.Element:
    """What QGIS draws a class raster with."""
    pipe = ElementTree.Element("pipe")
    renderer = ElementTree.SubElement(
        pipe, "rasterrenderer", type="paletted", band="1", opacity="1", alphaBand="-1", nodataColor=""
    )
    palette = ElementTree.SubElement(renderer, "colorPalette")
    for c in nomenclature.classes:
        ElementTree.SubElement(
            palette, "paletteEntry", value=str(c.value), color=c.colour, alpha="255", label=c.title_fr
        )
    return pipe


def _sld_child(parent: ElementTree.Element, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, f"{{{_SLD}}}{name}")


def _text(root: ElementTree.Element, prolog: str = '<?xml version="1.0" encoding="UTF-8"?>\n') -> str:
    ElementTree.indent(root)
    return prolog + ElementTree.tostring(root, encoding="unicode") + "\n"


def _text_width(font: cv2.FontFace, lines: Sequence[str]) -> int:
    return max(cv2.getTextSize((0, 0), line, (0, 0), font, _TEXT_PX)[2] for line in lines)
