"""The finished blocks of jobs, by their place: kept in memory, and brought up to date by the events of the job.

A tile asks for the few that it touches. Reading all rows of a job of 35 000 blocks at each of its tiles would cost a
hundred times what the tile does.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app import jobs
from app.database import BlockRow, JobBlockRow, JobRow
from app.definitions import BlockCell, PredictionGrid, prediction_grid
from app.storage import storage
from app.tiling import RasterRef, TileGrid
from app.tiling.reproject import transformer

_MOST_KEPT = 200_000
"""Blocks kept in memory, of all jobs: some 60 MB."""
_MOST_NEWS = 500
_ENDED_FRESH_S = 60.0
"""Blocks of an ended job go when room is needed, and nothing tells."""


class Finished(NamedTuple):
    """A finished block. value: its most frequent class, 0 where it has none."""

    href: str
    sha256: str
    value: int


@dataclass
class JobBlocks:
    """Those of one job, as of its event `head`."""

    grid: PredictionGrid
    head: int
    read_at: float = field(default_factory=time.monotonic)
    cells: dict[BlockCell, Finished] = field(default_factory=dict)

    def under(self, tile: TileGrid) -> dict[BlockCell, Finished]:
        """Those that may lie under a tile."""
        columns, rows = cells_under(tile, self.grid)
        if len(columns) * len(rows) > len(self.cells):
            return {cell: each for cell, each in self.cells.items() if cell.column in columns and cell.row in rows}
        asked = (BlockCell(column, row) for row in rows for column in columns)
        return {cell: self.cells[cell] for cell in asked if cell in self.cells}

    def raster(self, cell: BlockCell) -> RasterRef:
        """The file of a finished block, as the tile engine knows it."""
        grid, finished = self.grid.block(cell), self.cells[cell]
        return RasterRef.of(storage().gdal_path(finished.href), grid, bands=2, version=finished.sha256)


def cells_under(tile: TileGrid, grid: PredictionGrid) -> tuple[range, range]:
    """Columns and rows of the grid that a tile may touch."""
    inside = transformer(tile.epsg, grid.epsg).transform_bounds(*tile.bounds, densify_pts=21)
    if not all(math.isfinite(side) for side in inside):
        return range(0), range(0)
    left, bottom, right, top = inside
    columns = range(
        math.floor((left - grid.origin_x) / grid.block_m), math.ceil((right - grid.origin_x) / grid.block_m)
    )
    rows = range(math.floor((grid.origin_y - top) / grid.block_m), math.ceil((grid.origin_y - bottom) / grid.block_m))
    return columns, rows


class PreviewBlocks:
    """The blocks of the jobs that were looked at last in this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._jobs: OrderedDict[str, JobBlocks] = OrderedDict()

    def of(self, session: Session, job: JobRow) -> JobBlocks:
        """Those of a job whose row has just been read."""
        with self._lock:
            known = self._jobs.get(job.id)
        if known is not None and known.head >= job.last_event:
            if job.status in jobs.ACTIVE or time.monotonic() - known.read_at < _ENDED_FRESH_S:
                return known
            known = None
        found = _refreshed(session, job, known) if known is not None else None
        if found is None:
            found = JobBlocks(prediction_grid(job.epsg), job.last_event)
            held = select(JobBlockRow.block_key).where(JobBlockRow.job_id == job.id)
            _add(found, session, _finished(job).where(BlockRow.key.in_(held)))
        with self._lock:
            self._jobs[job.id] = found
            self._jobs.move_to_end(job.id)
            while len(self._jobs) > 1 and sum(len(each.cells) for each in self._jobs.values()) > _MOST_KEPT:
                self._jobs.popitem(last=False)
        return found


preview_blocks = PreviewBlocks()
"""Of this process."""


def _refreshed(session: Session, job: JobRow, known: JobBlocks) -> JobBlocks | None:
    """With what has ended since; None where the events do not tell all of it. The old one stays, for others."""
    if job.last_event - known.head > _MOST_NEWS:
        return None
    events = jobs.events_since(session, job.id, known.head, limit=_MOST_NEWS)
    if [event.id for event in events] != list(range(known.head + 1, job.last_event + 1)):
        return None
    found = JobBlocks(known.grid, job.last_event, known.read_at, dict(known.cells))
    keys = _keys(event.data for event in events if event.kind == "block")
    if keys:
        _add(found, session, _finished(job).where(BlockRow.key.in_(keys)))
    return found


def _keys(told: Iterable[dict[str, Any]]) -> Sequence[str]:
    return [str(data["key"]) for data in told if "key" in data]


def _finished(job: JobRow) -> Select[tuple[int, int, str | None, str | None, dict[str, Any] | None]]:
    # Blocks of imagery that the job compares with lie in the same cells.
    return select(BlockRow.grid_column, BlockRow.grid_row, BlockRow.href, BlockRow.sha256, BlockRow.histogram).where(
        BlockRow.status == "done", BlockRow.source_id == job.source_id
    )


def _add(
    blocks: JobBlocks,
    session: Session,
    statement: Select[tuple[int, int, str | None, str | None, dict[str, Any] | None]],
) -> None:
    for column, row, href, sha256, histogram in session.execute(statement):
        blocks.cells[BlockCell(column, row)] = Finished(href or "", sha256 or "", _most_frequent(histogram or {}))


def _most_frequent(histogram: dict[str, Any]) -> int:
    """The class with most pixels; of equally frequent ones the lowest. Nodata has no vote."""
    counts = [(-int(count), int(value)) for value, count in histogram.items() if int(value) and count]
    return min(counts)[1] if counts else 0
