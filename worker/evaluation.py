"""How good a classification is, by the measures of land-cover mapping.

A confusion matrix counts pixels: row = class value of the truth, column = class value predicted. Pixels without truth
(0) do not count; a pixel with truth and no prediction is an error like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MEAN_RULE = (
    "mean of intersection over union over all classes the network was trained on; "
    "a class that never occurs counts as 0 (FLAIR#1)"
)


def confusion_matrix(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """(classes + 1, classes + 1) int64 counts of two uint8 arrays of one shape, values 0 to `classes`."""
    pairs = truth.astype(np.int64).ravel() * (classes + 1) + predicted.ravel()
    matrix = np.bincount(pairs, minlength=(classes + 1) ** 2).reshape(classes + 1, classes + 1)
    matrix[0] = 0
    return matrix


@dataclass(frozen=True)
class Figures:
    """Fractions 0-1. iou: class value -> intersection over union, 0 for a class that never occurs."""

    pixels: int
    overall_accuracy: float
    iou: dict[int, float]

    @property
    def mean_iou(self) -> float:
        """By MEAN_RULE."""
        return sum(self.iou.values()) / len(self.iou)


def figures(matrix: np.ndarray, values: Sequence[int]) -> Figures:
    """The figures of a confusion matrix over the class values that the network was trained on."""
    hits = np.diag(matrix).astype(float)
    union = matrix.sum(axis=0) + matrix.sum(axis=1) - hits
    iou = {value: float(hits[value] / union[value]) if union[value] else 0.0 for value in values}
    pixels = int(matrix.sum())
    return Figures(pixels, float(hits.sum() / pixels) if pixels else 0.0, iou)


def table(matrix: np.ndarray, result: Figures, names: dict[int, str]) -> str:
    """The figures as text: a line per class with its truth in pixels, IoU, recall and most frequent confusion."""
    lines = [f"{'class':<26}{'pixels':>12}{'IoU':>8}{'recall':>8}  most often taken for"]
    for value, iou in result.iou.items():
        row = matrix[value].astype(float)
        seen = row.sum()
        recall = row[value] / seen if seen else 0.0
        row[value] = 0
        other = int(row.argmax())
        confused = f"{names.get(other, 'nodata')} {row[other] / seen:.1%}" if seen and row[other] else "-"
        lines.append(f"{names[value]:<26}{int(seen):>12}{iou:>8.3f}{recall:>8.3f}  {confused}")
    lines.append(f"overall accuracy {result.overall_accuracy:.4f}, mean IoU {result.mean_iou:.4f}: {MEAN_RULE}")
    return "\n".join(lines)
