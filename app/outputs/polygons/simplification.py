"""Arcs with fewer corners: each is simplified once, so that its two neighbours stay identical.

By Douglas and Peucker (The Canadian Cartographer 10/2, 1973; GEOS), whose chords leave the boundary by no more than
the tolerance. A chord is drawn only where nothing lies between it and the corners that it replaces: no corner of
another boundary in their convex hull, and no other chord between the same two ends. Boundaries that did not cross
before then cannot cross, and none changes sides. A chord that is refused is halved at its farthest corner.
"""

from __future__ import annotations

import numpy as np
import shapely

from app.outputs.polygons.arcs import Arcs

_BATCH = 20_000
"""Chords that are looked at a time."""


def simplified(arcs: Arcs, bounds: tuple[int, int, int, int], tolerance_px: float) -> Arcs:
    """The same arcs with a part of their corners. Ends stay, and arcs with a region on one side only stay whole.

    arcs: all those between the pixels of a part, and no others: what lies outside of it cannot be met.
    bounds: (left, top, right, bottom) of the part, in corners.
    """
    kept = _near(arcs, tolerance_px)
    corners = arcs.corners.astype(np.float64)
    southwards = np.argsort(corners[:, 1], kind="stable")
    arc = np.repeat(np.arange(len(arcs.left)), np.diff(arcs.starts))
    untried = None
    while True:
        ends = np.flatnonzero(kept)
        chords = np.stack([ends[:-1], ends[1:]], axis=1)[arc[ends[:-1]] == arc[ends[1:]]]
        bent = chords[:, 1] > chords[:, 0] + 1
        refused = bent & (_are_doubled(chords, arcs.corners) | _run_along(chords, arcs.corners, bounds))
        tried = bent & ~refused if untried is None else bent & ~refused & np.isin(chords[:, 0], untried)
        refused[tried] = _are_crossed(chords[tried], corners, southwards)
        if not refused.any():
            break
        halves = _farthest(chords[refused], corners)
        kept[halves] = True
        untried = np.concatenate([chords[refused, 0], halves])
    return Arcs(arcs.corners[kept], np.concatenate([[0], np.cumsum(kept)])[arcs.starts], *arcs[2:])


def _near(arcs: Arcs, tolerance_px: float) -> np.ndarray:
    """(m,) whether each corner is one of those that Douglas and Peucker leave."""
    lengths = np.diff(arcs.starts)
    is_outline = (arcs.left == 0) | (arcs.right == 0)
    kept = np.repeat(is_outline, lengths)
    kept[arcs.starts[:-1]] = kept[arcs.starts[1:] - 1] = True
    bends = ~is_outline & (lengths > 2)
    if not bends.any():
        return kept
    chosen = np.repeat(bends, lengths)
    lines = shapely.linestrings(
        arcs.corners[chosen].astype(np.float64), indices=np.repeat(np.arange(bends.sum()), lengths[bends])
    )
    left = shapely.get_coordinates(shapely.simplify(lines, tolerance_px, preserve_topology=False))
    # No corner lies on two arcs, or twice on one, but for the ends.
    kept |= chosen & np.isin(_keys(arcs.corners), _keys(left))
    return kept


def _are_doubled(chords: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Whether each chord is a point, or another one has the same ends."""
    ends = np.sort(_keys(corners[chords]), axis=1)
    order = np.lexsort(ends.T)
    same = (ends[order[1:]] == ends[order[:-1]]).all(axis=1)
    doubled: np.ndarray = ends[:, 0] == ends[:, 1]
    doubled[order[1:][same]] = doubled[order[:-1][same]] = True
    return doubled


def _run_along(chords: np.ndarray, corners: np.ndarray, bounds: tuple[int, int, int, int]) -> np.ndarray:
    """Whether both ends of each chord lie on the same side of the part, where boundaries of other parts may run."""
    left, top, right, bottom = bounds
    x, y = corners[chords, 0], corners[chords, 1]
    sides = [x == left, x == right, y == top, y == bottom]
    along: np.ndarray = np.logical_or.reduce([side.all(axis=1) for side in sides])
    return along


def _are_crossed(chords: np.ndarray, corners: np.ndarray, southwards: np.ndarray) -> np.ndarray:
    """Whether a foreign corner lies in the hull of each chord and the corners that it replaces, or on its edge.

    southwards: the corners' indices from the top down. Chords are looked at from the top down, some at a time: an
    index of all corners at once takes gigabytes where classes are noise.
    """
    crossed = np.zeros(len(chords), bool)
    rows = corners[southwards, 1]
    order = np.argsort(corners[chords, 1].min(axis=1), kind="stable")
    for begin in range(0, len(order), _BATCH):
        some = order[begin : begin + _BATCH]
        hulls = _hulls(chords[some], corners)
        bounds = shapely.total_bounds(hulls)
        near = southwards[np.searchsorted(rows, bounds[1]) : np.searchsorted(rows, bounds[3], side="right")]
        tree = shapely.STRtree(np.array(shapely.points(corners[near]), object))
        hull, place = tree.query(hulls, predicate="intersects")
        chord, corner = some[hull], near[place]
        own = (corner >= chords[chord, 0]) & (corner <= chords[chord, 1])
        for end in (0, 1):
            own |= (corners[corner] == corners[chords[chord, end]]).all(axis=1)
        crossed[chord[~own]] = True
    return crossed


def _hulls(chords: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """The convex hull of each chord and the corners that it replaces."""
    lengths = chords[:, 1] - chords[:, 0] + 1
    begins = np.cumsum(lengths) - lengths
    picked = np.arange(lengths.sum()) + np.repeat(chords[:, 0] - begins, lengths)
    lines = shapely.linestrings(corners[picked], indices=np.repeat(np.arange(len(chords)), lengths))
    hulls: np.ndarray = shapely.convex_hull(lines)
    return hulls


def _farthest(chords: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """The corner between the ends of each chord that lies farthest from it; of a point, farthest from that."""
    lengths = chords[:, 1] - chords[:, 0] - 1
    begins = np.cumsum(lengths) - lengths
    chord = np.repeat(np.arange(len(chords)), lengths)
    picked = np.arange(lengths.sum()) + np.repeat(chords[:, 0] + 1 - begins, lengths)
    start, end = corners[chords[chord, 0]], corners[chords[chord, 1]]
    along, out = end - start, corners[picked] - start
    beside = np.abs(along[:, 0] * out[:, 1] - along[:, 1] * out[:, 0])
    distance = np.where((along == 0).all(axis=1), np.hypot(*out.T), beside)
    order = np.lexsort((-distance, chord))
    farthest: np.ndarray = picked[order[begins]]
    return farthest


def _keys(corners: np.ndarray) -> np.ndarray:
    """One number for each corner, whole as they are."""
    whole = corners.astype(np.int64)
    keys: np.ndarray = whole[..., 1] << 32 | whole[..., 0]
    return keys
