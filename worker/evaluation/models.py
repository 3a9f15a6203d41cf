"""A model held against references, picture after picture."""

from __future__ import annotations

import numpy as np

from app.definitions import ModelCard, nomenclature
from app.quality.report import QualityReport, Reference, Subject
from worker.evaluation.counts import Scheme
from worker.evaluation.reports import report

BORDER_PX = 5
"""How far from an edge a pixel is near it where nothing else is asked: a metre, about what imagery may be displaced."""


def scheme_of(card: ModelCard, border_px: int = BORDER_PX) -> Scheme:
    """Evaluated are the classes that the model was trained on."""
    return Scheme(
        values=tuple(sorted({value for value in card.values if value})),
        largest=max(nomenclature(card.nomenclature).by_value),
        border_px=border_px,
    )


class ModelCount:
    """The sum over pictures that a model predicted."""

    def __init__(self, card: ModelCard, border_px: int = BORDER_PX) -> None:
        self.card = card
        self.scheme = scheme_of(card, border_px)
        self._counts = np.zeros(self.scheme.length, np.int64)

    def add(self, reference: np.ndarray, classes: np.ndarray, confidence: np.ndarray) -> None:
        """Arrays as `Scheme.count` takes them."""
        self._counts += self.scheme.count(reference, classes, confidence)

    def report(self, reference: str, coding: str | None = None) -> QualityReport:
        """reference: says which pictures these were."""
        card = self.card
        return report(
            self.scheme,
            self.scheme.counts(self._counts),
            nomenclature(card.nomenclature),
            Subject(
                kind="model",
                id=card.id,
                title=card.title,
                version=card.sha256,
                model=card.id,
                nomenclature=card.nomenclature,
            ),
            Reference(name=reference, sha256=None, coding=coding),
            card.resolution_m**2,
        )
