"""A prediction of given blocks, as a worker puts it together; the blocks' files are real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from shapely.geometry.base import BaseGeometry

from app import aoi, areas
from app.database import BlockRow
from app.definitions import BlockCell, nomenclature
from app.outputs import Asked, Prediction, write_block
from app.storage import FolderStorage
from tests import samples
from worker.predicted import Clipped, window_grid

CREATED_AT = 1_750_000_000.0  # 2025-06-15T15:06:40Z
FORESTS = np.where(np.arange(2048)[:, None] < 512, 9, 8).astype(np.uint8) * np.ones((1, 2048), np.uint8)
"""A block whose northern quarter is of broad-leaved trees (9), the rest of conifers (8)."""


def block_row(
    storage: FolderStorage, cell: BlockCell, classes: np.ndarray, confidence: np.ndarray | None = None
) -> BlockRow:
    """The row of a block that was predicted, and its file; certain where no confidence is given."""
    href = f"blocks/{cell.column}-{cell.row}.tif"
    with storage.writing(href) as path:
        certain = np.where(classes > 0, 255, 0).astype(np.uint8)
        write_block(path, classes, certain if confidence is None else confidence, samples.GRID.block(cell))
    values, pixels = np.unique(classes, return_counts=True)
    return BlockRow(
        key=f"{cell.column}-{cell.row}",
        epsg=2154,
        grid_column=cell.column,
        grid_row=cell.row,
        source_id="ortho-2021",
        status="done",
        href=href,
        sha256=storage.sha256(href),
        histogram={str(v): n for v, n in zip(values.tolist(), pixels.tolist(), strict=True)},
    )


def failed_row(cell: BlockCell, reason: str) -> BlockRow:
    return BlockRow(
        key=f"{cell.column}-{cell.row}",
        epsg=2154,
        grid_column=cell.column,
        grid_row=cell.row,
        source_id="ortho-2021",
        status="failed",
        reason=reason,
    )


def clipped(
    storage: FolderStorage, rows: Sequence[BlockRow], area: BaseGeometry, *, alive: Any = lambda: None
) -> Clipped:
    polygon = aoi.to_grid_crs(area, 2154)
    return Clipped(
        storage=storage,
        done=[row for row in rows if row.status == "done"],
        failed=[row for row in rows if row.status == "failed"],
        polygon=polygon,
        grid=window_grid(polygon, 2154),
        alive=alive,
    )


def prediction(
    folder: Path,
    blocks: Mapping[BlockCell, np.ndarray],
    area: BaseGeometry,
    *,
    failed: Mapping[BlockCell, str] | None = None,
    **changes: Any,
) -> Prediction:
    """blocks: classes of each cell that was predicted. failed: reasons of cells that were not.

    changes: of the Prediction's fields, and those of what was asked.
    """
    storage = FolderStorage(folder)
    rows = [block_row(storage, cell, classes) for cell, classes in blocks.items()]
    rows += [failed_row(cell, reason) for cell, reason in (failed or {}).items()]
    return of_rows(storage, rows, area, **changes)


def of_rows(storage: FolderStorage, rows: Sequence[BlockRow], area: BaseGeometry, **changes: Any) -> Prediction:
    """The same of blocks that are written already."""
    read = clipped(storage, rows, area)
    read.require_whole()
    asked: dict[str, Any] = {
        "permalink": "0123456789abcdef",
        "address": "http://maps.example/api/jobs/0123456789abcdef",
        "area_m2": float(read.polygon.area),
        "coverage": 1.0,
        "created_at": CREATED_AT,
        "outputs": ("classes", "areas"),
    }
    fields: dict[str, Any] = {
        "grid": read.grid,
        "polygon": read.polygon,
        "aoi": area,
        "classes": read.classes,
        "confidence": read.confidence,
        "areas": {
            **areas.area_table(read.counts, 0.2, nomenclature()),
            "gaps_m2": sum(gap.area_m2 for gap in read.gaps),
            "gaps": [gap.document() for gap in read.gaps],
        },
        "changes": None,
        "gaps": read.gaps,
        "nomenclature": nomenclature(),
        "source": samples.source(),
        "ensemble": samples.ensemble(),
        "storage": storage,
        "alive": lambda: None,
    }
    asked |= {name: changes.pop(name) for name in list(changes) if name in asked or name == "language"}
    return Prediction(**(fields | changes), asked=Asked(**asked))
