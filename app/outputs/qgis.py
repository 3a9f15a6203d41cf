"""Layer definitions of QGIS: a raster with its source and, where it has one, its style, to drag onto the map."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from app.outputs.legends import class_pipe
from app.outputs.prediction import Prediction


def raster_definition(
    *,
    identifier: str,
    title: str,
    provider: str,
    datasource: str,
    epsg: int,
    pipe: ElementTree.Element | None = None,
) -> str:
    """The text of a `.qlr`. provider, datasource: QGIS' own names for where the raster comes from. pipe: its style."""
    root = ElementTree.Element("qlr")
    group = ElementTree.SubElement(root, "layer-tree-group", name="", checked="Qt::Checked", expanded="1")
    ElementTree.SubElement(
        group,
        "layer-tree-layer",
        id=identifier,
        name=title,
        checked="Qt::Checked",
        expanded="1",
        providerKey=provider,
    )
    raster = ElementTree.SubElement(ElementTree.SubElement(root, "maplayers"), "maplayer", type="raster")
    ElementTree.SubElement(raster, "id").text = identifier
    ElementTree.SubElement(raster, "datasource").text = datasource
    ElementTree.SubElement(raster, "layername").text = title
    crs = ElementTree.SubElement(ElementTree.SubElement(raster, "srs"), "spatialrefsys")
    ElementTree.SubElement(crs, "authid").text = f"EPSG:{epsg}"
    ElementTree.SubElement(raster, "provider").text = provider
    if pipe is not None:
        raster.append(pipe)
    ElementTree.indent(root)
    return f"<!DOCTYPE qgis-layer-definition>\n{ElementTree.tostring(root, encoding='unicode')}\n"


def write_definition(prediction: Prediction, path: Path) -> None:
    """The class raster as it lies at the service: QGIS reads what it shows, without a download."""
    asked = prediction.asked
    text = raster_definition(
        identifier=f"cosia_{asked.permalink}",
        title=f"{prediction.nomenclature.title}, {prediction.source.title}",
        provider="gdal",
        datasource=f"/vsicurl/{asked.address}/results/{prediction.written['classes'].file_name}",
        epsg=prediction.grid.epsg,
        pipe=class_pipe(prediction.nomenclature),
    )
    path.write_text(text, encoding="utf-8")
