"""From tile pixels to positions in a raster's CRS, without a PROJ call per pixel.

Positions are asked of PROJ at a few Chebyshev nodes and interpolated by the polynomial through them: for the smooth
projections of maps, over at most one tile, the error is far below a hundredth of a pixel. Each polynomial is held
against PROJ at places between its nodes; where it is not good enough, or PROJ has no answer, every pixel is asked.
"""

from __future__ import annotations

import math
import threading
from functools import lru_cache

import numpy as np
from pyproj import Transformer

from app.definitions import Grid

_NODES = 7
_CHECKS = np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.5, 0.22), (0.22, 0.5), (0.78, 0.61)])
"""Fractions of the sides, away from the nodes: corners, where such polynomials err most, and three places inside."""
_MOST_ERROR = 0.125
"""Of a tile pixel, at the checked places; the promise is a quarter everywhere."""
_NOWHERE = -1e9
"""Metres, of what a projection has no position for: outside of any raster."""
_WIDE_M = 50_000.0


class _Transformers(threading.local):
    def __init__(self) -> None:
        self.known: dict[tuple[int, int], Transformer] = {}


_transformers = _Transformers()


def transformer(from_epsg: int, to_epsg: int) -> Transformer:
    """The transformer between two CRS, x or longitude first; built once per thread."""
    key = (from_epsg, to_epsg)
    if key not in _transformers.known:
        _transformers.known[key] = Transformer.from_crs(from_epsg, to_epsg, always_xy=True)
    return _transformers.known[key]


@lru_cache(maxsize=65536)
def bounds_in(grid: Grid, epsg: int) -> tuple[float, float, float, float]:
    """(left, bottom, right, top) of a grid in another CRS, x or longitude first; edges are followed too."""
    if grid.epsg == epsg:
        return grid.bounds
    # Between the points of an edge its bulge is lost: of 1000 km, 40 m with 21 points and 0.5 m with 201.
    points = 21 if max(grid.width, grid.height) * grid.resolution_m < _WIDE_M else 201
    left, bottom, right, top = transformer(grid.epsg, epsg).transform_bounds(*grid.bounds, densify_pts=points)
    return (left, bottom, right, top)


@lru_cache(maxsize=1024)
def _nodes_to_pixels(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes as fractions of a side (n,), and the (size, n) matrix from values there to values at pixel centres."""
    k = np.arange(_NODES)
    nodes = np.cos((2 * k + 1) * np.pi / (2 * _NODES))
    # Barycentric weights of Chebyshev nodes of the first kind (Berrut and Trefethen 2004, section 5).
    weights = (-1.0) ** k * np.sin((2 * k + 1) * np.pi / (2 * _NODES))
    centres = (2 * np.arange(size) + 1) / size - 1
    offsets = centres[:, None] - nodes[None, :]
    on_node = np.abs(offsets) < 1e-12
    terms = weights / np.where(on_node, 1.0, offsets)
    matrix = terms / terms.sum(axis=1, keepdims=True)
    matrix[on_node.any(axis=1)] = on_node[on_node.any(axis=1)]
    return (nodes + 1) / 2, matrix


def positions_in(
    to_epsg: int, from_epsg: int, left: float, top: float, cell_size: float, width: int, height: int
) -> tuple[np.ndarray, np.ndarray]:
    """x and y in `to_epsg`, metres, of the centre of each pixel: two (height, width) float64.

    left, top, cell_size: the pixels asked for, in units of `from_epsg`. Very far away where `to_epsg` has no position.
    """
    fractions_x, across = _nodes_to_pixels(width)
    fractions_y, down = _nodes_to_pixels(height)
    node_x, node_y = np.meshgrid(fractions_x * width, fractions_y * height)
    # Checked at centres of pixels: what lies between the last centre and the edge is never used.
    check_columns = (_CHECKS[:, 0] * (width - 1)).astype(int)
    check_rows = (_CHECKS[:, 1] * (height - 1)).astype(int)
    convert = transformer(from_epsg, to_epsg).transform
    xs, ys = convert(
        left + cell_size * np.concatenate([node_x.ravel(), check_columns + 0.5]),
        top - cell_size * np.concatenate([node_y.ravel(), check_rows + 0.5]),
    )
    if np.isfinite(xs).all() and np.isfinite(ys).all():
        at_nodes = (_NODES, _NODES)
        found_x = down @ xs[: _NODES**2].reshape(at_nodes) @ across.T
        found_y = down @ ys[: _NODES**2].reshape(at_nodes) @ across.T
        exact_x, exact_y = xs[_NODES**2 :], ys[_NODES**2 :]
        errors = np.hypot(found_x[check_rows, check_columns] - exact_x, found_y[check_rows, check_columns] - exact_y)
        if errors.max() <= _MOST_ERROR * pixel_size(found_x, found_y):
            return found_x, found_y
    centres_x, centres_y = np.arange(width) + 0.5, np.arange(height) + 0.5
    xs, ys = convert(*np.meshgrid(left + cell_size * centres_x, top - cell_size * centres_y))
    known = np.isfinite(xs) & np.isfinite(ys)
    return np.where(known, xs, _NOWHERE), np.where(known, ys, _NOWHERE)


def raster_positions(
    from_epsg: int, left: float, top: float, cell_size: float, width: int, height: int, raster: Grid
) -> tuple[np.ndarray, np.ndarray]:
    """As `positions_in`, but column and row in pixels of `raster` from its corner."""
    xs, ys = positions_in(raster.epsg, from_epsg, left, top, cell_size, width, height)
    return (xs - raster.left) / raster.resolution_m, (raster.top - ys) / raster.resolution_m


def pixel_size(xs: np.ndarray, ys: np.ndarray) -> float:
    """Metres between the centres of two neighbouring pixels, in the direction in which they are closer.

    Infinite where there is a single pixel to judge by.
    """
    height, width = xs.shape
    steps = []
    if width > 1:
        steps.append(math.hypot(xs[0, -1] - xs[0, 0], ys[0, -1] - ys[0, 0]) / (width - 1))
    if height > 1:
        steps.append(math.hypot(xs[-1, 0] - xs[0, 0], ys[-1, 0] - ys[0, 0]) / (height - 1))
    return min(steps, default=math.inf)
