"""Grids: a CRS, a transform and a shape; and the fixed grids on which blocks are predicted, one per territory.

Blocks are the level-17 cells of the territory's own 10 cm tile matrix set, in France IGN's `2154_10cm` (DESIGN:
prediction grid): 2048 pixels of 0.2 m, origin (0, 12 000 000), so that block corners and pixel corners are whole
multiples of 0.2 m.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from affine import Affine

BLOCK_PX = 2048


class BlockCell(NamedTuple):
    """A cell of the prediction grid, counted right and down from the grid's origin."""

    column: int
    row: int


@dataclass(frozen=True)
class Grid:
    """Square north-up pixels: EPSG code, top left corner in CRS units, resolution in metres, shape in pixels."""

    epsg: int
    left: float
    top: float
    resolution_m: float
    width: int
    height: int

    @property
    def transform(self) -> Affine:
        """(column, row) of a pixel corner -> (x, y)."""
        return Affine(self.resolution_m, 0.0, self.left, 0.0, -self.resolution_m, self.top)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(left, bottom, right, top) in the grid's CRS."""
        right = self.left + self.width * self.resolution_m
        return (self.left, self.top - self.height * self.resolution_m, right, self.top)

    def window(self, column: int, row: int, width: int, height: int) -> Grid:
        """A rectangle of these pixels, counted from the top left corner; it may reach beyond."""
        left, top = self.left + column * self.resolution_m, self.top - row * self.resolution_m
        return Grid(self.epsg, left, top, self.resolution_m, width, height)

    def grown(self, margin_px: int) -> Grid:
        """The same pixels with `margin_px` more on every side."""
        margin_m = margin_px * self.resolution_m
        return Grid(
            self.epsg,
            self.left - margin_m,
            self.top + margin_m,
            self.resolution_m,
            self.width + 2 * margin_px,
            self.height + 2 * margin_px,
        )


@dataclass(frozen=True)
class PredictionGrid:
    """The fixed grid of one territory."""

    epsg: int
    origin_x: float
    origin_y: float
    resolution_m: float = 0.2
    block_px: int = BLOCK_PX

    @property
    def block_m(self) -> float:
        return self.block_px * self.resolution_m

    def block(self, cell: BlockCell) -> Grid:
        """The pixels of one block, without margin."""
        return Grid(
            self.epsg,
            self.origin_x + cell.column * self.block_m,
            self.origin_y - cell.row * self.block_m,
            self.resolution_m,
            self.block_px,
            self.block_px,
        )

    def cells(self, bounds: tuple[float, float, float, float]) -> Iterator[BlockCell]:
        """Cells whose interior meets (left, bottom, right, top), row by row from the north-west."""
        left, bottom, right, top = bounds
        # A hundredth of a pixel: a bound that lies on a cell's edge but for rounding stays outside that cell.
        slack = 0.01 / self.block_px
        first_column = math.floor((left - self.origin_x) / self.block_m + slack)
        last_column = math.ceil((right - self.origin_x) / self.block_m - slack)
        first_row = math.floor((self.origin_y - top) / self.block_m + slack)
        last_row = math.ceil((self.origin_y - bottom) / self.block_m - slack)
        for row in range(first_row, last_row):
            for column in range(first_column, last_column):
                yield BlockCell(column, row)


# France (Lambert-93), Antilles, Guyane, La Réunion, Mayotte, Saint-Pierre-et-Miquelon (UTM 20N, 22N, 40S, 38S, 21N):
# IGN gives all of its 10 cm grids the same origin.
_PREDICTION_GRIDS = {epsg: PredictionGrid(epsg, 0.0, 12_000_000.0) for epsg in (2154, 5490, 2972, 2975, 4471, 4467)}


def prediction_grid(epsg: int = 2154) -> PredictionGrid:
    """The prediction grid of the territory whose imagery is in that CRS.

    Raises KeyError for a CRS without one: imagery sources are checked when they are registered.
    """
    return _PREDICTION_GRIDS[epsg]


def prediction_crs() -> tuple[int, ...]:
    """EPSG codes that have a prediction grid."""
    return tuple(_PREDICTION_GRIDS)
