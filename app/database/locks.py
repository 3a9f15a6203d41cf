"""Locks by name, for work that is longer than a transaction; whoever dies lets go of them."""

from __future__ import annotations

import fcntl
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.errors import Unavailable

log = structlog.get_logger(__name__)

_POLL_S = 0.2

StillHeld = Callable[[], None]
"""Raises Unavailable if the lock was lost, as it is when the database was stopped meanwhile."""


@contextmanager
def exclusive(engine: Engine, name: str) -> Iterator[StillHeld]:
    """Waits until nobody else, in any process, holds the lock of that name of that database; gives `StillHeld`.

    On PostgreSQL an advisory lock of a connection of its own; with SQLite, whose users share a machine, a lock on a
    file beside the database: a write transaction would keep everybody else from writing for as long.
    Raises Unavailable where the database is away.
    """
    digest = hashlib.sha256(name.encode()).digest()
    if engine.dialect.name == "sqlite":
        with _file(Path(f"{engine.url.database}.{digest[:6].hex()}.lock"), name) as still_held:
            yield still_held
    else:
        with _advisory(engine, int.from_bytes(digest[:8], "big", signed=True), name) as still_held:
            yield still_held


@contextmanager
def _file(path: Path, name: str) -> Iterator[StillHeld]:
    try:
        with path.open("w") as file:
            _wait(lambda: _locked(file.fileno()), name)
            yield lambda: None
    except OSError as error:
        raise Unavailable(f"the lock beside the database cannot be taken: {error.strerror}") from error


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _advisory(engine: Engine, key: int, name: str) -> Iterator[StillHeld]:
    with _answers():
        # No transaction: one that idles for minutes is ended by the server.
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        _wait(lambda: _asked(connection, "SELECT pg_try_advisory_lock(:key)", key), name)
        yield lambda: _require_alive(connection)
        _asked(connection, "SELECT pg_advisory_unlock(:key)", key)
    except BaseException:
        connection.invalidate()  # closed for good: a pooled connection would keep the lock
        raise
    finally:
        connection.close()


def _asked(connection: Connection, statement: str, key: int) -> bool:
    with _answers():
        return bool(connection.scalar(text(statement), {"key": key}))


def _require_alive(connection: Connection) -> None:
    with _answers():
        connection.execute(text("SELECT 1"))


@contextmanager
def _answers() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        raise Unavailable("the database does not answer: try again in a moment") from error


def _wait(taken: Callable[[], bool], name: str) -> None:
    if taken():
        return
    log.info("lock_waited_for", name=name)
    while not taken():
        time.sleep(_POLL_S)
