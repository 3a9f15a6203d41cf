"""Cloud-optimised GeoTIFFs, written from parts that stream in from the north: memory stays bounded whatever the size.

Each row of tiles is compressed once, in threads, and halved into the row of the overview above it as it passes
(decision 0010).
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np

from app.definitions import Grid, Nomenclature
from app.outputs.kinds import CONFIDENCE, KEPT_LEVEL, Kind, classes_at, compressed, in_whole_tiles
from app.outputs.overviews import overview_factors
from app.outputs.tiff import TILE_PX, Level, framed, write_tiff

Part = tuple[tuple[int, int, int, int], np.ndarray]
"""((column, row, width, height) in pixels of the grid, (height, width) uint8). What no part covers is nodata."""

Progress = Callable[[float], None]
"""Told the fraction done, 0-1."""

FORMAT_VERSION = 3
"""Grows with every change of how files are written: part of what names their content."""


_THREADS = min(8, os.cpu_count() or 1)
_RUN_PX = 32 * TILE_PX
"""Width of what a thread compresses at a time."""
_MAX_WAITING_RUNS = 16
"""Of one level: 32 megapixels that wait for compression."""


def write_class_cog(
    path: Path,
    grid: Grid,
    parts: Iterable[Part],
    nomenclature: Nomenclature,
    progress: Progress | None = None,
    *,
    deflate_level: int = KEPT_LEVEL,
) -> None:
    """Writes a class raster: one byte band with the nomenclature's colour table, names as band metadata.

    parts: from north to south, none begins above where one before it began; ValueError otherwise. Overviews hold the
    most frequent class. Names that GDAL and QGIS show come from `category_sidecar`, beside the file.
    """
    names = {f"CLASS_{c.value}": c.title_fr for c in nomenclature.classes}
    tags = {"NOMENCLATURE": nomenclature.id, **names}
    _write_cog(path, grid, parts, classes_at(deflate_level), nomenclature.palette, tags, progress)


def write_confidence_cog(path: Path, grid: Grid, parts: Iterable[Part], progress: Progress | None = None) -> None:
    """Writes a confidence raster: one byte band, 255 = certain, 0 = nodata; overviews hold the mean.

    parts: as for `write_class_cog`.
    """
    tags = {"DESCRIPTION": "confidence, 255 = certain, 0 = nodata"}
    _write_cog(path, grid, parts, CONFIDENCE, None, tags, progress)


def _write_cog(
    path: Path,
    grid: Grid,
    parts: Iterable[Part],
    kind: Kind,
    palette: np.ndarray | None,
    tags: Mapping[str, str],
    progress: Progress | None,
) -> None:
    with ExitStack() as opened:
        threads = opened.enter_context(ThreadPoolExecutor(_THREADS))
        opened.callback(threads.shutdown, cancel_futures=True)
        # From the coarsest down, so that each knows the one that it is halved into.
        levels: list[_LevelWriter] = []
        for factor in reversed([1, *overview_factors(grid.width, grid.height)]):
            # Nameless files: whatever happens to this process, nothing of them is left.
            tiles = opened.enter_context(tempfile.TemporaryFile(dir=path.parent))
            above = levels[0] if levels else None
            width, height = -(-grid.width // factor), -(-grid.height // factor)
            levels.insert(0, _LevelWriter(width, height, tiles, threads, kind, above))
        for number, band in enumerate(_bands(grid, parts), start=1):
            levels[0].append(band)
            if progress is not None:
                progress(min(1.0, number * TILE_PX / grid.height))
        write_tiff(path, grid, [level.finished() for level in levels], palette, tags)


def _bands(grid: Grid, parts: Iterable[Part]) -> Iterator[np.ndarray]:
    """The rows of tiles from north to south, each (256, width up to whole tiles), nodata where no part lies."""
    begun: dict[int, np.ndarray] = {}

    def band(number: int) -> np.ndarray:
        found = begun.pop(number, None)
        return np.zeros((TILE_PX, in_whole_tiles(grid.width)), np.uint8) if found is None else found

    finished = 0
    for (column, row, width, height), array in parts:
        if row < finished * TILE_PX:
            raise ValueError("parts must come from north to south")
        while finished < row // TILE_PX:
            yield band(finished)
            finished += 1
        for number in range(row // TILE_PX, -(-(row + height) // TILE_PX)):
            top = number * TILE_PX
            first, last = max(row, top), min(row + height, top + TILE_PX)
            begun[number] = rows = band(number)
            rows[first - top : last - top, column : column + width] = array[first - row : last - row]
    for number in range(finished, -(-grid.height // TILE_PX)):
        yield band(number)


class _LevelWriter:
    """The tiles of one resolution as they come in, and the level above it, of half the resolution."""

    def __init__(
        self,
        width: int,
        height: int,
        tiles: IO[bytes],
        threads: ThreadPoolExecutor,
        kind: Kind,
        above: _LevelWriter | None,
    ) -> None:
        self._width, self._height = width, height
        self._tiles, self._sizes = tiles, list[int]()
        self._threads, self._kind, self._above = threads, kind, above
        self._waiting: deque[Future[list[bytes]]] = deque()
        self._half: np.ndarray | None = None

    def append(self, band: np.ndarray) -> None:
        """Takes the next row of tiles, (256, width up to whole tiles); waits while too much is uncompressed."""
        for column in range(0, band.shape[1], _RUN_PX):
            self._waiting.append(
                self._threads.submit(compressed, band[:, column : column + _RUN_PX], self._kind.deflate_level)
            )
        if self._above is not None:
            self._above._take_half(self._kind.halved(band))
        while len(self._waiting) > _MAX_WAITING_RUNS:
            self._write_first()

    def finished(self) -> Level:
        """The level when all rows of the one below have come."""
        if self._half is not None:
            self._take_half(np.zeros_like(self._half))
        while self._waiting:
            self._write_first()
        return Level(self._width, self._height, self._tiles, self._sizes)

    def _take_half(self, rows: np.ndarray) -> None:
        """Upper or lower half of the next row of tiles, (128, …)."""
        if self._half is None:
            self._half = rows
            return
        band = np.zeros((TILE_PX, in_whole_tiles(self._width)), np.uint8)
        band[: len(self._half), : rows.shape[1]] = self._half
        band[len(self._half) :, : rows.shape[1]] = rows
        self._half = None
        self.append(band)

    def _write_first(self) -> None:
        for tile in self._waiting.popleft().result():
            self._sizes.append(len(tile))
            self._tiles.write(framed(tile))
