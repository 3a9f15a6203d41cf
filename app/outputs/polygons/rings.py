"""Regions put together again from arcs, so that neighbours have the very same edge."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import shapely

from app.definitions import Grid
from app.outputs.polygons.arcs import Arcs

_BATCH = 20_000
"""Regions whose corners are gathered at a time."""


def polygons(arcs: Arcs, grid: Grid) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Batches of (regions, polygons, area in m²), the regions in ascending order.

    A region is 4-connected, so that it has one outer ring: the one that runs counter-clockwise. Where it touches itself
    at a corner, rings part there, as ISO 19107 asks of a polygon.
    """
    sides, ring_starts, regions = _rings(arcs)
    first = np.flatnonzero(np.append(True, regions[1:] != regions[:-1])) if len(regions) else regions
    bounds = np.append(first[::_BATCH], len(regions))
    for begin, end in pairwise(bounds.tolist()):
        steps = sides[ring_starts[begin] : ring_starts[end]]
        corners, starts = _corners(arcs, steps, ring_starts[begin : end + 1] - ring_starts[begin])
        yield _built(corners, starts, regions[begin:end], grid)


def _rings(arcs: Arcs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(sides of arcs, where each ring starts among them and the last ends, region of each ring), by region.

    Side 2 i has the left of arc i inside, side 2 i + 1 its right and runs backwards.
    """
    count = len(arcs.left)
    region = np.stack([arcs.left, arcs.right], axis=1).ravel()
    places = np.stack([arcs.corners[arcs.starts[:-1]], arcs.corners[arcs.starts[1:] - 1]], axis=1).astype(np.int64)
    keys = (places[..., 1] << 32 | places[..., 0]).ravel()
    leaves = np.stack([arcs.first, (arcs.last + 2) % 4], axis=1).ravel()
    arrives = np.stack([arcs.last, (arcs.first + 2) % 4], axis=1).ravel()
    sides = np.flatnonzero(region)
    # Where a region touches itself at a corner, turning right stays on this side of it.
    departing = sides[np.lexsort((leaves[sides], region[sides], keys[sides]))]
    arriving = sides[np.lexsort(((arrives[sides] + 3) % 4, region[sides], keys[sides ^ 1]))]
    follows = np.full(2 * count, -1)
    follows[arriving] = departing

    onwards, done = follows.data, bytearray(2 * count)
    order, starts = array("q"), array("q", [0])
    for side in sides[np.argsort(region[sides], kind="stable")].data:
        if done[side]:
            continue
        while not done[side]:
            done[side] = True
            order.append(side)
            side = onwards[side]
        starts.append(len(order))
    ordered, ring_starts = np.frombuffer(order, np.int64), np.frombuffer(starts, np.int64)
    return ordered, ring_starts, region[ordered[ring_starts[:-1]]]


def _corners(arcs: Arcs, sides: np.ndarray, ring_starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((n, 2) corners of closed rings behind each other, where each starts and the last ends)."""
    arc, back = sides >> 1, sides & 1
    first, end = arcs.starts[arc], arcs.starts[arc + 1]
    # The last corner of a side is the first of the next one.
    lengths = end - first - 1
    side_starts = np.concatenate([[0], np.cumsum(lengths)])
    within = np.arange(side_starts[-1]) - np.repeat(side_starts[:-1], lengths)
    sign = np.repeat(1 - 2 * back, lengths)
    corners = arcs.corners[np.repeat(np.where(back == 1, end - 1, first), lengths) + sign * within]
    starts = side_starts[ring_starts]
    closed = np.insert(corners, starts[1:], corners[starts[:-1]], axis=0)
    return closed, starts + np.arange(len(starts))


def _built(
    corners: np.ndarray, starts: np.ndarray, regions: np.ndarray, grid: Grid
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Polygons of rings that lie behind each other, those of one region together."""
    areas = _signed_areas(corners, starts)
    order = np.lexsort((areas < 0, regions))
    lengths = np.diff(starts)[order]
    ring_starts = np.concatenate([[0], np.cumsum(lengths)])
    picked = np.arange(ring_starts[-1]) + np.repeat(starts[:-1][order] - ring_starts[:-1], lengths)
    first = np.flatnonzero(np.append(True, regions[1:] != regions[:-1]))
    # To the micrometre: 0.2 has no end in binary, and people read these numbers.
    places = np.round(corners[picked] * (grid.resolution_m, -grid.resolution_m) + (grid.left, grid.top), 6)
    built = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON, places, (ring_starts, np.append(first, len(regions)))
    )
    return regions[first], built, np.add.reduceat(areas[order], first) * grid.resolution_m**2


def _signed_areas(corners: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """(n,) float64 in pixels, exact; positive for a ring that runs counter-clockwise on a map."""
    # Counted from each ring's own first corner: products stay small.
    x, y = (corners - np.repeat(corners[starts[:-1]], np.diff(starts), axis=0)).astype(np.int64).T
    cross = np.zeros(len(corners), np.int64)
    cross[:-1] = x[1:] * y[:-1] - x[:-1] * y[1:]
    # Between the last corner of a ring and the first of the next lies no edge.
    cross[starts[1:] - 1] = 0
    areas: np.ndarray = np.add.reduceat(cross, starts[:-1]) / 2
    return areas
