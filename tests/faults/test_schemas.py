"""Databases that this version cannot use (D06): a clear refusal, no secret printed, and migrations that run once."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from app.database import connect
from app.database.migrate import head
from tests.faults.conftest import Fragile
from tests.faults.stack import Stack

PASSWORD = "s3cret-of-the-database"  # noqa: S105 - planted, to see that nobody prints it


@pytest.mark.parametrize("command", ["web", "worker"])
def test_an_old_schema_is_refused(stack: Stack, command: str) -> None:
    with stack.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))

    child = stack.start(command)

    assert child.wait(30) == 1
    assert "run `cosia migrate`" in child.log()


@pytest.mark.thorough
@pytest.mark.parametrize("command", ["web", "worker"])
def test_an_empty_database_is_refused_by_processes_that_start_together(stack: Stack, command: str) -> None:
    with stack.engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))

    children = [stack.start(command) for _ in range(2)]

    assert [child.wait(30) for child in children] == [1, 1]
    assert all("run `cosia migrate`" in child.log() for child in children)


def test_migrations_that_start_together_run_once(fragile: Fragile, tmp_path: Path) -> None:
    stack, database = fragile
    empty = database.create_database()

    children = [stack.start("migrate", COSIA_DATABASE_URL=empty) for _ in range(4)]

    assert [child.wait(60) for child in children] == [0] * 4
    _require_head(empty)


@pytest.mark.thorough
def test_migrations_of_the_embedded_database_that_start_together_run_once(sqlite_stack: Stack, tmp_path: Path) -> None:
    empty = f"sqlite:///{tmp_path / 'empty.sqlite'}"

    children = [sqlite_stack.start("migrate", COSIA_DATABASE_URL=empty) for _ in range(4)]

    assert [child.wait(60) for child in children] == [0] * 4
    _require_head(empty)


def _require_head(url: str) -> None:
    engine = connect(url)
    with engine.connect() as connection:
        assert connection.scalars(text("SELECT version_num FROM alembic_version")).all() == [head()]
    engine.dispose()


@pytest.mark.thorough
def test_a_database_without_postgis_is_refused(fragile: Fragile) -> None:
    """Nobody has created the extension, and the account may not."""
    stack, database = fragile
    bare = database.create_database()
    with psycopg.connect(stack.database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE ROLE modest LOGIN")
        connection.execute(f"ALTER DATABASE {bare.rpartition('/')[2]} OWNER TO modest")

    child = stack.start("migrate", COSIA_DATABASE_URL=bare.replace("cosia@", "modest@"))

    assert child.wait(60) == 1
    assert "postgis" in child.log()
    assert "Traceback" not in child.log()


@pytest.mark.parametrize("command", ["check", pytest.param("migrate", marks=pytest.mark.thorough)])
def test_a_wrong_password_is_refused_and_not_printed(fragile: Fragile, command: str) -> None:
    stack, database = fragile
    url = _with_password(stack, database.program.folder)

    child = stack.start(command, COSIA_DATABASE_URL=url)

    assert child.wait(60) == 1
    assert child.log().strip()
    for secret in (PASSWORD, "Traceback"):
        assert secret not in child.log()


def test_a_web_process_with_a_wrong_password_says_so_and_prints_no_secret(fragile: Fragile) -> None:
    stack, database = fragile
    web = stack.start_web(ready=False, COSIA_DATABASE_URL=_with_password(stack, database.program.folder))

    readiness = web.ask("/readyz")

    assert (readiness.status, readiness.document["components"]["database"]) == (503, "away")
    assert web.ask("/api/jobs").status == 503
    for told in (web.log.read_text(), readiness.body.decode(), web.ask("/metrics").body.decode()):
        assert PASSWORD not in told


@pytest.mark.thorough
def test_a_worker_with_a_wrong_password_says_so_and_prints_no_secret(fragile: Fragile) -> None:
    """It waits, as for a database that is away: it cannot tell one from the other."""
    stack, database = fragile
    worker = stack.start_worker(COSIA_DATABASE_URL=_with_password(stack, database.program.folder))

    stack.wait_until(lambda: "is COSIA_DATABASE_URL right" in worker.log(), "it says so", 30)

    assert PASSWORD not in worker.log()


def _with_password(stack: Stack, server: Path) -> str:
    """The URL of an account whose password is another one."""
    rules = server / "data" / "pg_hba.conf"
    rules.write_text(f"host all locked 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
    with psycopg.connect(stack.database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE ROLE locked LOGIN PASSWORD 'another'")
        connection.execute("SELECT pg_reload_conf()")
    return stack.database_url.replace("cosia@", f"locked:{PASSWORD}@")
