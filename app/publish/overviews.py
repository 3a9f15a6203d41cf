"""The overview of a layer: all its rasters in one CRS as one coarse raster, for tiles that would touch too many.

Its pixels lie on a lattice that depends on the CRS and the pixel size alone, and its corners on every 512th line of it:
so it can grow, what did not change is copied from the overview before, and each of its own overviews coincides with a
level of the national tile matrix sets, whose origins lie on the same lattice.

A pixel holds the mode of the classes whose pixel centres it contains, nodata not counted (confidence: the mean). They
are taken from an overview of the rasters with at least 4 × 4 pixels to a pixel here, each of which is a mode itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import rasterio
import shapely
from rasterio.windows import Window

from app.database import LayerOverviewRow, RasterRow
from app.definitions import Grid, Nomenclature
from app.errors import Unavailable
from app.outputs import FORMAT_VERSION, Part, write_class_cog, write_confidence_cog
from app.publish import votes
from app.publish.lattice import WINDOW_PX, grid_of, lattice_grid
from app.publish.raster_files import Progress, part_of
from app.storage import Storage

_SUFFIX = ".overview-1.tif"
"""The number grows with every change of how pixels are chosen: from an overview of another number none are copied."""

Bounds = tuple[float, float, float, float]


def write_overviews(
    storage: Storage,
    folder: str,
    rows: Sequence[RasterRow],
    before: tuple[Sequence[RasterRow], Sequence[LayerOverviewRow]],
    nomenclature: Nomenclature,
    progress: Progress,
) -> list[LayerOverviewRow]:
    """The overview of each CRS in which the layer has more than one raster.

    before: rasters and overviews of the layer as it was. Raises Unavailable where a raster cannot be read.
    """
    made = []
    crs = sorted({row.epsg for row in rows})
    for number, epsg in enumerate(crs):
        inside = [row for row in rows if row.epsg == epsg]
        if len(inside) > 1:
            old = next((overview for overview in before[1] if overview.epsg == epsg), None)
            old_rows = [row for row in before[0] if row.epsg == epsg]
            told = part_of(progress, number / len(crs), 1 / len(crs))
            made.append(_write(storage, folder, inside, old_rows, old, nomenclature, told))
    progress(1.0)
    return made


def _write(
    storage: Storage,
    folder: str,
    rows: Sequence[RasterRow],
    old_rows: Sequence[RasterRow],
    old: LayerOverviewRow | None,
    nomenclature: Nomenclature,
    progress: Progress,
) -> LayerOverviewRow:
    grid = lattice_grid([grid_of(row) for row in rows])
    href = f"{folder}/{_key(grid, rows, nomenclature)}{_SUFFIX}"
    with_confidence = any(_confidence_of(row)[0] for row in rows)
    confidence_href = href.replace(".tif", ".confidence.tif") if with_confidence else None
    # A damaged overview is drawn again, and nothing is copied from it.
    kept = old if old and storage.exists(old.href) and storage.sha256(old.href) == old.sha256 else None
    written = kept is not None if old and old.href == href else storage.exists(href)
    if not written:
        kept = kept if kept and kept.href.endswith(_SUFFIX) else None
        drawing = _Drawing(storage, grid, tuple(rows), tuple(old_rows), kept)
        if confidence_href:
            with storage.writing(confidence_href) as path:
                write_confidence_cog(path, grid, drawing.parts(_CONFIDENCE, part_of(progress, 0.0, 0.5)))
        with storage.writing(href) as path:
            told = part_of(progress, 0.5, 0.5) if confidence_href else progress
            write_class_cog(path, grid, drawing.parts(_CLASSES, told), nomenclature)
    return LayerOverviewRow(
        epsg=grid.epsg,
        href=href,
        confidence_href=confidence_href,
        sha256=storage.sha256(href),
        left=grid.left,
        top=grid.top,
        resolution_m=grid.resolution_m,
        width=grid.width,
        height=grid.height,
    )


def _key(grid: Grid, rows: Sequence[RasterRow], nomenclature: Nomenclature) -> str:
    parts = [f"{FORMAT_VERSION} {nomenclature.model_dump_json()} {grid}", *sorted(row.href for row in rows)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def _confidence_of(row: RasterRow | LayerOverviewRow) -> tuple[str | None, int]:
    if row.confidence_href is None and isinstance(row, RasterRow) and row.bands > 1:
        return row.href, 2
    return row.confidence_href, 1


class _Kind(NamedTuple):
    """What an overview is drawn of. band_of: href and band of a raster's file that holds it, None without one."""

    ballot: Callable[[int], votes.Ballot]
    band_of: Callable[[RasterRow | LayerOverviewRow], tuple[str | None, int]]


