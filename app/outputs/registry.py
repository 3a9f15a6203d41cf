"""The outputs of jobs: what each is called, and who writes it. Adding a format is a writer and its line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from app.outputs.picture import write_picture
from app.outputs.polygons import write_polygons
from app.outputs.prediction import Prediction
from app.outputs.rasters import write_categories, write_classes, write_confidence, write_style
from app.outputs.report import write_report
from app.outputs.tables import write_areas, write_areas_csv, write_changes, write_changes_csv

Writer = Callable[[Prediction, Path], None]
"""Writes a file whose bytes depend on the prediction alone. Raises Unavailable where blocks cannot be read."""

COG = "image/tiff; application=geotiff; profile=cloud-optimized"
_CSV = "text/csv; charset=utf-8; header=present"


@dataclass(frozen=True)
class Output:
    """One output. file_name: unique among outputs; None, as for the writer, where it is an address and no file.

    needs: outputs that are written before it, asked for or not. by_default: whether it is written when nothing is
    said of outputs. compares: whether it tells of a comparison, and is there only with one.
    """

    name: str
    file_name: str | None
    media_type: str
    title_en: str
    title_fr: str
    write: Writer | None
    needs: tuple[str, ...] = ()
    by_default: bool = True
    compares: bool = False


_ALL = (
    Output(
        "classes", "classes.tif", COG, "Land cover classes (COG)", "Classes d'occupation du sol (COG)", write_classes
    ),
    Output(
        "categories",
        "classes.tif.aux.xml",
        "application/xml",
        "Names of the classes: keep it beside the GeoTIFF",
        "Noms des classes : à garder à côté du GeoTIFF",
        write_categories,
    ),
    Output(
        "style",
        "classes.qml",
        "application/xml",
        "QGIS style of the GeoTIFF: keep it beside it",
        "Style QGIS du GeoTIFF : à garder à côté de lui",
        write_style,
    ),
    Output(
        "confidence",
        "confidence.tif",
        COG,
        "Confidence, 255 = certain (COG)",
        "Confiance, 255 = certaine (COG)",
        write_confidence,
    ),
    Output(
        "areas",
        "areas.json",
        "application/json",
        "Square metres and share per class",
        "Mètres carrés et part par classe",
        write_areas,
    ),
    Output(
        "areas_csv",
        "areas.csv",
        _CSV,
        "Square metres and share per class (CSV: commas, decimal points)",
        "Mètres carrés et part par classe (CSV : virgules, points décimaux)",
        write_areas_csv,
    ),
    Output(
        "changes",
        "changes.json",
        "application/json",
        "Square metres per pair of classes",
        "Mètres carrés par couple de classes",
        write_changes,
        compares=True,
    ),
    Output(
        "changes_csv",
        "changes.csv",
        _CSV,
        "Square metres per pair of classes (CSV: commas, decimal points)",
        "Mètres carrés par couple de classes (CSV : virgules, points décimaux)",
        write_changes_csv,
        compares=True,
    ),
    Output(
        "polygons",
        "polygons.gpkg",
        "application/geopackage+sqlite3",
        "Land cover polygons, as in the official product (GeoPackage)",
        "Polygones d'occupation du sol, comme dans le produit officiel (GeoPackage)",
        write_polygons,
        # As long as the prediction of a block takes on a GPU: those who want them say so.
        by_default=False,
    ),
    Output(
        "picture",
        "picture.png",
        "image/png",
        "Picture with legend",
        "Image avec légende",
        write_picture,
        needs=("classes",),
    ),
    Output(
        "report",
        "report.pdf",
        "application/pdf",
        "Report: map, areas, method, known weaknesses",
        "Rapport : carte, surfaces, méthode, faiblesses connues",
        write_report,
        needs=("classes",),
    ),
    Output(
        "tiles",
        None,
        "application/json",
        "Tiles of the result (TileJSON)",
        "Tuiles du résultat (TileJSON)",
        None,
    ),
)

OUTPUTS = {output.name: output for output in _ALL}
"""By name, in the order in which they are written."""


def default_outputs(*, comparing: bool) -> tuple[str, ...]:
    """Names of what is written when nothing is said of outputs."""
    return tuple(o.name for o in _ALL if o.by_default and (comparing or not o.compares))


def to_write(names: Iterable[str]) -> list[Output]:
    """The outputs of these names that are files, and those that they need, in the order of writing."""
    wanted: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += OUTPUTS[name].needs
    return [output for output in _ALL if output.name in wanted and output.write is not None]
