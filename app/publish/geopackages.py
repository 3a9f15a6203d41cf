"""Class polygons of the official product: GeoPackages with `numero` and `classe`, painted onto pixels of 0.2 m.

Read as the SQLite databases that they are (OGC 12-128r19): rows of the spatial index that meet a strip of pixels, in
the order of the file, so that memory does not grow with the file.
"""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import numpy as np
import shapely
from rasterio.crs import CRS
from rasterio.errors import CRSError

from app.definitions import Grid, Nomenclature
from app.errors import RasterRefused
from app.publish.block_names import block_name
from app.publish.class_labels import class_value
from app.publish.polygons import Spans, painted, spans
from app.publish.sources import projected_epsg, snapped

_METHOD = 1
"""Grows when other pixels come out of the same polygons."""
_RESOLUTION_M = 0.2
_MAX_SIDE_PX = 300_000
_STRIP_PX = 50_000 * 512
_BATCH = 4096
"""Polygons cut at a time."""
_TOLERANCE_M = 1.0
"""The spatial index keeps bounds as 32-bit numbers, rounded outwards."""

_ENVELOPE_BYTES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}

Label = tuple[object, object]
"""`numero` and `classe` as the file has them."""


class _Table(NamedTuple):
    """The polygons' table; names are those of the file."""

    name: str
    key: str
    geometry: str
    number: str | None
    title: str | None


