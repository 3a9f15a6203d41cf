"""What is defined rather than programmed: one JSON file is one definition, the folder is the registry."""

from __future__ import annotations

from app.definitions.augmentation import Augmentation
from app.definitions.grid import BLOCK_PX, BlockCell, Grid, PredictionGrid, prediction_grid
from app.definitions.imagery_source import Band, ImagerySource, Role
from app.definitions.model_card import ModelCard, shipped_model_cards, shipped_weights
from app.definitions.nomenclature import LandCoverClass, Nomenclature, nomenclature

__all__ = [
    "BLOCK_PX",
    "Augmentation",
    "Band",
    "BlockCell",
    "Grid",
    "ImagerySource",
    "LandCoverClass",
    "ModelCard",
    "Nomenclature",
    "PredictionGrid",
    "Role",
    "nomenclature",
    "prediction_grid",
    "shipped_model_cards",
    "shipped_weights",
]
