"""The file of one predicted block: class and confidence, each with the overviews that suit it."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np

from app.definitions import Grid
from app.outputs.kinds import CONFIDENCE, Kind, classes_at, compressed, in_whole_tiles
from app.outputs.overviews import overview_factors
from app.outputs.tiff import TILE_PX, Level, framed, write_tiff

_CLASSES = classes_at(deflate_level=6)  # publications, which are kept for good, take more time for less space


def write_block(path: Path, classes: np.ndarray, confidence: np.ndarray, grid: Grid) -> None:
    """Writes a band-interleaved GeoTIFF: band 1 class value, band 2 confidence; equal arrays give equal bytes.

    classes, confidence: (height, width) uint8; 0 is nodata in both, confidence 255 = certain.
    Overviews: the most frequent class, the mean confidence. Raises OSError where the file cannot be written.
    """
    shape = (grid.height, grid.width)
    if classes.shape != shape or confidence.shape != shape:
        raise ValueError(f"arrays of {classes.shape} and {confidence.shape} for a grid of {shape}")
    bands = [(classes, _CLASSES), (confidence, CONFIDENCE)]
    levels = []
    for factor in [1, *overview_factors(grid.width, grid.height)]:
        bands = [(_filled(array), kind) for array, kind in bands]
        levels.append(_level(-(-grid.width // factor), -(-grid.height // factor), bands))
        bands = [(kind.halved(array), kind) for array, kind in bands]
    write_tiff(path, grid, levels, bands=len(bands))


def _filled(array: np.ndarray) -> np.ndarray:
    """With nodata below and to the right, up to whole tiles."""
    height, width = array.shape
    return np.pad(array, [(0, in_whole_tiles(height) - height), (0, in_whole_tiles(width) - width)])


def _level(width: int, height: int, bands: Sequence[tuple[np.ndarray, Kind]]) -> Level:
    """One resolution, the tiles of a band after those of the one before."""
    tiles = [
        tile
        for array, kind in bands
        for row in range(0, len(array), TILE_PX)
        for tile in compressed(array[row : row + TILE_PX], kind.deflate_level)
    ]
    return Level(width, height, BytesIO(b"".join(map(framed, tiles))), [len(tile) for tile in tiles])
