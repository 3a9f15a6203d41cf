"""Connections to either database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import shapely
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from app.errors import Unavailable
from app.settings import Settings, settings

_BUSY_TIMEOUT_S = 20


def database_url(config: Settings) -> str:
    """The configured URL, or that of the SQLite file of the data folder."""
    if config.database_url is not None:
        return config.database_url.get_secret_value()
    return f"sqlite:///{config.local_folder / 'cosia.sqlite'}"


def _intersects(a: bytes, b: bytes) -> bool:
    return bool(shapely.intersects(shapely.from_wkb(a), shapely.from_wkb(b)))


def _bound(wkb: bytes, side: int) -> float:
    """West, south, east or north (0-3) of a geometry, for the triggers that keep the R*Trees."""
    return float(shapely.bounds(shapely.from_wkb(wkb))[side])


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own transactions begin late and as readers; ours are begun by _begin_immediate.
    connection.isolation_level = None
    connection.create_function("cosia_intersects", 2, _intersects, deterministic=True)
    connection.create_function("cosia_bound", 2, _bound, deterministic=True)
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_TIMEOUT_S * 1000}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Any) -> None:
    # A deferred transaction that reads and then writes loses updates under concurrency (DESIGN 8).
    mode = "DEFERRED" if connection.get_execution_options().get("read_only") else "IMMEDIATE"
    connection.exec_driver_sql(f"BEGIN {mode}")


def connect(url: str) -> Engine:
    """An engine for that URL, with everything either database needs set on each connection."""
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, connect_args={"timeout": _BUSY_TIMEOUT_S, "check_same_thread": False})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
        return engine
    return create_engine(
        url,
        pool_size=5,
        max_overflow=5,
        pool_timeout=2,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": 2,
            # A server whose machine is gone says nothing: without these a thread would wait for it for hours.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
            "options": "-c statement_timeout=20000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=60000",
        },
    )


class Sessions:
    """Sessions of one database. `write()` commits at the end; `read()` never blocks a writer."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._write = sessionmaker(engine, expire_on_commit=False)
        options: dict[str, Any] = {"read_only": True}
        if engine.dialect.name == "postgresql":  # SQLite's readers see one state anyway
            options["isolation_level"] = "REPEATABLE READ"
        self._read = sessionmaker(engine.execution_options(**options), expire_on_commit=False)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction. Raises Unavailable when the database cannot be reached or is too busy."""
        with self._open(self._write) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A snapshot to read from. Raises Unavailable as `write` does."""
        with self._open(self._read) as session:
            yield session

    @contextmanager
    def _open(self, factory: sessionmaker[Session]) -> Iterator[Session]:
        try:
            with factory() as session:
                yield session
        except (OperationalError, PoolTimeout) as error:
            raise Unavailable("the database does not answer: try again in a moment") from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise Unavailable("the database connection was lost: try again in a moment") from error
            raise


def is_reachable(engine: Engine) -> bool:
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except (DBAPIError, PoolTimeout):
        return False
    return True


@lru_cache
def sessions() -> Sessions:
    """The sessions of this process's configured database."""
    return Sessions(connect(database_url(settings())))
