"""The command line: what it does, and what it says when it cannot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.database import LayerRow, sessions
from app.definitions import prediction_grid
from app.outputs import write_block
from app.storage import storage
from tests import samples
from tests.conftest import forget_settings
from tests.imagery_files import write_raster


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    return write_raster(tmp_path / "stack.tif", np.full((5, 64, 64), 90, np.uint8))


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    grid = prediction_grid().block(samples.CELL)
    values = np.full((2048, 2048), 9, np.uint8)
    write_block(tmp_path / "classes.tif", values, values, grid)
    return tmp_path / "classes.tif"


def test_help_lists_the_commands_of_the_worker_too() -> None:
    listed = run("--help").output

    assert all(name in listed for name in ("up", "web", "worker", "migrate", "demo", "publish", "imagery", "model"))
    assert all(name in listed for name in ("predict", "evaluate", "train", "check"))


def test_settings_that_cannot_be_are_named_without_what_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSIA_PORT", "secret")
    monkeypatch.setenv("COSIA_DEVICE", "tpu")
    forget_settings()

    refused = run("model", "list")

    assert refused.exit_code == 1
    assert "the setting COSIA_PORT: Input should be a valid integer" in refused.output
    assert "the setting COSIA_DEVICE: String should match pattern '^(auto|cpu|cuda" in refused.output
    assert "secret" not in refused.output
    monkeypatch.undo()
    forget_settings()


def test_imagery_is_registered_and_listed(stack: Path) -> None:
    added = run("imagery", "add", "town", "--stack", stack, "--year", "2021", "--title", "Town")

    assert added.exit_code == 0, added.output
    assert added.output.startswith("town: bands R, G, B, NIR, E, EPSG:2154")
    assert run("imagery", "list").output == "town\t2021\tR,G,B,NIR,E\tfiles\tTown\n"


def test_a_refusal_names_the_file_and_has_exit_code_1(tmp_path: Path) -> None:
    wrong = write_raster(tmp_path / "wrong.tif", np.full((3, 64, 64), 90, np.uint8), crs="EPSG:3857")

    refused = run("imagery", "add", "town", "--rgb", wrong)

    assert refused.exit_code == 1
    assert "wrong.tif" in refused.output
    assert "2154" in refused.output
    assert "Traceback" not in refused.output


def test_a_raster_is_published_and_withdrawn(classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cli.content._GRACE_S", 0.0)
    published = run("publish", "town-2021", classes, "--title", "Town 2021", "--vintage", "2021")

    assert published.exit_code == 0, published.output
    with sessions().read() as session:
        layer = session.get_one(LayerRow, "town-2021")
    assert (layer.title, layer.vintage) == ("Town 2021", 2021)
    assert run("unpublish", "town-2021").exit_code == 0
    assert not storage().path("layers/town-2021").exists()
    assert run("unpublish", "town-2021").exit_code == 1


def test_check_tells_each_component_and_fails_for_those_that_are_missing() -> None:
    before = run("check")
    run("migrate")
    after = run("check")

    assert before.exit_code == 1
    assert "FAIL database: the database is at schema None" in before.output
    assert "ok   database: SQLite" in after.output
    assert "FAIL broker: the embedded broker does not answer" in after.output


def test_check_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.conftest import forget_settings

    monkeypatch.setenv("COSIA_DATABASE_URL", "postgresql+psycopg://cosia:hunter2@127.0.0.1:1/none")
    monkeypatch.setenv("COSIA_REDIS_URL", "redis://:hunter2@127.0.0.1:1/0")
    forget_settings()

    checked = run("check")

    assert checked.exit_code == 1
    assert "hunter2" not in checked.output
    assert "FAIL broker: the configured Redis does not answer" in checked.output


def test_models_are_listed_with_their_state() -> None:
    listed = {line.split("\t")[0]: line.split("\t")[2] for line in run("model", "list").output.splitlines()}

    assert listed["flair-inc-rvbie"] == "without weights: cosia model add"


def test_web_refuses_a_schema_that_is_not_its_own() -> None:
    refused = run("web")

    assert refused.exit_code == 1
    assert "run `cosia migrate`" in refused.output
