"""Regions: patches that go together, because they meet across two parts or because one is too small to stand alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from app.outputs.polygons.patches import joined, settled


class Meetings(NamedTuple):
    """Pairs of patches or regions that share edges, each pair once.

    a, b: (n,) int64 numbers, a < b; length_px: (n,) int64, the edges that they share.
    """

    a: np.ndarray
    b: np.ndarray
    length_px: np.ndarray


class Regions(NamedTuple):
    """region: (patches,) int32, that of each patch, 0 for patch 0; values: (regions,) uint8, the class of each."""

    region: np.ndarray
    values: np.ndarray


def meetings(before: np.ndarray, after: np.ndarray) -> Meetings:
    """How pixels meet that lie side by side: two arrays of the same shape, of patch numbers, 0 = none."""
    apart = (before != after) & (before > 0) & (after > 0)
    one, other = before[apart].astype(np.int64), after[apart].astype(np.int64)
    return _added_up(one, other, np.ones(len(one), np.int64))


def renumbered(met: Iterable[Meetings], number: np.ndarray) -> Meetings:
    """All of these as one, each patch by its new number."""
    some = [np.concatenate(columns) for columns in zip(*met, strict=True)] or [np.zeros(0, np.int64)] * 3
    return _added_up(number[some[0]], number[some[1]], some[2])


def _added_up(a: np.ndarray, b: np.ndarray, length_px: np.ndarray) -> Meetings:
    """Each pair once, whichever comes first in it, with the sum of its lengths."""
    a, b = np.minimum(a, b), np.maximum(a, b)
    order = np.lexsort((b, a))
    a, b, length_px = a[order], b[order], length_px[order]
    first = np.flatnonzero(np.append(True, (a[1:] != a[:-1]) | (b[1:] != b[:-1]))) if len(a) else order
    return Meetings(a[first], b[first], np.add.reduceat(length_px, first) if len(a) else length_px)


def regions(values: np.ndarray, area_px: np.ndarray, met: Meetings, minimum_px: float) -> Regions:
    """Patches of one class that meet, together; then those smaller than the minimum, merged into a neighbour.

    values: (patches,) uint8 class of each; area_px: (patches,) its pixels; both with patch 0, which is no patch.
    A region below the minimum takes the class of the neighbour with which it shares most edges; among equals of the
    larger one, then of the one that comes first. All of them do so at once. Where two choose each other, the larger
    keeps its class. It is done again until none is too small, or has no neighbour: nothing is merged across nodata.
    """
    region = np.arange(len(values))
    while True:
        same = values[met.a] == values[met.b]
        region, values, area_px, met = _contracted(
            joined(len(values), met.a[same], met.b[same]), region, values, area_px, met
        )
        target = _chosen(area_px, met, minimum_px)
        if target is None:
            return Regions(region.astype(np.int32), values)
        region, values, area_px, met = _contracted(settled(target), region, values, area_px, met)


def _contracted(
    root: np.ndarray, region: np.ndarray, values: np.ndarray, area_px: np.ndarray, met: Meetings
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Meetings]:
    """The same with one region in the place of all that have the same root."""
    roots, number = np.unique(root, return_inverse=True)
    area_px = np.bincount(number, area_px, len(roots))
    a, b = number[met.a], number[met.b]
    apart = a != b
    a, b = a[apart], b[apart]
    met = _added_up(a, b, met.length_px[apart])
    return number[region], values[roots], area_px, met


def _chosen(area_px: np.ndarray, met: Meetings, minimum_px: float) -> np.ndarray | None:
    """The neighbour that each region is merged into, itself where it is not; None where none is."""
    one, other = np.concatenate([met.a, met.b]), np.concatenate([met.b, met.a])
    length_px = np.concatenate([met.length_px, met.length_px])
    small = area_px[one] < minimum_px
    one, other, length_px = one[small], other[small], length_px[small]
    if not len(one):
        return None
    order = np.lexsort((other, -area_px[other], -length_px, one))
    first = order[np.append(True, one[order[1:]] != one[order[:-1]])]
    target = np.arange(len(area_px))
    target[one[first]] = other[first]
    # In a chain of choices lengths and areas never fall, so that only two can choose each other.
    number = np.arange(len(area_px))
    mutual = (target[target] == number) & (target != number)
    keeps = mutual & ((area_px > area_px[target]) | ((area_px == area_px[target]) & (number < target)))
    target[keeps] = number[keeps]
    return target
