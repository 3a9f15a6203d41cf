"""Imagery to predict from: the demonstration territory, set side by side until it is large enough.

What a network sees is as varied as the demonstration, and takes no longer to make: copies differ in their place alone.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import rasterio
import shapely
from affine import Affine

from app.aoi import from_grid_crs
from app.database import ImageryFileRow, ImagerySourceRow, Sessions
from app.definitions import BLOCK_PX, Band, BlockCell, ImagerySource, Role, prediction_grid
from app.demonstration import territory
from app.demonstration.territory import make_territory
from app.imagery import register

_INSET_M = 1.0
_GRID = prediction_grid(territory.EPSG)
_BLOCKS = territory.SIZE_PX // BLOCK_PX
FIRST = BlockCell(round(territory.LEFT_M / _GRID.block_m), round((_GRID.origin_y - territory.TOP_M) / _GRID.block_m))
"""The north-western block."""


class Square(NamedTuple):
    """A rectangle of blocks, counted right and down from the north-western one of the imagery."""

    column: int
    row: int
    columns: int = 1
    rows: int = 1

    @property
    def cells(self) -> list[BlockCell]:
        return [
            BlockCell(FIRST.column + self.column + column, FIRST.row + self.row + row)
            for row in range(self.rows)
            for column in range(self.columns)
        ]

    @property
    def polygon(self) -> shapely.Polygon:
        """In lon/lat, a metre inside the blocks, so that it asks for these and for no others."""
        bounds = shapely.bounds([shapely.box(*_GRID.block(cell).bounds) for cell in self.cells])
        left, bottom, right, top = bounds[:, 0].min(), bounds[:, 1].min(), bounds[:, 2].max(), bounds[:, 3].max()
        box = shapely.box(left + _INSET_M, bottom + _INSET_M, right - _INSET_M, top - _INSET_M)
        return from_grid_crs(box, _GRID.epsg)  # type: ignore[return-value]  # a polygon stays one


def write(folder: Path, territories: int) -> Path:
    """Files of `territories` × `territories` copies of the territory (each of 3 × 3 blocks); gives their folder."""
    made, placed = _territory(), folder / "imagery"
    placed.mkdir()
    side_m = territory.SIZE_PX * territory.RESOLUTION_M
    for path in made:
        role = path.name.partition("_")[0]
        for right in range(territories):
            for down in range(territories):
                _place(path, placed, role, Affine.translation(right * side_m, -down * side_m))
    return placed


def add(sessions: Sessions, source_id: str, placed: Path) -> ImagerySource:
    """Registers the files under that name. Blocks of one name are never those of another."""
    roles = {role: sorted(placed.glob(f"{role}_*.tif")) for role in ("rgb", "irc", "height")}
    return register(sessions, source_id=source_id, title=source_id, **roles)


def pretend(sessions: Sessions, source_id: str, side: int) -> ImagerySource:
    """A source of `side` × `side` blocks that has no file: enough to ask for a job, not to predict it."""
    ground = shapely.box(*shapely.total_bounds([shapely.box(*_GRID.block(cell).bounds) for cell in _corners(side)]))
    source = ImagerySource(
        id=source_id,
        title=source_id,
        version="none",
        epsg=_GRID.epsg,
        bands=tuple(Band),
        bbox=from_grid_crs(ground, _GRID.epsg).bounds,
    )
    left, bottom, right, top = ground.bounds
    with sessions.write() as session:
        session.add(ImagerySourceRow(id=source_id, document=source.model_dump(mode="json")))
        session.flush()
        session.add(
            ImageryFileRow(
                source_id=source_id,
                role=Role.STACK,
                href="none.tif",
                left=left,
                bottom=bottom,
                right=right,
                top=top,
                footprint=from_grid_crs(ground, _GRID.epsg),
            )
        )
    return source


def _corners(side: int) -> list[BlockCell]:
    return [FIRST, BlockCell(FIRST.column + side - 1, FIRST.row + side - 1)]


def _territory() -> list[Path]:
    """Imagery of one vintage. Kept beside the other temporary files: the next measurement of this run wants it too."""
    folder = Path(tempfile.gettempdir()) / f"cosia-benchmark-{os.getuid()}"
    vintage = make_territory(folder, lambda _step, _fraction: None)[0]
    return [*vintage.rgb, *vintage.irc, *vintage.height]


def _place(path: Path, folder: Path, role: str, shift: Affine) -> None:
    with rasterio.open(path) as raster:
        transform = shift @ raster.transform
    copy = folder / f"{role}_{round(transform.c)}_{round(transform.f)}.tif"
    shutil.copy(path, copy)
    # What GDAL warns of here is a COG's order of bytes, which nothing that reads these files depends on.
    with rasterio.open(copy, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as raster:
        raster.transform = transform
