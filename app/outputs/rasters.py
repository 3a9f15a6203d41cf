"""Classes and confidence of a prediction as cloud-optimised GeoTIFFs, with what lies beside them for GIS programs."""

from __future__ import annotations

from pathlib import Path

from app.outputs.category_sidecar import category_sidecar
from app.outputs.cog import write_class_cog, write_confidence_cog
from app.outputs.legends import legend_qml
from app.outputs.prediction import Prediction

_DEFLATE_LEVEL = 5
"""Results are made while somebody waits, and expire: 7 saves an eighth of the room in two and a half times as long."""


def write_classes(prediction: Prediction, path: Path) -> None:
    write_class_cog(path, prediction.grid, prediction.classes(), prediction.nomenclature, deflate_level=_DEFLATE_LEVEL)


def write_confidence(prediction: Prediction, path: Path) -> None:
    write_confidence_cog(path, prediction.grid, prediction.confidence())


def write_categories(prediction: Prediction, path: Path) -> None:
    path.write_text(category_sidecar(prediction.nomenclature), encoding="utf-8")


def write_style(prediction: Prediction, path: Path) -> None:
    """QGIS loads it by itself with the raster, because it has the raster's name and lies beside it."""
    path.write_text(legend_qml(prediction.nomenclature), encoding="utf-8")