@dataclass(frozen=True)
class GeoPackage:
    """A checked GeoPackage of class polygons. sha256: of the file's bytes; values: class value of each label."""

    name: str
    path: Path
    grid: Grid
    sha256: str
    table: _Table = field(repr=False)
    values: Mapping[Label, int] = field(repr=False)
    without_class: Counter[int] = field(default_factory=Counter, repr=False, compare=False)
    has_confidence: bool = False

    @property
    def identity(self) -> str:
        return f"{self.sha256} polygons {_METHOD}"

    @property
    def rows_at_once(self) -> int:
        return max(256, _STRIP_PX // self.grid.width // 256 * 256)

    def classes(self, row: int, height: int) -> np.ndarray:
        whole = self.grid
        strip = Grid(
            whole.epsg, whole.left, whole.top - row * whole.resolution_m, whole.resolution_m, whole.width, height
        )
        with _opened(self.path, self.name) as database:
            runs = [spans(polygons, values, strip) for polygons, values in self._polygons(database, strip)]
        return painted(strip, Spans(*(np.concatenate(arrays) for arrays in zip(*runs, strict=True))) if runs else _NONE)

    def confidence(self, row: int, height: int) -> np.ndarray:
        return np.zeros((height, self.grid.width), np.uint8)

    def _polygons(self, database: sqlite3.Connection, strip: Grid) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Geometries and class values that meet a strip, batch by batch, in the order of the file."""
        table = self.table
        index = _quoted(f"rtree_{table.name}_{table.geometry}")
        left, bottom, right, top = strip.bounds
        found = database.execute(
            f"SELECT {_quoted(table.key)}, {_quoted(table.geometry)}, {_label(table)} FROM {_quoted(table.name)} "
            f"WHERE {_quoted(table.key)} IN (SELECT id FROM {index} WHERE maxy >= ? AND miny <= ? AND maxx >= ? "
            f"AND minx <= ?) ORDER BY {_quoted(table.key)}",
            (bottom, top, left, right),
        )
        while rows := found.fetchmany(_BATCH):
            geometries = self._geometries([(key, blob) for key, blob, _, _ in rows])
            yield geometries, np.array([self.values[number, title] for _, _, number, title in rows], np.uint8)

    def _geometries(self, rows: list[tuple[int, bytes | None]]) -> np.ndarray:
        found = shapely.from_wkb([_wkb(blob) for _, blob in rows], on_invalid="ignore")
        kinds = shapely.get_type_id(found)
        polygonal = np.isin(kinds, [shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON])
        bad = np.flatnonzero(~polygonal | ~np.isfinite(shapely.bounds(found)).all(axis=1) & ~shapely.is_empty(found))
        if len(bad):
            raise RasterRefused(
                f"{self.name}: feature {rows[bad[0]][0]} is no polygon or multipolygon that can be read"
            )
        return found


_NONE = Spans(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint8))


def inspect_geopackage(path: Path, sha256: str, nomenclature: Nomenclature) -> GeoPackage:
    """Checks form, place and classes of a GeoPackage. Raises RasterRefused, naming the file and what is expected."""
    name = path.name
    with _opened(path, name) as database:
        table = _table(database, name)
        grid = _grid(database, table, path)
        values = _values(database, table, name, nomenclature)
    return GeoPackage(name, path, grid, sha256, table, values)


def _table(database: sqlite3.Connection, name: str) -> _Table:
    found = database.execute(
        "SELECT c.table_name, g.column_name FROM gpkg_contents c JOIN gpkg_geometry_columns g USING (table_name) "
        "WHERE c.data_type = 'features'"
    ).fetchall()
    if len(found) != 1:
        raise RasterRefused(f"{name} has {len(found)} layers: expected one, of class polygons")
    table, geometry = found[0]
    columns = database.execute(f"PRAGMA table_info({_quoted(table)})").fetchall()
    by_folded = {column[1].casefold(): column[1] for column in columns}
    key = next((column[1] for column in columns if column[5]), None)
    number, title = by_folded.get("numero"), by_folded.get("classe")
    if key is None or (number is None and title is None):
        raise RasterRefused(
            f"{name} has the columns {', '.join(by_folded)}: expected 'numero' (class number), 'classe' (class name) "
            "or both"
        )
    index = f"rtree_{table}_{geometry}"
    if not database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (index,)).fetchone():
        raise RasterRefused(f"{name} has no spatial index: write it again with one (ogr2ogr makes it of itself)")
    return _Table(table, key, geometry, number, title)


def _grid(database: sqlite3.Connection, table: _Table, path: Path) -> Grid:
    """The pixels of an official block by its name; else what holds all polygons, corners at multiples of a pixel."""
    epsg = _epsg(database, table, path.name)
    bounds = _bounds(database, table)
    if bounds is None:
        raise RasterRefused(f"{path.name} holds no polygon")
    left, bottom, right, top = bounds
    official = block_name(path.stem)
    if official is not None:
        grid = official.grid(epsg)
        block = shapely.box(*grid.bounds)
        if not block.contains(shapely.Point((left + right) / 2, (bottom + top) / 2)):
            raise RasterRefused(
                f"{path.name} holds polygons from ({left:.0f}, {bottom:.0f}) to ({right:.0f}, {top:.0f}), outside the "
                f"square whose west edge is km {official.west_km} and whose north edge is km {official.north_km}: "
                "give it the name of its own square, or one that is no block's"
            )
        return grid
    # A hundredth of a pixel: rounding of coordinates must not add a row.
    first, last = math.floor(left / _RESOLUTION_M + 0.01), math.ceil(right / _RESOLUTION_M - 0.01)
    upper, lower = math.ceil(top / _RESOLUTION_M - 0.01), math.floor(bottom / _RESOLUTION_M + 0.01)
    width, height = last - first, upper - lower
    if not 0 < max(width, height) <= _MAX_SIDE_PX:
        limit_km = _MAX_SIDE_PX * _RESOLUTION_M / 1000
        raise RasterRefused(
            f"{path.name} reaches over {width * _RESOLUTION_M / 1000:.0f} km × {height * _RESOLUTION_M / 1000:.0f} km: "
            f"allowed are {limit_km:.0f} km; publish it in pieces"
        )
    grid = Grid(epsg, first * _RESOLUTION_M, upper * _RESOLUTION_M, _RESOLUTION_M, max(1, width), max(1, height))
    return snapped(grid)


def _epsg(database: sqlite3.Connection, table: _Table, name: str) -> int:
    found = database.execute(
        "SELECT s.organization, s.organization_coordsys_id, s.definition FROM gpkg_geometry_columns g "
        "JOIN gpkg_spatial_ref_sys s USING (srs_id) WHERE g.table_name = ?",
        (table.name,),
    ).fetchone()
    crs: CRS | None = None
    if found is not None:
        organization, code, definition = found
        try:
            known = str(organization).upper() == "EPSG" and isinstance(code, int)
            crs = CRS.from_epsg(code) if known else CRS.from_wkt(str(definition))
        except CRSError:
            crs = None
    return projected_epsg(crs, name)


def _bounds(database: sqlite3.Connection, table: _Table) -> tuple[float, float, float, float] | None:
    """(left, bottom, right, top) of all polygons. The contents table is exact but may be stale; the index rounds."""
    index = _quoted(f"rtree_{table.name}_{table.geometry}")
    indexed = database.execute(f"SELECT min(minx), min(miny), max(maxx), max(maxy) FROM {index}").fetchone()
    if indexed[0] is None:
        return None
    told = database.execute(
        "SELECT min_x, min_y, max_x, max_y FROM gpkg_contents WHERE table_name = ?", (table.name,)
    ).fetchone()
    exact = all(a is not None and abs(a - b) <= _TOLERANCE_M for a, b in zip(told, indexed, strict=True))
    left, bottom, right, top = told if exact else indexed
    return left, bottom, right, top


def _values(database: sqlite3.Connection, table: _Table, name: str, nomenclature: Nomenclature) -> dict[Label, int]:
    """The class value of each label there is. Raises RasterRefused, naming a feature."""
    labels = database.execute(
        f"SELECT {_label(table)}, min({_quoted(table.key)}) FROM {_quoted(table.name)} GROUP BY 1, 2"
    )
    return {
        (number, title): class_value(number, title, f"{name}, feature {feature}", nomenclature)
        for number, title, feature in labels
    }


def _label(table: _Table) -> str:
    return ", ".join(_quoted(column) if column else "NULL" for column in (table.number, table.title))


def _wkb(blob: bytes | None) -> bytes | None:
    """The geometry in a GeoPackage blob, behind its header; None where there is none that can be read."""
    if blob is None or len(blob) < 8 or blob[:2] != b"GP":
        return None
    return blob[8 + _ENVELOPE_BYTES.get(blob[3] >> 1 & 7, len(blob)) :]


def _quoted(name: str) -> str:
    """A name of the file as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def _opened(path: Path, name: str) -> Iterator[sqlite3.Connection]:
    try:
        # Immutable: no lock and no journal is written beside a file that is not ours.
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)) as database:
            yield database
    except sqlite3.DatabaseError as error:
        raise RasterRefused(
            f"{name} cannot be read as a GeoPackage: it is damaged, cut short or something else"
        ) from error
