"""Spatial indexes for migrations: GiST on PostGIS, an R*Tree kept by triggers on SQLite."""

from __future__ import annotations

from typing import Any

from alembic import op
from geoalchemy2 import alembic_helpers


def include_object(thing: Any, name: str, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Whether autogenerate may look at it: PostGIS' own tables and our spatial indexes are not in the metadata."""
    if kind == "table" and reflected and "_rtree" in name:
        return False
    if kind == "index" and reflected and thing.dialect_options["postgresql"]["using"] == "gist":
        return False
    return bool(alembic_helpers.include_object(thing, name, kind, reflected, compare_to))


def create_spatial_index(table: str, column: str) -> None:
    """The index that `app.database.intersects` answers from."""
    if op.get_bind().dialect.name == "postgresql":
        op.create_index(f"ix_{table}_{column}", table, [column], postgresql_using="gist")
        return
    index = f"{table}_{column}_rtree"
    bounds = ", ".join(f"cosia_bound(new.{column}, {side})" for side in (0, 2, 1, 3))
    op.execute(f"CREATE VIRTUAL TABLE {index} USING rtree(id, left, right, bottom, top)")
    insert = f"INSERT OR REPLACE INTO {index} VALUES (new.rowid, {bounds})"
    op.execute(f"CREATE TRIGGER {index}_insert AFTER INSERT ON {table} BEGIN {insert}; END")
    op.execute(f"CREATE TRIGGER {index}_update AFTER UPDATE OF {column} ON {table} BEGIN {insert}; END")
    op.execute(
        f"CREATE TRIGGER {index}_delete AFTER DELETE ON {table} BEGIN DELETE FROM {index} WHERE id = old.rowid; END"
    )


def drop_spatial_index(table: str, column: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index(f"ix_{table}_{column}", table)
        return
    index = f"{table}_{column}_rtree"
    for trigger in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER {index}_{trigger}")
    op.execute(f"DROP TABLE {index}")
