"""Imagery of map servers: asked politely in fixed cells, checked, and kept."""

from __future__ import annotations

from app.imagery.remote.answers import CellPixels
from app.imagery.remote.cells import Cell, Lattice, RemoteCells
from app.imagery.remote.pace import least_seconds_per_block, requests_per_block
from app.imagery.remote.probe import check_service

__all__ = [
    "Cell",
    "CellPixels",
    "Lattice",
    "RemoteCells",
    "check_service",
    "least_seconds_per_block",
    "requests_per_block",
]
