"""What every stack of the faults starts from: 6 × 4 blocks of imagery, a network of a few thousand numbers, a layer.

Of each block only 96 × 96 px are imagery: reading, predicting and writing it are all real, and take a moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import shapely.geometry
import torch

from app import imagery, models
from app.database import Sessions, connect
from app.database.migrate import migrate
from app.definitions import Band, BlockCell, ModelCard, prediction_grid
from app.storage import FolderStorage, sha256
from tests import published, samples
from tests.imagery_files import random_bytes, write_raster
from worker.architectures import build

COLUMNS, ROWS = 6, 4
GOOD_TILE = "/tiles/town/17/66722/47880.png"
_IMAGERY_PX = 96
_OFFSET_PX = 900

CARD = ModelCard(
    id="tiny",
    title="Tiny",
    description="A network of a few thousand numbers.",
    architecture="unet-resnet",
    parameters={"stem": 4, "encoder": [4, 4, 8, 8], "blocks": [1, 1, 1, 1], "decoder": [8, 8, 4, 4, 4]},
    bands=(Band.R, Band.G, Band.B),
    mean=(0, 0, 0),
    std=(1, 1, 1),
    values=(1, 2, 3),
    margin_px=0,
    training="none",
    licence="MIT",
)


@dataclass(frozen=True)
class Area:
    """A rectangle of blocks to ask for, counted from the north-west corner of the territory."""

    columns: int = 1
    rows: int = 1
    column: int = 0
    row: int = 0

    @property
    def blocks(self) -> int:
        return self.columns * self.rows

    def geometry(self) -> dict[str, Any]:
        first = BlockCell(samples.CELL.column + self.column, samples.CELL.row + self.row)
        last = BlockCell(first.column + self.columns - 1, first.row + self.rows - 1)
        mapping: dict[str, Any] = shapely.geometry.mapping(samples.lonlat_box(first, last))
        return mapping


def cell(column: int, row: int) -> str:
    """COLUMN/ROW of the prediction grid, of a block counted from the corner of the territory."""
    return f"{samples.CELL.column + column}/{samples.CELL.row + row}"


class Territory:
    """The files that all stacks share, and what is written into a database and a data folder of one of them."""

    def __init__(self, folder: Path) -> None:
        self._rasters = folder / "imagery"
        self._rasters.mkdir(parents=True)
        grid = prediction_grid()
        for number in range(COLUMNS * ROWS):
            row, column = divmod(number, COLUMNS)
            block = grid.block(BlockCell(samples.CELL.column + column, samples.CELL.row + row))
            write_raster(
                self._rasters / f"{number:02}.tif",
                random_bytes(5, _IMAGERY_PX, _IMAGERY_PX, seed=number),
                left=block.left + _OFFSET_PX * 0.2,
                top=block.top - _OFFSET_PX * 0.2,
            )
        torch.manual_seed(3)
        self._weights = safetensors.torch.save(build(CARD).state_dict())
        self._scratch = folder / "scratch"
        self._scratch.mkdir()

    def settle(self, database_url: str, data: Path) -> None:
        """Migrates a database and puts the source `ortho`, the model `tiny` and the layer `town` into it and `data`."""
        data.mkdir(parents=True, exist_ok=True)
        engine = connect(database_url)
        migrate(engine)
        sessions, storage = Sessions(engine), FolderStorage(data)
        published.publish_town_and_field(sessions, storage, self._scratch)
        imagery.register(sessions, source_id="ortho", title="Ortho", stack=[self._rasters])
        weights = self._scratch / "weights.safetensors"
        weights.write_bytes(self._weights)
        digest = sha256(weights)
        card = CARD.model_copy(update={"weights": "tiny.safetensors", "sha256": digest})
        with sessions.write() as session:
            models.add_model(session, storage, card, self._weights, digest)
        engine.dispose()
