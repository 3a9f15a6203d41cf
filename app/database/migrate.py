"""Brings a database to the schema of this version."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

import migrations
from app.errors import Misconfigured, Unavailable

_LOCK = 0x0C051A  # any number, the same for all who migrate


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The revision this version of the program was written for."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise Misconfigured("the migrations folder is empty: the installation is incomplete")
    return revision


def current(engine: Engine) -> str | None:
    """The revision the database is at; None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(engine: Engine) -> None:
    """Runs the missing migrations, once even if several processes start together.

    Raises Misconfigured where PostGIS is missing or the database refuses the connection.
    """
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})
                connection.execute(text("CREATE EXTENSION IF NOT EXISTS postgis"))
            command.upgrade(_config(connection), "head")
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise Misconfigured(f"the database cannot be migrated: {reason}") from error


def require_head(engine: Engine) -> None:
    """Raises Misconfigured unless the schema is this version's, Unavailable where the database is away."""
    try:
        revision = current(engine)
    except DBAPIError as error:
        raise Unavailable("the database does not answer: is it running, and is COSIA_DATABASE_URL right?") from error
    if revision != head():
        raise Misconfigured(f"the database is at schema {revision}, this version needs {head()}: run `cosia migrate`")
