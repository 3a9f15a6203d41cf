"""Rasters put into a layer that exists: beside those it has, in place of one, or merged with one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import rasterio
import shapely
from rasterio.windows import Window

from app.database import RasterRow
from app.definitions import Grid
from app.errors import RasterRefused, Unavailable
from app.publish.block_names import block_name
from app.publish.mosaics import Mosaic, mosaic_cell, union
from app.storage import Storage

_ROWS = 512


@dataclass(frozen=True)
class Published:
    """A raster of a layer as a source of another raster."""

    storage: Storage
    row: RasterRow
    rows_at_once: int = _ROWS
    without_class: Counter[int] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def grid(self) -> Grid:
        row = self.row
        return Grid(row.epsg, row.left, row.top, row.resolution_m, row.width, row.height)

    @property
    def has_confidence(self) -> bool:
        return self.row.confidence_href is not None or self.row.bands > 1

    @property
    def identity(self) -> str:
        return f"published {self.row.href}"

    def classes(self, row: int, height: int) -> np.ndarray:
        return self._read(self.row.href, 1, row, height)

    def confidence(self, row: int, height: int) -> np.ndarray:
        if self.row.confidence_href is None:
            return self._read(self.row.href, 2, row, height)
        return self._read(self.row.confidence_href, 1, row, height)

    def _read(self, href: str, band: int, row: int, height: int) -> np.ndarray:
        """Raises Unavailable: this file is ours, nobody's input."""
        try:
            with rasterio.open(self.storage.gdal_path(href), driver="GTiff") as dataset:
                values: np.ndarray = dataset.read(band, window=Window(0, row, self.row.width, height))
                return values
        except rasterio.errors.RasterioError as error:
            raise Unavailable(f"raster {self.row.name} of the layer cannot be read: publish it again") from error


def with_additions(
    storage: Storage, existing: Sequence[RasterRow], new: Sequence[Mosaic]
) -> tuple[list[RasterRow], list[Mosaic]]:
    """The rows of a layer that stay, and the rasters to write beside them.

    A new raster of an existing one's name and grid takes its place. On the same grid under another name (the part of an
    official block that lies in another département), or in the same cell of blocks, the two are merged: the new one has
    the word, what was there stays where it has nodata. Raises RasterRefused where a new raster overlaps others, or has
    another resolution than the layer.
    """
    for mosaic in new:
        if existing and mosaic.grid.resolution_m != existing[0].resolution_m:
            raise RasterRefused(
                f"{mosaic.name} has pixels of {mosaic.grid.resolution_m:g} m, the layer of "
                f"{existing[0].resolution_m:g} m: publish it as another layer"
            )
    old = [Published(storage, row) for row in existing]
    tree = shapely.STRtree([_inner(source.grid) for source in old])
    by_cell = {cell: source for source in old if (cell := mosaic_cell(source.grid))}
    gone: set[int] = set()
    made: list[Mosaic] = []
    for mosaic in new:
        met = [old[i] for i in tree.query(_inner(mosaic.grid), predicate="intersects").tolist()]
        met = [source for source in met if source.grid.epsg == mosaic.grid.epsg]
        partner = next((source for source in met if source.grid == mosaic.grid), None)
        cell = mosaic_cell(mosaic.grid)
        if partner is None and cell is not None:
            partner = by_cell.get(cell)
        others = [source.name for source in met if source is not partner]
        if others:
            raise RasterRefused(f"{mosaic.name} overlaps {others[0]} of the layer: publish each place once")
        if partner is not None:
            gone.add(partner.row.id)
            mosaic = mosaic if _replaces(mosaic, partner) else _merged(mosaic, partner)
        made.append(mosaic)
    kept = [row for row in existing if row.id not in gone]
    return kept, _named_apart(made, {row.name for row in kept})


def _inner(grid: Grid) -> shapely.Polygon:
    # Half a pixel in from each side: rasters that touch do not overlap.
    return shapely.box(*grid.bounds).buffer(-0.5 * grid.resolution_m)


def _replaces(mosaic: Mosaic, partner: Published) -> bool:
    """Whether the new raster is the old one again. One put together from parts may lack parts that the old one has."""
    whole = all(source.grid == mosaic.grid for source in mosaic.sources)
    return whole and (mosaic.name, mosaic.grid) == (partner.name, partner.grid)


def _merged(mosaic: Mosaic, partner: Published) -> Mosaic:
    name, official = partner.name, block_name(partner.name)
    if official is not None:  # no longer the block of one département
        name = f"{official.year}_{official.west_km}_{official.north_km}"
    return Mosaic(name, union([mosaic.grid, partner.grid]), (*mosaic.sources, partner))


def _named_apart(new: Sequence[Mosaic], taken: set[str]) -> list[Mosaic]:
    """The same rasters, those renamed whose name another raster of the layer has."""
    named = []
    for mosaic in new:
        name, number = mosaic.name, 2
        while name in taken:
            name, number = f"{mosaic.name}-{number}", number + 1
        taken.add(name)
        named.append(Mosaic(name, mosaic.grid, mosaic.sources))
    return named
