"""Which rasters a layer gets: a file each, but single blocks put together and border blocks merged."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from app.definitions import BLOCK_PX, Grid, Nomenclature, prediction_grid
from app.definitions.grid import prediction_crs
from app.errors import RasterRefused
from app.outputs import FORMAT_VERSION, Part
from app.publish.block_names import BlockName, block_name
from app.publish.sources import Source

_MOSAIC_BLOCKS = 16
"""Side of a mosaic, blocks: 6553.6 m, so that 6000 km² are some 140 files and not 36 000."""


@dataclass(frozen=True)
class Mosaic:
    """One raster of the layer to be: its grid, and the sources that fill it without resampling.

    name: unique in the layer. Where two sources have data (border blocks), the first has the word.
    """

    name: str
    grid: Grid
    sources: tuple[Source, ...]

    @property
    def has_confidence(self) -> bool:
        return any(source.has_confidence for source in self.sources)

    def key(self, nomenclature: Nomenclature) -> str:
        """Names the content of its files, classes and confidence: equal keys, equal files. 24 hex digits."""
        digest = hashlib.sha256(f"{FORMAT_VERSION} {nomenclature.model_dump_json()} {self.grid}".encode())
        for source in self.sources:
            digest.update(f" {source.grid} {source.identity}".encode())
        return digest.hexdigest()[:24]

    def class_parts(self) -> Iterator[Part]:
        """Class values, from north to south. Raises RasterRefused at a value that the nomenclature does not have."""
        return self._parts(confidence=False)

    def confidence_parts(self) -> Iterator[Part]:
        """Confidence of the sources that have it, from north to south."""
        return self._parts(confidence=True)

    def remarks(self) -> list[str]:
        """Sentences for the operator about what was lost; complete once the class parts were read."""
        return [
            f"{source.name}: {pixels} pixels of value {number} stand for no class and became nodata"
            for source in self.sources
            for number, pixels in sorted(source.without_class.items())
        ]

    def _parts(self, *, confidence: bool) -> Iterator[Part]:
        step = max(source.rows_at_once for source in self.sources)
        for row in range(0, self.grid.height, step):
            height = min(step, self.grid.height - row)
            yield (0, row, self.grid.width, height), self._rows(row, height, confidence)

    def _rows(self, row: int, height: int, confidence: bool) -> np.ndarray:
        """(height, width) of all sources together."""
        canvas: np.ndarray | None = None
        for source in self.sources:
            left = round((source.grid.left - self.grid.left) / self.grid.resolution_m)
            top = round((self.grid.top - source.grid.top) / self.grid.resolution_m)
            first, last = max(row, top), min(row + height, top + source.grid.height)
            if first >= last or (confidence and not source.has_confidence):
                continue
            read = source.confidence if confidence else source.classes
            values = read(first - top, last - first)
            if values.shape == (height, self.grid.width) and canvas is None:
                canvas = values
                continue
            if canvas is None:
                canvas = np.zeros((height, self.grid.width), np.uint8)
            place = canvas[first - row : last - row, left : left + source.grid.width]
            np.copyto(place, values, where=place == 0)
        return np.zeros((height, self.grid.width), np.uint8) if canvas is None else canvas


def mosaics(sources: Sequence[Source]) -> list[Mosaic]:
    """The rasters of the layer: a source each; blocks of the prediction grid put together, border blocks merged.

    A layer of single blocks would be many small files; a cell of 16 × 16 blocks is one. Raises RasterRefused where
    sources overlap (which of two values is right cannot be known here) or differ in resolution.
    """
    _refuse_overlaps(sources)
    resolutions_m = sorted({source.grid.resolution_m for source in sources})
    if len(resolutions_m) > 1:
        raise RasterRefused(
            f"the rasters have pixels of {', '.join(f'{r:g} m' for r in resolutions_m)}: a layer has one size, so that "
            "its areas are exact; publish them as several layers"
        )
    groups: dict[object, list[Source]] = {}
    for source in sources:
        groups.setdefault(_official_place(source) or mosaic_cell(source.grid) or id(source), []).append(source)
    named: dict[str, Mosaic] = {}
    for group in groups.values():
        if _official_place(group[0]) is None:  # their order decides no pixel, so that it must not change the key
            group.sort(key=lambda source: (-source.grid.top, source.grid.left))
        name = _unused(_name(group), named)
        named[name] = Mosaic(name, union([source.grid for source in group]), tuple(group))
    return list(named.values())


def _name(group: Sequence[Source]) -> str:
    """The file's stem; year and corner of merged official blocks; the cell's corner in km of a mosaic of blocks."""
    official = [found for source in group if (found := block_name(Path(source.name).stem))]
    if official:
        years = "-".join(str(year) for year in sorted({block.year for block in official}))
        first = official[0]
        return str(first) if len(official) == 1 else f"{years}_{first.west_km}_{first.north_km}"
    cell = mosaic_cell(group[0].grid)
    if cell and (len(group) > 1 or group[0].grid.width == group[0].grid.height == BLOCK_PX):
        prediction, side_m = prediction_grid(cell[0]), _MOSAIC_BLOCKS * prediction_grid(cell[0]).block_m
        left, top = prediction.origin_x + cell[1] * side_m, prediction.origin_y - cell[2] * side_m
        return f"{left / 1000:.10g}_{top / 1000:.10g}"
    return _plain(Path(group[0].name).stem)


def _plain(stem: str) -> str:
    """A name that file names and addresses can carry."""
    bare = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in bare).lstrip("._-") or "raster"


def _unused(name: str, taken: dict[str, Mosaic]) -> str:
    number = 2
    found = name
    while found in taken:
        found, number = f"{name}-{number}", number + 1
    return found


def _official_place(source: Source) -> tuple[str, int, int, int] | None:
    """The square of an official block, whatever its département; None for other files."""
    name = block_name(Path(source.name).stem)
    if name is None or source.grid != name.grid(source.grid.epsg):
        return None
    return ("official", source.grid.epsg, name.west_km, name.north_km)


def mosaic_cell(grid: Grid) -> tuple[int, int, int] | None:
    """(EPSG, column, row) of the mosaic that wholly holds pixels of the prediction grid; None for others."""
    if grid.epsg not in prediction_crs() or grid.resolution_m != prediction_grid(grid.epsg).resolution_m:
        return None
    prediction = prediction_grid(grid.epsg)
    column = (grid.left - prediction.origin_x) / prediction.resolution_m
    row = (prediction.origin_y - grid.top) / prediction.resolution_m
    if abs(column - round(column)) > 1e-3 or abs(row - round(row)) > 1e-3:
        return None
    side = _MOSAIC_BLOCKS * BLOCK_PX
    first = (round(column) // side, round(row) // side)
    last = ((round(column) + grid.width - 1) // side, (round(row) + grid.height - 1) // side)
    return (grid.epsg, *first) if first == last else None


def union(grids: Sequence[Grid]) -> Grid:
    """The smallest grid that holds grids of one pixel lattice."""
    first = grids[0]
    left, top = min(g.left for g in grids), max(g.top for g in grids)
    right, bottom = max(g.bounds[2] for g in grids), min(g.bounds[1] for g in grids)
    resolution_m = first.resolution_m
    return Grid(
        first.epsg, left, top, resolution_m, round((right - left) / resolution_m), round((top - bottom) / resolution_m)
    )


def _refuse_overlaps(sources: Sequence[Source]) -> None:
    # Half a pixel in from each side: rasters that touch do not overlap.
    boxes = [shapely.box(*source.grid.bounds).buffer(-0.5 * source.grid.resolution_m) for source in sources]
    pairs = shapely.STRtree(boxes).query(boxes, predicate="intersects").T
    for a, b in pairs:
        if a < b and sources[a].grid.epsg == sources[b].grid.epsg and not _complement(sources[a], sources[b]):
            raise RasterRefused(f"{sources[a].name} and {sources[b].name} overlap: publish each place once")


def _complement(a: Source, b: Source) -> bool:
    """Whether two files are the parts of one official block that lie in different départements."""
    place = _official_place(a)
    return place is not None and place == _official_place(b) and _departement(a) != _departement(b)


def _departement(source: Source) -> str:
    name = block_name(Path(source.name).stem)
    return name.departement if isinstance(name, BlockName) else ""
