"""What a prediction or a publication is written as: one writer per format."""

from __future__ import annotations

from app.outputs.blocks import write_block
from app.outputs.category_sidecar import category_sidecar
from app.outputs.cog import FORMAT_VERSION, Part, Progress, write_class_cog, write_confidence_cog
from app.outputs.legends import legend_png, legend_qml, legend_sld
from app.outputs.prediction import Asked, Gap, Prediction, Written
from app.outputs.qgis import raster_definition
from app.outputs.registry import OUTPUTS, Output, copy_outputs, default_outputs, shared_outputs, write_outputs

__all__ = [
    "FORMAT_VERSION",
    "OUTPUTS",
    "Asked",
    "Gap",
    "Output",
    "Part",
    "Prediction",
    "Progress",
    "Written",
    "category_sidecar",
    "copy_outputs",
    "default_outputs",
    "legend_png",
    "legend_qml",
    "legend_sld",
    "raster_definition",
    "shared_outputs",
    "write_block",
    "write_class_cog",
    "write_confidence_cog",
    "write_outputs",
]
