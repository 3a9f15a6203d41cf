"""The outputs of jobs: what each is called, and who writes it. Adding a format is a writer and its line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.outputs import stac
from app.outputs.picture import write_picture
from app.outputs.polygons import write_polygons
from app.outputs.prediction import Prediction, Written
from app.outputs.qgis import write_definition
from app.outputs.rasters import write_categories, write_classes, write_confidence, write_style
from app.outputs.report import write_report
from app.outputs.tables import write_areas, write_areas_csv, write_changes, write_changes_csv
from app.storage import Storage

Writer = Callable[[Prediction, Path], None]
"""Writes a file whose bytes depend on the prediction alone. Raises Unavailable where blocks cannot be read."""

_COG = "image/tiff; application=geotiff; profile=cloud-optimized"
_CSV = "text/csv; charset=utf-8; header=present"
_JSON = "application/json"
_XML = "application/xml"


@dataclass(frozen=True)
class Output:
    """One output. file_name: unique among outputs; None, as for the writer, where it is an address and no file.

    roles: of a STAC asset. needs: outputs that are written before it, asked for or not. by_default: whether it is
    written when nothing is said of outputs. compares: whether it tells of a comparison, and is there only with one.
    of_job: whether it names the job itself, so that an equal job needs one of its own.
    """

    name: str
    file_name: str | None
    media_type: str
    title_en: str
    title_fr: str
    write: Writer | None
    roles: tuple[str, ...] = ("data",)
    needs: tuple[str, ...] = ()
    by_default: bool = True
    compares: bool = False
    of_job: bool = False


_ALL = (
    Output(
        "classes", "classes.tif", _COG, "Land cover classes (COG)", "Classes d'occupation du sol (COG)", write_classes
    ),
    Output(
        "categories",
        "classes.tif.aux.xml",
        _XML,
        "Names of the classes: keep it beside the GeoTIFF",
        "Noms des classes : à garder à côté du GeoTIFF",
        write_categories,
        roles=("metadata",),
    ),
    Output(
        "style",
        "classes.qml",
        _XML,
        "QGIS style of the GeoTIFF: keep it beside it",
        "Style QGIS du GeoTIFF : à garder à côté de lui",
        write_style,
        roles=("metadata",),
    ),
    Output(
        "qgis",
        "classes.qlr",
        _XML,
        "QGIS layer definition: drag it onto the map",
        "Définition de couche QGIS : à glisser sur la carte",
        write_definition,
        roles=("metadata",),
        needs=("classes",),
        of_job=True,
    ),
    Output(
        "confidence",
        "confidence.tif",
        _COG,
        "Confidence, 255 = certain (COG)",
        "Confiance, 255 = certaine (COG)",
        write_confidence,
        roles=("data", "confidence"),
    ),
    Output(
        "areas",
        "areas.json",
        _JSON,
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
        _JSON,
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
    # Takes as long as the prediction of a block on a GPU: those who want polygons say so.
    Output(
        "polygons",
        "polygons.gpkg",
        "application/geopackage+sqlite3",
        "Land cover polygons, as in the official product (GeoPackage)",
        "Polygones d'occupation du sol, comme dans le produit officiel (GeoPackage)",
        write_polygons,
        by_default=False,
    ),
    Output(
        "picture",
        "picture.png",
        "image/png",
        "Picture with legend",
        "Image avec légende",
        write_picture,
        roles=("overview",),
        needs=("classes",),
    ),
    Output(
        "report",
        "report.pdf",
        "application/pdf",
        "Report: map, areas, method, known weaknesses",
        "Rapport : carte, surfaces, méthode, faiblesses connues",
        write_report,
        roles=("metadata",),
        needs=("classes",),
        of_job=True,
    ),
    # Last of the files: it tells of all others.
    Output(
        "stac",
        stac.FILE_NAME,
        stac.GEOJSON,
        "STAC item of the result",
        "Description STAC du résultat",
        stac.write_stac,
        roles=("metadata",),
        of_job=True,
    ),
    Output("tiles", None, _JSON, "Tiles of the result (TileJSON)", "Tuiles du résultat (TileJSON)", None),
)

OUTPUTS = {output.name: output for output in _ALL}
"""By name, in the order in which they are written."""


def default_outputs(*, comparing: bool) -> tuple[str, ...]:
    """Names of what is written when nothing is said of outputs."""
    return tuple(o.name for o in _ALL if o.by_default and (comparing or not o.compares))


def write_outputs(prediction: Prediction, folder: str) -> dict[str, Written]:
    """Writes what was asked for, and what that needs, into a folder of the storage, but for what is written already."""
    for output in _wanted(prediction.asked.outputs):
        if output.write is not None and output.name not in prediction.written:
            href = f"{folder}/{output.file_name}"
            with prediction.storage.writing(href) as path:
                output.write(prediction, path)
            prediction.written[output.name] = _written(
                prediction.storage, output, href, prediction.storage.sha256(href)
            )
            prediction.alive()
    return prediction.written


def copy_outputs(
    storage: Storage, names: Iterable[str], folder: str, results: Mapping[str, str], checksums: Mapping[str, str]
) -> dict[str, Written]:
    """Copies those outputs of an equal job that do not name the job; what is gone or damaged there is left out.

    names: what is asked for. folder: to copy to. results, checksums: href and sha256 of the other job's, by name.
    """
    copied = {}
    for output in _wanted(names):
        if output.write is None or output.of_job or output.name not in checksums:
            continue
        href = f"{folder}/{output.file_name}"
        if storage.copy(results[output.name], href, checksums[output.name]):
            copied[output.name] = _written(storage, output, href, checksums[output.name])
    return copied


def shared_outputs(names: Iterable[str]) -> set[str]:
    """The names of what is written for these that an equal job may take over."""
    return {output.name for output in _wanted(names) if output.write is not None and not output.of_job}


def _written(storage: Storage, output: Output, href: str, sha256: str) -> Written:
    return Written(
        href,
        output.file_name or "",
        output.media_type,
        output.title_en,
        output.roles,
        sha256,
        storage.size_bytes(href),
    )


def _wanted(names: Iterable[str]) -> list[Output]:
    """The outputs of these names and those that they need, in the order of writing."""
    wanted: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += OUTPUTS[name].needs
    return [output for output in _ALL if output.name in wanted]
