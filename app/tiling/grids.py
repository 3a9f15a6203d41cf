"""The grid of a tile, and how it lies on the grid of a raster."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from app.definitions import Grid
from app.definitions.tile_matrix_set import tile_matrix_set
from app.errors import Unknown


class TileGrid(NamedTuple):
    """Square pixels of `cell_size` CRS units (metres or degrees), `px` on each side, from the top left corner."""

    epsg: int
    left: float
    top: float
    cell_size: float
    px: int

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(left, bottom, right, top), x or longitude first."""
        span = self.cell_size * self.px
        return (self.left, self.top - span, self.left + span, self.top)


@lru_cache(maxsize=4096)  # finding the level and its numbers is a twentieth of a tile from memory
def tile_grid(tms_id: str, z: int, x: int, y: int) -> TileGrid:
    """The grid of tile x (column), y (row, downwards) of level z. Raises Unknown where there is no such tile."""
    tms = tile_matrix_set(tms_id)
    matrix = tms.matrix(str(z))
    if not 0 <= x < matrix.width:
        raise Unknown(f"level {z} of {tms_id} has the columns 0 to {matrix.width - 1}", "tileCol")
    if not 0 <= y < matrix.height:
        raise Unknown(f"level {z} of {tms_id} has the rows 0 to {matrix.height - 1}", "tileRow")
    left, _, _, top = matrix.bounds(x, y)
    return TileGrid(tms.epsg, left, top, matrix.cell_size, matrix.tile_px)


@dataclass(frozen=True)
class Rectangle:
    """Pixels of a grid, counted from its top left corner."""

    column: int
    row: int
    width: int
    height: int

    def clipped(self, width: int, height: int) -> Rectangle | None:
        """The part inside a grid of that shape; None where nothing is left."""
        column, row = max(self.column, 0), max(self.row, 0)
        right, bottom = min(self.column + self.width, width), min(self.row + self.height, height)
        if right <= column or bottom <= row:
            return None
        return Rectangle(column, row, right - column, bottom - row)

    def united(self, other: Rectangle) -> Rectangle:
        """The smallest that holds both."""
        column, row = min(self.column, other.column), min(self.row, other.row)
        right = max(self.column + self.width, other.column + other.width)
        bottom = max(self.row + self.height, other.row + other.height)
        return Rectangle(column, row, right - column, bottom - row)


FULL_RESOLUTION = -1
"""The level of a raster's own pixels; 0 is its finest overview."""

MAGNIFICATION = 1.2
"""How much larger than a tile's the pixels of an overview may be that is read for it."""


def level_for(factors: tuple[int, ...], pixel_ratio: float) -> int:
    """Index of the overview to read (-1 = full resolution) for tile pixels `pixel_ratio` times the raster's.

    The coarsest whose pixels are at most a fifth larger than the tile's: nearest neighbour from it repeats few pixels,
    and the mode in it speaks for pixels that nearest neighbour from a finer one would skip.
    """
    chosen = FULL_RESOLUTION
    for index, factor in enumerate(factors):
        if factor <= MAGNIFICATION * pixel_ratio:
            chosen = index
    return chosen


def aligned(tile: TileGrid, raster: Grid, factors: tuple[int, ...]) -> tuple[int, Rectangle] | None:
    """The level and the pixels of it that are exactly the tile's pixels, or None where they do not coincide.

    An overview of a raster whose sides are no multiple of the factor reaches beyond it: it is never taken whole.
    """
    if tile.epsg != raster.epsg:
        return None
    ratio = tile.cell_size / raster.resolution_m
    factor = round(ratio)
    if factor < 1 or abs(ratio - factor) > 1e-9 * factor or raster.width % factor or raster.height % factor:
        return None
    if factor != 1 and factor not in factors:
        return None
    column, row = (tile.left - raster.left) / tile.cell_size, (raster.top - tile.top) / tile.cell_size
    # A thousandth of a pixel: corners are sums of decimal fractions.
    if abs(column - round(column)) > 1e-3 or abs(row - round(row)) > 1e-3:
        return None
    level = FULL_RESOLUTION if factor == 1 else factors.index(factor)
    return level, Rectangle(round(column), round(row), tile.px, tile.px)
