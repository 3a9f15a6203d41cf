"""Patches: 4-connected pixels of one class, found part by part and joined where parts meet.

A patch is known by its number, counted from 1 through all parts; 0 stands where there is none (nodata).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np


class Labels(NamedTuple):
    """The patches of one part.

    numbers: (height, width) int32, 1 to n, 0 = nodata; values: (n,) uint8, the class of each; first: (n,) int64, the
    index of its first pixel, counted row by row, by which they are ordered.
    """

    numbers: np.ndarray
    values: np.ndarray
    first: np.ndarray


class Line(NamedTuple):
    """A line between pixels along which parts meet or end.

    vertical: at column `position`, from row `start` down; else at row `position`, from column `start` to the right.
    before, after: (n,) int32 patch numbers on its two sides, left and right of it or above and below, 0 = none.
    """

    vertical: bool
    position: int
    start: int
    before: np.ndarray
    after: np.ndarray


def labelled(classes: np.ndarray) -> Labels:
    """The patches of (height, width) uint8 class values."""
    numbers = np.zeros(classes.shape, np.int32)
    found = 0
    for value in np.flatnonzero(np.bincount(classes.ravel(), minlength=256)[1:]) + 1:
        count, components = cv2.connectedComponents((classes == value).view(np.uint8), connectivity=4)
        components[components > 0] += found
        numbers += components
        found += count - 1
    # OpenCV numbers them as its threads happen to meet; the first pixel is the same everywhere.
    first = np.full(found + 1, -1)
    first[numbers.ravel()[::-1]] = np.arange(classes.size)[::-1]
    first[0] = -1
    order = np.argsort(first)
    renumbered = np.empty(found + 1, np.int32)
    renumbered[order] = np.arange(found + 1)
    first = first[order[1:]]
    return Labels(renumbered[numbers], classes.ravel()[first], first)


class Seams:
    """The outermost pixels of parts, kept until those of their neighbours have come. Parts may lie anyhow."""

    def __init__(self) -> None:
        self._sides: dict[tuple[bool, int], tuple[list[_Stretch], list[_Stretch]]] = defaultdict(lambda: ([], []))

    def add(self, column: int, row: int, numbers: np.ndarray) -> None:
        """numbers: (height, width) int32 patch numbers of a part whose top left pixel is (column, row)."""
        height, width = numbers.shape
        self._sides[False, row][1].append((column, numbers[0].copy()))
        self._sides[False, row + height][0].append((column, numbers[-1].copy()))
        self._sides[True, column][1].append((row, numbers[:, 0].copy()))
        self._sides[True, column + width][0].append((row, numbers[:, -1].copy()))

    def lines(self) -> Iterator[Line]:
        for (vertical, position), sides in sorted(self._sides.items()):
            stretches = [*sides[0], *sides[1]]
            start = min(first for first, _ in stretches)
            length = max(first + len(numbers) for first, numbers in stretches) - start
            before, after = (_laid_out(side, start, length) for side in sides)
            yield Line(vertical, position, start, before, after)


_Stretch = tuple[int, np.ndarray]
"""(place of the first pixel along the line, patch numbers)."""


def _laid_out(stretches: list[_Stretch], start: int, length: int) -> np.ndarray:
    numbers = np.zeros(length, np.int32)
    for first, stretch in stretches:
        numbers[first - start : first - start + len(stretch)] = stretch
    return numbers


def joined(count: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(count,) the lowest number of those that pairs a[i], b[i] connect each number with."""
    lowest = np.arange(count)
    while len(a):
        low, high = np.minimum(lowest[a], lowest[b]), np.maximum(lowest[a], lowest[b])
        apart = low != high
        a, b, low, high = a[apart], b[apart], low[apart], high[apart]
        np.minimum.at(lowest, high, low)
        lowest = settled(lowest)
    return lowest


def settled(target: np.ndarray) -> np.ndarray:
    """Where each number ends that follows `target` until it stands for itself."""
    while not np.array_equal(further := target[target], target):
        target = further
    return target
