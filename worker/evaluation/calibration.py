"""Whether the confidence of a prediction is the chance that it is right."""

from __future__ import annotations

import numpy as np

from app.definitions import Language
from app.quality.report import Calibration, ConfidenceBin
from app.quality.wording import wording
from worker.evaluation.measures import share

_BINS = 10


def calibration(by_confidence: np.ndarray) -> Calibration | None:
    """by_confidence: (2, 256) pixels by confidence in 1/255, all and right ones. None where there are none."""
    seen, right = by_confidence
    pixels = int(seen.sum())
    if pixels == 0:
        return None
    confidences = np.arange(256)
    # Intervals are open below and closed above, but for the first: whole numbers, so that no limit is a rounded one.
    bin_of = np.maximum(0, -(-confidences * _BINS // 255) - 1)
    bins, error = [], 0.0
    for place in range(_BINS):
        members = bin_of == place
        count, hits = int(seen[members].sum()), int(right[members].sum())
        summed = int((seen * confidences)[members].sum())
        error += abs(hits - summed / 255) / pixels
        bins.append(
            ConfidenceBin(
                above=place / _BINS,
                up_to=(place + 1) / _BINS,
                pixels=count,
                confidence=share(summed, 255 * count),
                accuracy=share(hits, count),
            )
        )
    rule = wording(Language.ENGLISH).calibration_rule.format(bins=_BINS)
    return Calibration(rule=rule, expected_calibration_error=error, bins=tuple(bins))
