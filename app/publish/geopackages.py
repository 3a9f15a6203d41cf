"""Class polygons of the official product: GeoPackages with `numero` and `classe`, painted onto pixels of 0.2 m.

Read as the SQLite databases that they are (OGC 12-128r19): rows of the spatial index that meet a strip of pixels, in
the order of the file, so that memory does not grow with the file.
"""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import shapely

from app.definitions import Grid, Nomenclature
from app.errors import RasterRefused
from app.publish.block_names import block_name
from app.publish.class_labels import class_value
from app.publish.geopackage_tables import PolygonTable, bounds_of, epsg_of, label_columns, opened, polygon_table, quoted
from app.publish.polygons import Spans, painted, spans
from app.publish.sources import snapped

_METHOD = 1
"""Grows when other pixels come out of the same polygons."""
_RESOLUTION_M = 0.2
_MAX_SIDE_PX = 300_000
"""60 km, for files that are no official block: a row of pixels must be cheap to hold."""
_STRIP_PX = 50_000 * 512
"""Pixels painted at a time: 512 rows of an official block."""
_BATCH = 4096
"""Polygons cut at a time."""

# By the kind that bits 1-3 of a geometry's flags name: none, XY, XYZ, XYM, XYZM.
_ENVELOPE_BYTES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}

Label = tuple[object, object]
"""`numero` and `classe` as the file has them."""


@dataclass(frozen=True)
class GeoPackage:
    """A checked GeoPackage of class polygons. sha256: of the file's bytes; values: class value of each label."""

    name: str
    path: Path
    grid: Grid
    sha256: str
    table: PolygonTable = field(repr=False)
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
        with opened(self.path, self.name) as database:
            runs = [spans(polygons, values, strip) for polygons, values in self._polygons(database, strip)]
        return painted(strip, Spans(*(np.concatenate(arrays) for arrays in zip(*runs, strict=True))) if runs else _NONE)

    def confidence(self, row: int, height: int) -> np.ndarray:
        return np.zeros((height, self.grid.width), np.uint8)

    def _polygons(self, database: sqlite3.Connection, strip: Grid) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Geometries and class values that meet a strip, batch by batch, in the order of the file."""
        table = self.table
        index = quoted(f"rtree_{table.name}_{table.geometry}")
        left, bottom, right, top = strip.bounds
        found = database.execute(
            f"SELECT {quoted(table.key)}, {quoted(table.geometry)}, {label_columns(table)} FROM {quoted(table.name)} "
            f"WHERE {quoted(table.key)} IN (SELECT id FROM {index} WHERE maxy >= ? AND miny <= ? AND maxx >= ? "
            f"AND minx <= ?) ORDER BY {quoted(table.key)}",
            (bottom, top, left, right),
        )
        while rows := found.fetchmany(_BATCH):
            geometries = self._geometries([(key, blob) for key, blob, _, _ in rows])
            yield geometries, np.array([self.values[number, title] for _, _, number, title in rows], np.uint8)

    def _geometries(self, rows: list[tuple[int, bytes | None]]) -> np.ndarray:
        with np.errstate(invalid="ignore"):  # coordinates that are no numbers are found below
            found = shapely.from_wkb([_wkb(blob) for _, blob in rows], on_invalid="ignore")
        vertices, of_geometry = shapely.get_coordinates(found, return_index=True)
        good = np.isin(shapely.get_type_id(found), [shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON])
        good[of_geometry[~np.isfinite(vertices).all(axis=1)]] = False
        if not good.all():
            feature = rows[int(np.argmin(good))][0]
            raise RasterRefused(f"{self.name}: feature {feature} is no polygon or multipolygon that can be read")
        return found


_NONE = Spans(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint8))


def inspect_geopackage(path: Path, sha256: str, nomenclature: Nomenclature) -> GeoPackage:
    """Checks form, place and classes of a GeoPackage. Raises RasterRefused, naming the file and what is expected."""
    name = path.name
    with opened(path, name) as database:
        table = polygon_table(database, name)
        grid = _grid(database, table, path)
        values = _values(database, table, name, nomenclature)
    return GeoPackage(name, path, grid, sha256, table, values)


def _grid(database: sqlite3.Connection, table: PolygonTable, path: Path) -> Grid:
    """The pixels of an official block by its name; else what holds all polygons, corners at multiples of a pixel."""
    epsg = epsg_of(database, table, path.name)
    bounds = bounds_of(database, table)
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


def _values(
    database: sqlite3.Connection, table: PolygonTable, name: str, nomenclature: Nomenclature
) -> dict[Label, int]:
    """The class value of each label there is. Raises RasterRefused, naming a feature."""
    labels = database.execute(
        f"SELECT {label_columns(table)}, min({quoted(table.key)}) FROM {quoted(table.name)} GROUP BY 1, 2"
    )
    return {
        (number, title): class_value(number, title, f"{name}, feature {feature}", nomenclature)
        for number, title, feature in labels
    }


def _wkb(blob: bytes | None) -> bytes | None:
    """The geometry in a GeoPackage blob, behind its header; None where there is none that can be read."""
    if blob is None or len(blob) < 8 or blob[:2] != b"GP":
        return None
    return blob[8 + _ENVELOPE_BYTES.get(blob[3] >> 1 & 7, len(blob)) :]
