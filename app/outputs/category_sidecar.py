"""The `.aux.xml` file that lies beside a class raster: GDAL and QGIS read the names of its classes there."""

from __future__ import annotations

from xml.etree import ElementTree

from app.definitions import Nomenclature

# GDAL's numbers for field types (0 integer, 2 text) and field uses (GDALRATFieldType, GDALRATFieldUsage).
_FIELDS = (
    ("Value", 0, 5),
    ("Class", 2, 2),
    ("Class_en", 2, 0),
    ("Code", 2, 0),
    ("Red", 0, 6),
    ("Green", 0, 7),
    ("Blue", 0, 8),
)
_NODATA_NAME = "Non classé"


def category_sidecar(nomenclature: Nomenclature) -> str:
    """The text of `<raster>.aux.xml`: category names and a raster attribute table for band 1."""
    dataset = ElementTree.Element("PAMDataset")
    band = ElementTree.SubElement(dataset, "PAMRasterBand", band="1")
    names = ElementTree.SubElement(band, "CategoryNames")
    by_value = nomenclature.by_value
    for value in range(max(by_value) + 1):
        name = by_value[value].title_fr if value in by_value else (_NODATA_NAME if value == 0 else "")
        ElementTree.SubElement(names, "Category").text = name
    table = ElementTree.SubElement(band, "GDALRasterAttributeTable", tableType="thematic")
    for index, (name, kind, usage) in enumerate(_FIELDS):
        field = ElementTree.SubElement(table, "FieldDefn", index=str(index))
        ElementTree.SubElement(field, "Name").text = name
        ElementTree.SubElement(field, "Type").text = str(kind)
        ElementTree.SubElement(field, "Usage").text = str(usage)
    for index, c in enumerate(nomenclature.classes):
        row = ElementTree.SubElement(table, "Row", index=str(index))
        for cell in (c.value, c.title_fr, c.title_en, c.code, *c.rgb):
            ElementTree.SubElement(row, "F").text = str(cell)
    ElementTree.indent(dataset)
    return ElementTree.tostring(dataset, encoding="unicode") + "\n"