_CLASSES = _Kind(votes.Mode, lambda row: (row.href, 1))
_CONFIDENCE = _Kind(votes.Mean, _confidence_of)


@dataclass(frozen=True)
class _Drawing:
    """An overview to be: its windows from the rasters, or from the overview before where nothing under them changed."""

    storage: Storage
    grid: Grid
    rows: tuple[RasterRow, ...]
    old_rows: tuple[RasterRow, ...]
    old: LayerOverviewRow | None

    def parts(self, kind: _Kind, progress: Progress) -> Iterator[Part]:
        """The windows that hold anything, row by row. Raises Unavailable."""
        columns, lines = self.grid.width // WINDOW_PX, self.grid.height // WINDOW_PX
        with ExitStack() as opened:
            copy = self._copier(kind, opened)
            for number in range(columns * lines):
                column, row = number % columns * WINDOW_PX, number // columns * WINDOW_PX
                window = self.grid.window(column, row, WINDOW_PX, WINDOW_PX)
                under = self._tree.query(shapely.box(*_inset(window)))
                if under.size:
                    values = copy(window) if copy and not self._changed(window) else None
                    if values is None:
                        values = self._drawn(window, [self.rows[i] for i in sorted(under.tolist())], kind)
                    if values.any():
                        yield (column, row, WINDOW_PX, WINDOW_PX), values
                progress((number + 1) / (columns * lines))

    def _drawn(self, window: Grid, rows: Sequence[RasterRow], kind: _Kind) -> np.ndarray:
        """(512, 512) uint8 of a window."""
        ballot = kind.ballot(WINDOW_PX)
        for row in rows:
            href, band = kind.band_of(row)
            if href is None:
                continue
            try:
                votes.collect(ballot, window, grid_of(row), self.storage.gdal_path(href), band)
            except rasterio.errors.RasterioError as error:
                raise Unavailable(f"raster {row.name} of the layer cannot be read: publish it again") from error
        return ballot.result()

    def _copier(self, kind: _Kind, opened: ExitStack) -> Callable[[Grid], np.ndarray | None] | None:
        """Reads windows of the overview before; None where there is none on this lattice."""
        if self.old is None or self.old.resolution_m != self.grid.resolution_m:
            return None
        href, _ = kind.band_of(self.old)
        if href is None or not self.storage.exists(href):
            return None
        old_grid = grid_of(self.old)
        dataset = opened.enter_context(rasterio.open(self.storage.gdal_path(href), driver="GTiff"))

        def copy(window: Grid) -> np.ndarray | None:
            column = round((window.left - old_grid.left) / old_grid.resolution_m)
            row = round((old_grid.top - window.top) / old_grid.resolution_m)
            if not (0 <= column < old_grid.width and 0 <= row < old_grid.height):
                return None
            values: np.ndarray = dataset.read(1, window=Window(column, row, WINDOW_PX, WINDOW_PX))
            return values

        return copy

    def _changed(self, window: Grid) -> bool:
        return bool(self._changes.query(shapely.box(*_inset(window))).size)

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree([shapely.box(*grid_of(row).bounds) for row in self.rows])

    @cached_property
    def _changes(self) -> shapely.STRtree:
        """Places of rasters that came, went or have other content."""
        hrefs, old_hrefs = {row.href for row in self.rows}, {row.href for row in self.old_rows}
        changed = [row for row in (*self.rows, *self.old_rows) if (row.href in hrefs) != (row.href in old_hrefs)]
        return shapely.STRtree([shapely.box(*grid_of(row).bounds) for row in changed])


def _inset(window: Grid) -> Bounds:
    """Bounds a hundredth of a pixel inside: neighbours that touch do not meet."""
    left, bottom, right, top = window.bounds
    margin_m = window.resolution_m / 100
    return (left + margin_m, bottom + margin_m, right - margin_m, top - margin_m)
