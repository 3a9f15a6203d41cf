"""The private servers are what the tests believe them to be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import text

from app.database import Sessions, connect
from app.settings import settings
from tests import components


def test_postgis_url_is_a_migrated_database_with_postgis(postgis_url: str) -> None:
    with connect(postgis_url).connect() as connection:
        assert connection.scalar(text("SELECT postgis_lib_version()")).startswith("3.")
        assert connection.scalar(text("SELECT count(*) FROM layer")) == 0


@pytest.mark.parametrize("run", [1, 2])
def test_a_database_belongs_to_one_test(sessions: Sessions, run: int) -> None:
    with sessions.write() as session:
        session.execute(text("CREATE TABLE left_behind (id integer)"))


@pytest.mark.parametrize("run", [1, 2])
def test_a_redis_database_belongs_to_one_test(redis_url: str, run: int) -> None:
    with Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


def test_settings_point_to_a_folder_of_the_test(data_folder: Path) -> None:
    assert settings().local_folder == data_folder.resolve()


def test_a_missing_component_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = components.COMPONENTS["postgis"]._replace(find=lambda: None)
    monkeypatch.setitem(components.COMPONENTS, "postgis", nowhere)
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match=r"PostGIS .* in CI every component must be there"):
        components.require("postgis")


def test_a_missing_component_is_named_with_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\n\n@pytest.mark.parametrize('n', [1, 2])\n@pytest.mark.needs('postgis')\ndef test_it(n): pass\n"
    )
    (tmp_path / "conftest.py").write_text(
        "from tests import components\n"
        "components.COMPONENTS['postgis'] = components.COMPONENTS['postgis']._replace(find=lambda: None)\n"
        "from tests.conftest import *\n"
    )
    outside_ci = {name: value for name, value in os.environ.items() if name not in ("CI", "COSIA_TEST_ALL")}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--rootdir", tmp_path, "-c", os.devnull, tmp_path],
        env={**outside_ci, "PYTHONPATH": str(Path(components.__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout
    assert "not run here: PostGIS (apt install postgresql-15-postgis-3): 2 tests" in run.stdout
