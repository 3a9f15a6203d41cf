"""Arcs: the boundaries between regions, in pixel corners, each cut where three regions meet and where a part ends.

Corners are (x, y): columns from the left, rows from the top of the grid. Directions are 0 east, 1 north, 2 west,
3 south. Left and right are those of somebody who walks along the arc on a map with north up.
"""

from __future__ import annotations

from array import array
from typing import NamedTuple

import numpy as np

from app.outputs.polygons.patches import Line

EAST, NORTH, WEST, SOUTH = range(4)


class Arcs(NamedTuple):
    """n arcs. Their corners lie behind each other: those of arc i from starts[i] up to starts[i + 1].

    corners: (m, 2) int32; starts: (n + 1,) int64; left, right: (n,) int32 regions, 0 = none; first, last: (n,) int8
    directions of the first and the last step between pixels. A closed arc ends at the corner where it starts.
    """

    corners: np.ndarray
    starts: np.ndarray
    left: np.ndarray
    right: np.ndarray
    first: np.ndarray
    last: np.ndarray


NO_ARCS = Arcs(
    np.zeros((0, 2), np.int32), np.zeros(1, np.int64), *np.zeros((2, 0), np.int32), *np.zeros((2, 0), np.int8)
)


class _Runs(NamedTuple):
    """Straight boundaries between the same two regions: from one corner to the other, east or south."""

    ends: np.ndarray  # (n, 2, 2) int32
    left: np.ndarray
    right: np.ndarray
    direction: np.ndarray


def arcs_within(regions: np.ndarray, column: int, row: int) -> Arcs:
    """The arcs between pixels of a part. regions: (height, width) int32; its top left pixel is (column, row)."""
    down = _runs(regions[:, :-1].T, regions[:, 1:].T, vertical=True, position=column + 1, start=row)
    across = _runs(regions[:-1], regions[1:], vertical=False, position=row + 1, start=column)
    return _chained(_Runs(*(np.concatenate(both) for both in zip(down, across, strict=True))))


def arcs_along(line: Line) -> Arcs:
    """The arcs on a line where parts meet or end; its numbers are regions."""
    runs = _runs(line.before[None], line.after[None], vertical=line.vertical, position=line.position, start=line.start)
    starts = np.arange(0, 2 * len(runs.left) + 1, 2)
    return Arcs(runs.ends.reshape(-1, 2), starts, runs.left, runs.right, runs.direction, runs.direction)


def together(pieces: list[Arcs]) -> Arcs:
    """All arcs of several pieces, in their order."""
    corners, starts, *others = zip(*pieces, strict=True)
    offsets = np.cumsum([0, *(len(some) for some in corners)])
    joined = [some[:-1] + offset for some, offset in zip(starts, offsets, strict=False)]
    return Arcs(
        np.concatenate(corners), np.concatenate([*joined, offsets[-1:]]), *(np.concatenate(some) for some in others)
    )


def _runs(before: np.ndarray, after: np.ndarray, *, vertical: bool, position: int, start: int) -> _Runs:
    """Where two lines of pixels, each (lines, n), belong to different regions. position: of the first line."""
    differ = before != after
    goes_on = differ[:, 1:] & differ[:, :-1] & (before[:, 1:] == before[:, :-1]) & (after[:, 1:] == after[:, :-1])
    begins, ends = differ.copy(), differ
    begins[:, 1:] &= ~goes_on
    ends[:, :-1] &= ~goes_on
    line, first = np.nonzero(begins)
    end = np.nonzero(ends)[1] + 1
    one, other = before[line, first], after[line, first]
    along = np.stack([first + start, end + start], axis=1)
    across = np.repeat(line + position, 2).reshape(-1, 2)
    # Southwards the pixel to the east lies on the left; eastwards the one to the north.
    corners = np.stack([across, along] if vertical else [along, across], axis=2).astype(np.int32)
    left, right = (other, one) if vertical else (one, other)
    direction = np.full(len(line), SOUTH if vertical else EAST, np.int8)
    return _Runs(corners, left, right, direction)


def _chained(runs: _Runs) -> Arcs:
    """Runs put together where two meet and no third.

    Run i is walked forwards as step 2 i, backwards as step 2 i + 1.
    """
    count = len(runs.left)
    follows, is_first = _succession(runs.ends)
    order, lengths = array("q"), array("q")
    onwards, done = follows.data, bytearray(count)
    # Open arcs from their ends first; what is left then are closed ones.
    for candidates in (np.flatnonzero(is_first).data, range(0, 2 * count, 2)):
        for step in candidates:
            if done[step >> 1]:
                continue
            begun = len(order)
            while step >= 0 and not done[step >> 1]:
                done[step >> 1] = True
                order.append(step)
                step = onwards[step]
            lengths.append(len(order) - begun)
    return _arcs(runs, np.frombuffer(order, np.int64), np.frombuffer(lengths, np.int64))


def _succession(ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(the step that goes on after each, -1 where the arc ends; whether an arc begins with it), both (2 n,)."""
    # Place 2 i + k is end k of run i: step 2 i leaves from place 2 i, step 2 i + 1 from place 2 i + 1.
    places = ends.reshape(-1, 2).astype(np.int64)
    keys = places[:, 1] << 32 | places[:, 0]
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    same = np.append(keys[1:] == keys[:-1], False)
    # The first of exactly two places at a corner.
    pairs = same & ~np.append(same[1:], False) & ~np.append(False, same[:-1])[: len(same)]
    first = np.flatnonzero(pairs)
    mate = np.full(len(keys), -1)
    mate[order[first]], mate[order[first + 1]] = order[first + 1], order[first]
    # A step arrives at the other end of its run, and goes on with the step that leaves from the place there.
    return mate[np.arange(len(keys)) ^ 1], mate < 0


def _arcs(runs: _Runs, order: np.ndarray, lengths: np.ndarray) -> Arcs:
    """Arcs of so many steps each."""
    run, back = order >> 1, order & 1
    begins = np.cumsum(lengths) - lengths
    finals = begins + lengths - 1
    starts = np.concatenate([[0], np.cumsum(lengths + 1)])
    corners = np.empty((len(order) + len(lengths), 2), np.int32)
    is_end = np.zeros(len(corners), bool)
    is_end[starts[1:] - 1] = True
    corners[~is_end] = runs.ends[run, back]
    corners[is_end] = runs.ends[run[finals], 1 - back[finals]]
    direction = (runs.direction[run] + 2 * back) % 4
    swapped = back[begins] == 1
    left, right = runs.left[run[begins]], runs.right[run[begins]]
    return Arcs(
        corners,
        starts,
        np.where(swapped, right, left),
        np.where(swapped, left, right),
        direction[begins].astype(np.int8),
        direction[finals].astype(np.int8),
    )
