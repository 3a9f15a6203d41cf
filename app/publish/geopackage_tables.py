"""GeoPackages as the SQLite databases that they are (OGC 12-128r19): their one table of polygons and where it lies."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from rasterio.crs import CRS
from rasterio.errors import CRSError

from app.errors import RasterRefused
from app.publish.sources import projected_epsg

_TOLERANCE_M = 1.0
"""The spatial index keeps bounds as 32-bit numbers, rounded outwards."""


class PolygonTable(NamedTuple):
    """The polygons' table; names are those of the file."""

    name: str
    key: str
    geometry: str
    number: str | None
    title: str | None


def quoted(name: str) -> str:
    """A name of the file as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def opened(path: Path, name: str) -> Iterator[sqlite3.Connection]:
    """The file as a database that is only read; its faults, inside the block too, become RasterRefused."""
    journal = path.with_name(f"{path.name}-wal")
    if journal.exists() and journal.stat().st_size:
        raise RasterRefused(f"{name} is open in another program, or was not closed well: close it there")
    try:
        # Immutable: no lock and no journal is written beside a file that is not ours.
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)) as database:
            yield database
    except sqlite3.DatabaseError as error:
        raise RasterRefused(
            f"{name} cannot be read as a GeoPackage: it is damaged, cut short or something else"
        ) from error


def polygon_table(database: sqlite3.Connection, name: str) -> PolygonTable:
    """The only layer of a file. Raises RasterRefused where there are others, or it lacks labels or an index."""
    found = database.execute(
        "SELECT c.table_name, g.column_name FROM gpkg_contents c JOIN gpkg_geometry_columns g USING (table_name) "
        "WHERE c.data_type = 'features'"
    ).fetchall()
    if len(found) != 1:
        raise RasterRefused(f"{name} has {len(found)} layers: expected one, of class polygons")
    table, geometry = found[0]
    columns = database.execute(f"PRAGMA table_info({quoted(table)})").fetchall()
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
    return PolygonTable(table, key, geometry, number, title)


def epsg_of(database: sqlite3.Connection, table: PolygonTable, name: str) -> int:
    """The EPSG code of the table's CRS. Raises RasterRefused for none, and for one that is not projected in metres."""
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


def bounds_of(database: sqlite3.Connection, table: PolygonTable) -> tuple[float, float, float, float] | None:
    """(left, bottom, right, top) of all polygons. The contents table is exact but may be stale; the index rounds."""
    index = quoted(f"rtree_{table.name}_{table.geometry}")
    indexed = database.execute(f"SELECT min(minx), min(miny), max(maxx), max(maxy) FROM {index}").fetchone()
    if indexed[0] is None:
        return None
    told = database.execute(
        "SELECT min_x, min_y, max_x, max_y FROM gpkg_contents WHERE table_name = ?", (table.name,)
    ).fetchone()
    exact = all(a is not None and abs(a - b) <= _TOLERANCE_M for a, b in zip(told, indexed, strict=True))
    left, bottom, right, top = told if exact else indexed
    return left, bottom, right, top


def label_columns(table: PolygonTable) -> str:
    """`numero` and `classe` for a SELECT, NULL for the one that is not there."""
    return ", ".join(quoted(column) if column else "NULL" for column in (table.number, table.title))
