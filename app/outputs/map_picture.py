"""The map that pictures and reports show: classes in their colours, the outline of the AOI, gaps hatched."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
import rasterio
import shapely
from shapely.geometry.base import BaseGeometry

from app.definitions import Grid
from app.outputs.overviews import overview_factors
from app.outputs.prediction import Prediction

NOT_CLASSIFIED = (225, 225, 225)
"""Colour of what has no class inside the AOI."""

_PAPER, _HATCH, _OUTLINE = (255, 255, 255), (120, 120, 120), (40, 40, 40)
_HATCH_PX = 10
_OUTLINE_PX = 2
# Fractions of a pixel that OpenCV draws with: 2^-4.
_SHIFT = 4


class MapPicture(NamedTuple):
    """pixels: (height, width, 3) uint8 RGB. pixel_m: metres of the grid's plane per pixel."""

    pixels: np.ndarray
    pixel_m: float


def draw_map(prediction: Prediction, long_px: int) -> MapPicture:
    """The map with a long side of half to all of `long_px`; a small AOI has its pixels repeated instead.

    Coarser pixels hold the most frequent class: they are the overviews of the class raster, which is written already.
    """
    classes, factor = _classes(prediction, long_px)
    repeat = max(1, long_px // max(classes.shape))
    classes = classes.repeat(repeat, axis=0).repeat(repeat, axis=1)
    pixel_m = prediction.grid.resolution_m * factor / repeat
    height, width = classes.shape
    inside = _filled(prediction.polygon, prediction.grid, pixel_m, (height, width))
    palette = prediction.nomenclature.palette[:, :3].copy()
    palette[0] = _PAPER
    pixels = palette[classes]
    pixels[(classes == 0) & inside] = NOT_CLASSIFIED
    _hatch(pixels, prediction, inside & (classes == 0), pixel_m)
    cv2.polylines(
        pixels,
        _rings(prediction.polygon, prediction.grid, pixel_m),
        isClosed=True,
        color=_OUTLINE,
        thickness=_OUTLINE_PX,
        lineType=cv2.LINE_AA,
        shift=_SHIFT,
    )
    return MapPicture(pixels, pixel_m)


def hatched(height: int, width: int) -> np.ndarray:
    """(height, width, 3) uint8: how gaps look, here and in legends."""
    rows, columns = np.ogrid[:height, :width]
    stripes = (rows + columns) % _HATCH_PX < _HATCH_PX // 4
    return np.where(stripes[..., None], _HATCH, _PAPER).astype(np.uint8)


def round_length_m(most_m: float) -> int:
    """The longest of 1, 2, 5, 10, 20, 50 … metres that is not longer."""
    most_m = max(1.0, most_m)
    power = int(10 ** math.floor(math.log10(most_m)))
    return next(factor * power for factor in (5, 2, 1) if factor * power <= most_m)


def _classes(prediction: Prediction, long_px: int) -> tuple[np.ndarray, int]:
    """(height, width) uint8 of the finest level that is small enough, and how many pixels a pixel of it stands for."""
    grid = prediction.grid
    factors = [1, *overview_factors(grid.width, grid.height)]
    level = next(n for n, factor in enumerate(factors) if -(-max(grid.width, grid.height) // factor) <= long_px)
    options = {} if level == 0 else {"OVERVIEW_LEVEL": level - 1}
    with prediction.reading("classes") as path, rasterio.open(path, driver="GTiff", **options) as dataset:
        return dataset.read(1), factors[level]


def _hatch(pixels: np.ndarray, prediction: Prediction, empty: np.ndarray, pixel_m: float) -> None:
    if not prediction.gaps:
        return
    gaps = shapely.union_all([shapely.box(*gap.bounds) for gap in prediction.gaps])
    mask = empty & _filled(gaps, prediction.grid, pixel_m, empty.shape)
    pixels[mask] = hatched(*empty.shape)[mask]


def _filled(shape: BaseGeometry, grid: Grid, pixel_m: float, size: tuple[int, ...]) -> np.ndarray:
    """(height, width) bool, inside by even and odd."""
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, _rings(shape, grid, pixel_m), 255, shift=_SHIFT)
    return mask > 0


def _rings(shape: BaseGeometry, grid: Grid, pixel_m: float) -> list[np.ndarray]:
    """Each ring as (n, 2) int32 in fractions of pixels, counted from the middle of the first one."""
    places, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(shape)), return_index=True)
    pixels = (places - (grid.left, grid.top)) / (pixel_m, -pixel_m) - 0.5
    fractions = np.round(pixels * (1 << _SHIFT)).astype(np.int32)
    return np.split(fractions, np.flatnonzero(np.diff(ring)) + 1)
