"""The measures of land-cover mapping, from a confusion matrix (row = reference, column = prediction).

The rules by which means over classes are made differ between FLAIR's publications; each mean says which made it.
Sources: IGNF/FLAIR-1 `src/flair/metrics.py` and FLAIR-HUB `metrics_core.py` (the first rule), the scores that the
FLAIR-INC model cards print (the second: 54.72 with snow, which never occurs, is 58.63 without), FLAIR-2
`src/metrics.py` (the third).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from app.definitions import Language, Nomenclature
from app.quality.report import ClassFigures, Fraction, Mean
from app.quality.wording import wording

_CHALLENGE_CODES = 12
_RULES = wording(Language.ENGLISH).rules
"""The document is in English; its page has the rules in the language of its reader."""


class Agreement(NamedTuple):
    """Sums of a square matrix. hits, reference, predicted: (n,) int64 per class."""

    hits: np.ndarray
    reference: np.ndarray
    predicted: np.ndarray

    @classmethod
    def of(cls, matrix: np.ndarray) -> Agreement:
        return cls(np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0))

    @property
    def union(self) -> np.ndarray:
        union: np.ndarray = self.reference + self.predicted - self.hits
        return union

    @property
    def pixels(self) -> int:
        return int(self.reference.sum())

    @property
    def iou(self) -> list[Fraction]:
        return [share(hit, union) for hit, union in zip(self.hits, self.union, strict=True)]

    @property
    def overall_accuracy(self) -> Fraction:
        return share(self.hits.sum(), self.pixels)

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa: agreement beyond what the class shares alone would give."""
        pixels = self.pixels
        # Python's whole numbers: products of pixel counts leave 64 bits.
        chance = sum(int(a) * int(b) for a, b in zip(self.reference, self.predicted, strict=True))
        if pixels == 0 or chance == pixels**2:
            return None
        return float((int(self.hits.sum()) * pixels - chance) / (pixels**2 - chance))


def share(part: float, whole: float) -> Fraction:
    """None of nothing."""
    return float(part / whole) if whole else None


def reduced(matrix: np.ndarray, values: Sequence[int]) -> np.ndarray:
    """The rows and columns of these values alone."""
    chosen: np.ndarray = matrix[np.ix_(values, values)]
    return chosen


def mean_of_known(values: Sequence[Fraction]) -> Fraction:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def class_figures(matrix: np.ndarray, values: Sequence[int]) -> tuple[ClassFigures, ...]:
    """Figures of each class; matrix: of class values, reduced to these here."""
    agreement = Agreement.of(reduced(matrix, values))
    found = []
    for place, value in enumerate(values):
        hits, reference, predicted = (int(counts[place]) for counts in agreement)
        found.append(
            ClassFigures(
                value=value,
                reference_pixels=reference,
                predicted_pixels=predicted,
                hits=hits,
                precision=share(hits, predicted),
                recall=share(hits, reference),
                iou=share(hits, reference + predicted - hits),
                f1=share(2 * hits, reference + predicted),
                area_ratio=share(predicted, reference),
            )
        )
    return tuple(found)


def means(matrix: np.ndarray, values: Sequence[int], nomenclature: Nomenclature) -> tuple[Mean, ...]:
    """The mean by each rule; matrix: of class values, its last row and column classes outside the nomenclature.

    The twelve-class mean is only there for a nomenclature that knows FLAIR's codes.
    """
    agreement = Agreement.of(reduced(matrix, values))
    occurring = [iou for iou in agreement.iou if iou is not None]
    accuracy = agreement.overall_accuracy
    found = [
        Mean(
            rule="absent-as-zero",
            words=_RULES["absent-as-zero"],
            classes=len(values),
            mean_iou=share(sum(occurring), len(values)) if agreement.pixels else None,
            overall_accuracy=accuracy,
        ),
        Mean(
            rule="occurring",
            words=_RULES["occurring"],
            classes=len(occurring),
            mean_iou=mean_of_known(occurring),
            overall_accuracy=accuracy,
        ),
    ]
    if any(each.flair_code is not None for each in nomenclature.classes):
        found.append(_twelve_classes(matrix, nomenclature))
    return tuple(found)


def _twelve_classes(matrix: np.ndarray, nomenclature: Nomenclature) -> Mean:
    place_of = np.full(len(matrix), _CHALLENGE_CODES)
    for each in nomenclature.classes:
        if each.flair_code is not None and each.flair_code <= _CHALLENGE_CODES:
            place_of[each.value] = each.flair_code - 1
    folded = np.zeros((_CHALLENGE_CODES + 1, _CHALLENGE_CODES + 1), np.int64)
    np.add.at(folded, (place_of[1:, np.newaxis], place_of[np.newaxis, 1:]), matrix[1:, 1:])
    agreement = Agreement.of(folded)
    iou = agreement.iou[:_CHALLENGE_CODES]
    return Mean(
        rule="twelve-classes",
        words=_RULES["twelve-classes"],
        classes=sum(each is not None for each in iou),
        mean_iou=mean_of_known(iou),
        overall_accuracy=agreement.overall_accuracy,
    )
