"""Polygons onto pixels: a pixel has the class of the polygon that holds its centre.

Rows of pixel centres are cut with all edges at once. An edge that two polygons share is cut at the same place for
both, whichever way each of them draws it, so that neighbours leave no gap and never overlap. Ties are broken as GDAL's
rasterize does: a centre on an edge belongs to what lies below it, or left of it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely

from app.definitions import Grid


class Spans(NamedTuple):
    """Runs of pixels in rows, in the order of their polygons.

    first, end: (n,) int64, index of pixels counted row by row, end excluded. values: (n,) uint8.
    """

    first: np.ndarray
    end: np.ndarray
    values: np.ndarray


def spans(polygons: np.ndarray, values: np.ndarray, grid: Grid) -> Spans:
    """The pixels of a grid inside polygons or multipolygons (shapely, in the grid's CRS); inside is where a line
    from outside has crossed an odd number of rings. values: (n,) uint8, one a polygon.
    """
    owners, upper, lower = _edges(polygons, grid)
    # A row is cut from its upper end (included) to its lower end (excluded): a vertex counts once.
    first_row = np.clip(np.ceil(upper[:, 1] - 0.5), 0, grid.height).astype(np.int64)
    rows = np.clip(np.ceil(lower[:, 1] - 0.5), 0, grid.height).astype(np.int64) - first_row
    cut = rows > 0
    owners, upper, lower, first_row, rows = (array[cut] for array in (owners, upper, lower, first_row, rows))
    slope = (lower[:, 0] - upper[:, 0]) / (lower[:, 1] - upper[:, 1])

    edge = np.repeat(np.arange(len(rows)), rows)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(rows) - rows, rows) + first_row[edge]
    crossing = upper[edge, 0] + (row + 0.5 - upper[edge, 1]) * slope[edge]
    column = np.clip(np.floor(crossing + 0.5), 0, grid.width).astype(np.int64)

    # Sorted by polygon, row and column, crossings come in pairs: into the polygon and out of it.
    stride = grid.width + 1
    crossings = np.sort((owners[edge] * grid.height + row) * stride + column)
    crossings = crossings[: len(crossings) // 2 * 2].reshape(-1, 2)
    crossings = crossings[crossings[:, 1] > crossings[:, 0]]
    lines, columns = np.divmod(crossings[:, 0], stride)
    owner, row = np.divmod(lines, grid.height)
    first = row * grid.width + columns
    return Spans(first, first + crossings[:, 1] - crossings[:, 0], values[owner])


def painted(grid: Grid, runs: Spans) -> np.ndarray:
    """(height, width) uint8 of spans, 0 between them. Where they overlap, the one that comes first in `runs` holds."""
    order = np.argsort(runs.first, kind="stable")
    first, end, values = runs.first[order], runs.end[order], runs.values[order]
    reached = np.concatenate([[0], np.maximum.accumulate(end)[:-1]]) if len(end) else end
    pixels = grid.width * grid.height
    # Alternately a gap and a span, each as long as what no span before it covers.
    bounds = np.empty(2 * len(first) + 1, np.int64)
    bounds[0:-1:2], bounds[1::2], bounds[-1] = np.maximum(first, reached), np.maximum(end, reached), pixels
    runs_of = np.zeros(len(bounds), np.uint8)
    runs_of[1::2] = values
    flat = np.repeat(runs_of, np.diff(bounds, prepend=0))
    overlapping = np.flatnonzero((first < reached) | (end > np.append(first[1:], pixels)))
    for i in overlapping[np.argsort(order[overlapping])][::-1].tolist():
        flat[first[i] : end[i]] = values[i]
    return flat.reshape(grid.height, grid.width)


def _edges(polygons: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(index of the polygon, upper end, lower end) of every edge; ends (n, 2) as column and row from the grid's corner.

    The order of the ends does not depend on the way a ring is drawn: that makes shared edges the same edge.
    """
    parts, of_polygon = shapely.get_parts(polygons, return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    vertices, of_ring = shapely.get_coordinates(rings, return_index=True)
    vertices = (vertices - (grid.left, grid.top)) * (1.0, -1.0) / grid.resolution_m
    joined = of_ring[1:] == of_ring[:-1]
    start, end = vertices[:-1][joined], vertices[1:][joined]
    down = (start[:, 1] < end[:, 1])[:, None]
    owners = of_polygon[of_part[of_ring[:-1][joined]]]
    return owners, np.where(down, start, end), np.where(down, end, start)
