"""What is defined rather than programmed: one JSON file is one definition, the folder is the registry."""

from __future__ import annotations

from app.definitions.augmentation import Augmentation
from app.definitions.ensemble import (
    MOST_MEMBERS,
    Ensemble,
    Member,
    bands_of,
    extra_inputs_of,
    margin_of,
    parts_of,
    predicted_by,
)
from app.definitions.extra_input import ExtraInput
from app.definitions.grid import BLOCK_PX, BlockCell, Grid, PredictionGrid, prediction_grid
from app.definitions.imagery_source import ImagerySource, shipped_imagery_sources
from app.definitions.language import Language
from app.definitions.model_card import ModelCard, require_extra_inputs, shipped_model_cards, shipped_weights
from app.definitions.nomenclature import LandCoverClass, Nomenclature, nomenclature
from app.definitions.photographs import PHOTOGRAPH_YEARS, Photographs
from app.definitions.remote_service import RemoteLayer, RemoteService
from app.definitions.roles import Band, Role
from app.definitions.satellite_series import SERIES_BANDS, SERIES_COVERS, SatelliteSeries

__all__ = [
    "BLOCK_PX",
    "MOST_MEMBERS",
    "PHOTOGRAPH_YEARS",
    "SERIES_BANDS",
    "SERIES_COVERS",
    "Augmentation",
    "Band",
    "BlockCell",
    "Ensemble",
    "ExtraInput",
    "Grid",
    "ImagerySource",
    "LandCoverClass",
    "Language",
    "Member",
    "ModelCard",
    "Nomenclature",
    "Photographs",
    "PredictionGrid",
    "RemoteLayer",
    "RemoteService",
    "Role",
    "SatelliteSeries",
    "bands_of",
    "extra_inputs_of",
    "margin_of",
    "nomenclature",
    "parts_of",
    "predicted_by",
    "prediction_grid",
    "require_extra_inputs",
    "shipped_imagery_sources",
    "shipped_model_cards",
    "shipped_weights",
]
