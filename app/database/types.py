"""Types and expressions that mean the same on PostGIS and on SQLite.

A geometry is a shapely value in Python, lon/lat (EPSG:4326 with x first); a PostGIS geometry there, WKB here.
A time is seconds since 1970 on the database's clock: workers on several hosts share no other.
"""

from __future__ import annotations

from typing import Any

import geoalchemy2
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import BindParameter, ColumnElement, Double, LargeBinary, literal
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeDecorator, TypeEngine

SRID = 4326


class _FromWkb(GenericFunction[Any]):
    inherit_cache = True
    name = "cosia_from_wkb"


class _AsWkb(GenericFunction[Any]):
    inherit_cache = True
    name = "cosia_as_wkb"


@compiles(_FromWkb, "postgresql")
def _from_wkb_postgis(element: _FromWkb, compiler: SQLCompiler, **kw: Any) -> str:
    return f"ST_GeomFromWKB({compiler.process(element.clauses, **kw)}, {SRID})"


@compiles(_AsWkb, "postgresql")
def _as_wkb_postgis(element: _AsWkb, compiler: SQLCompiler, **kw: Any) -> str:
    return f"ST_AsBinary({compiler.process(element.clauses, **kw)})"


@compiles(_FromWkb, "sqlite")
@compiles(_AsWkb, "sqlite")
def _as_stored(element: GenericFunction[Any], compiler: SQLCompiler, **kw: Any) -> str:
    return str(compiler.process(element.clauses, **kw))


class _PostgisGeometry(geoalchemy2.Geometry):
    """GeoAlchemy2's type for the schema only: values travel as WKB, through the functions above."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> None:
        return None

    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        return None


class Geometry(TypeDecorator[BaseGeometry]):
    """A shapely geometry, lon/lat."""

    impl = LargeBinary
    cache_ok = True
    spatial_index = False  # read by GeoAlchemy2's schema hooks: our migrations make the index

    def load_dialect_impl(self, dialect: Dialect | None) -> TypeEngine[Any]:
        if dialect is None:  # GeoAlchemy2's schema hooks ask without one
            return LargeBinary()
        if dialect.name == "postgresql":
            return dialect.type_descriptor(_PostgisGeometry("GEOMETRY", srid=SRID, spatial_index=False))
        return dialect.type_descriptor(LargeBinary())

    def process_bind_param(self, value: BaseGeometry | None, dialect: Dialect) -> bytes | None:
        return None if value is None else bytes(shapely.to_wkb(value, output_dimension=2))

    def process_result_value(self, value: Any, dialect: Dialect) -> BaseGeometry | None:
        return None if value is None else shapely.from_wkb(bytes(value))

    def bind_expression(self, bindvalue: BindParameter[Any]) -> ColumnElement[Any]:
        return _FromWkb(bindvalue, type_=self)

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return _AsWkb(column, type_=self)


class now_s(GenericFunction[float]):  # noqa: N801 - reads as a function in queries
    """Now on the database's clock, seconds since 1970-01-01 UTC; moves on inside a transaction."""

    inherit_cache = True
    type = Double()


@compiles(now_s, "postgresql")
def _now_postgresql(element: now_s, compiler: SQLCompiler, **kw: Any) -> str:
    return "extract(epoch from clock_timestamp())::double precision"


@compiles(now_s, "sqlite")
def _now_sqlite(element: now_s, compiler: SQLCompiler, **kw: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


class intersects(GenericFunction[Any]):  # noqa: N801 - reads as a function in queries
    """`intersects(Row.geometry, shape)`: exact, answered through the spatial index of that column.

    Without a type on purpose: SQLAlchemy writes a Boolean as `… = 1` on SQLite, which loses the index.
    """

    inherit_cache = True

    def __init__(self, column: Any, shape: BaseGeometry) -> None:
        west, south, east, north = shapely.bounds(shape).tolist()
        super().__init__(
            column, literal(shape, Geometry()), literal(west), literal(south), literal(east), literal(north)
        )


@compiles(intersects, "postgresql")
def _intersects_postgis(element: intersects, compiler: SQLCompiler, **kw: Any) -> str:
    column, shape, *_ = element.clauses.clauses
    return f"ST_Intersects({compiler.process(column, **kw)}, {compiler.process(shape, **kw)})"


@compiles(intersects, "sqlite")
def _intersects_sqlite(element: intersects, compiler: SQLCompiler, **kw: Any) -> str:
    column, shape, west, south, east, north = (c for c in element.clauses.clauses)
    table = column.table.name
    index = f"{table}_{column.name}_rtree"
    w, s, e, n = (compiler.process(c, **kw) for c in (west, south, east, north))
    # The R*Tree holds 32-bit bounds rounded outwards, so the exact test follows. `IN` keeps the index in use.
    return (
        f"({table}.rowid IN (SELECT id FROM {index} WHERE left <= {e} AND right >= {w}"
        f" AND bottom <= {n} AND top >= {s})"
        f" AND cosia_intersects({compiler.process(column, **kw)}, {compiler.process(shape, **kw)}))"
    )
