"""What an evaluation counts, pixel by pixel: exact whole numbers that add up over windows.

A class raster is held against a reference of *marks*: 0 where nothing is known, a class value, or `Scheme.other` for
a class that the nomenclature does not have (a FLAIR mask's "mixed").
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_NO_CLASS = 255  # above every mark: what is not known must not win a minimum


@dataclass(frozen=True)
class Counts:
    """near, inside: (side, side) int64 pixels near edges of the reference and elsewhere; row = mark of the reference,
    column = predicted value, 0 where nothing was predicted. confidence: (2, 256) int64 evaluated pixels by
    confidence, all of them and those that are right."""

    near: np.ndarray
    inside: np.ndarray
    confidence: np.ndarray

    @property
    def matrix(self) -> np.ndarray:
        matrix: np.ndarray = self.near + self.inside
        return matrix


@dataclass(frozen=True)
class Scheme:
    """How pixels are counted. values: the evaluated classes, ascending. largest: greatest value of the nomenclature.
    border_px: how far from an edge a pixel is near it."""

    values: tuple[int, ...]
    largest: int
    border_px: int

    @property
    def other(self) -> int:
        """The mark of a class that the nomenclature does not have."""
        return self.largest + 1

    @property
    def side(self) -> int:
        """Of the matrices: nothing, the class values, `other`."""
        return self.largest + 2

    @property
    def length(self) -> int:
        """Of the vector that `count` gives."""
        return 2 * self.side**2 + 2 * 256

    def count(
        self,
        reference: np.ndarray,
        predicted: np.ndarray,
        confidence: np.ndarray | None = None,
        mask: np.ndarray | None = None,
    ) -> np.ndarray:
        """(length,) int64, to be added up and read by `counts`.

        reference: (height + 2 border, width + 2 border) uint8 marks. predicted, confidence: (height, width) uint8.
        mask: (height, width), 0 where nothing is to be counted. Of a mark of 0 nothing is counted.
        """
        border, side = self.border_px, self.side
        height, width = predicted.shape
        marks = reference[border : border + height, border : border + width]
        if mask is not None:
            marks = np.where(mask, marks, 0)
        near = near_edges(reference, border)[border : border + height, border : border + width]
        columns = np.minimum(predicted, self.other)
        places = (near.astype(np.int32) * side + marks) * side + columns
        matrices = np.bincount(places.ravel(), minlength=2 * side**2).reshape(2, side, side)
        matrices[:, 0] = 0
        by_confidence = np.zeros((2, 256), np.int64)
        if confidence is not None:
            evaluated = np.zeros(256, bool)
            evaluated[list(self.values)] = True
            seen = evaluated[marks] & evaluated[columns]
            by_confidence[0] = np.bincount(confidence[seen], minlength=256)
            by_confidence[1] = np.bincount(confidence[seen & (marks == columns)], minlength=256)
        return np.concatenate([matrices.ravel(), by_confidence.ravel()]).astype(np.int64)

    def counts(self, vector: np.ndarray) -> Counts:
        matrices = vector[: 2 * self.side**2].reshape(2, self.side, self.side)
        return Counts(matrices[1], matrices[0], vector[2 * self.side**2 :].reshape(2, 256))

    def bordered(self, marks: np.ndarray) -> np.ndarray:
        """Marks of a picture of which nothing is known around it, as `count` takes them."""
        return np.pad(marks, self.border_px)


def near_edges(marks: np.ndarray, within_px: int) -> np.ndarray:
    """(height, width) bool: whether another class lies at most so many pixels away, diagonals included.

    The edge of what is known is no edge between classes.
    """
    square = np.ones((2 * within_px + 1, 2 * within_px + 1), np.uint8)
    highest = cv2.dilate(marks, square)
    lowest = cv2.erode(np.where(marks == 0, _NO_CLASS, marks).astype(np.uint8), square)
    near: np.ndarray = highest != lowest
    return near
