"""Weights files: read without running anything in them, fit to a network strictly, made ready to store."""

from __future__ import annotations

from worker.weights.cards import Installed, card_json, install, read_card
from worker.weights.files import DAMAGED, file_sha256, half_precision
from worker.weights.fitting import load, network_of, read, require_sha256

__all__ = [
    "DAMAGED",
    "Installed",
    "card_json",
    "file_sha256",
    "half_precision",
    "install",
    "load",
    "network_of",
    "read",
    "read_card",
    "require_sha256",
]
