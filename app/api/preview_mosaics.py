"""Blocks seen from afar: more of them lie under one tile than can be read for it.

Each is shown by a picture of 32 × 32 pixels, made once from its smallest overview and kept; where there are still more,
by the one class that is most frequent in it. Both are modes, as overviews are: nothing is interpolated.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from app.api.preview_blocks import Finished, JobBlocks, cells_under
from app.definitions import BlockCell
from app.outputs.overviews import halved_by_mode
from app.tiling import TileGrid, handles
from app.tiling.grids import Rectangle
from app.tiling.rasters import Band
from app.tiling.reproject import positions_in

MOST_PICTURES = 400
_PICTURE_PX = 32


def mosaic(tile: TileGrid, blocks: JobBlocks, under: dict[BlockCell, Finished]) -> np.ndarray:
    """(px, px) uint8 values of a tile, 0 where no finished block lies. Raises RasterUnreadable.

    under: the blocks that may lie under the tile. Reads files: for a tile thread.
    """
    columns, rows = cells_under(tile, blocks.grid)
    px = _PICTURE_PX if len(under) <= MOST_PICTURES else 1
    together = np.zeros((len(rows) * px, len(columns) * px), np.uint8)
    for cell, finished in under.items():
        column, row = (cell.column - columns.start) * px, (cell.row - rows.start) * px
        together[row : row + px, column : column + px] = (
            finished.value if px == 1 else _picture(blocks.raster(cell).classes)
        )
    grid = blocks.grid
    xs, ys = positions_in(grid.epsg, tile.epsg, tile.left, tile.top, tile.cell_size, tile.px, tile.px)
    pixel_m = grid.block_m / px
    x = np.floor((xs - grid.origin_x) / pixel_m).astype(int) - columns.start * px
    y = np.floor((grid.origin_y - ys) / pixel_m).astype(int) - rows.start * px
    inside = (x >= 0) & (x < together.shape[1]) & (y >= 0) & (y < together.shape[0])
    return np.where(inside, together[np.where(inside, y, 0), np.where(inside, x, 0)], 0).astype(np.uint8)


def version(under: dict[BlockCell, Finished]) -> str:
    """Changes whenever the mosaic of these blocks does."""
    return " ".join(f"{cell.column}/{cell.row}:{finished.sha256}" for cell, finished in sorted(under.items()))


@lru_cache(maxsize=40_000)  # of a kilobyte each
def _picture(band: Band) -> np.ndarray:
    """(32, 32) uint8 of a block."""
    level = len(handles.factors(band)) - 1
    width, height = handles.level_size(band, level)
    values = handles.read(band, level, Rectangle(0, 0, width, height))
    while values.shape[0] > _PICTURE_PX:
        values = halved_by_mode(values)
    return values
