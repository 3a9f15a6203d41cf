"""The whole application over a private database, without a worker: what is asked waits."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app import imagery, models
from app.database import Sessions, connect, sessions
from app.database.migrate import migrate
from app.storage import FolderStorage, storage
from tests import published as layers
from tests import samples
from tests.conftest import forget_settings
from tests.imagery_files import write_raster


@pytest.fixture
def service(
    request: pytest.FixtureRequest, data_folder: Path, tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    """A client of the application, with one imagery source, 51 m wide in the middle of a block, and one model.

    Settings: AOIs of 1 km², three active jobs.
    """
    monkeypatch.setenv("COSIA_REDIS_URL", redis_url)
    monkeypatch.setenv("COSIA_AOI_KM2", "1")
    monkeypatch.setenv("COSIA_AOI_VERTICES", "200")
    monkeypatch.setenv("COSIA_ACTIVE_JOBS", "3")
    forget_settings()
    migrate(sessions().engine)
    block = samples.GRID.block(samples.CELL)
    pixels = np.full((5, 256, 256), 90, np.uint8)
    stack = write_raster(tmp_path / "stack.tif", pixels, left=block.left + 179.2, top=block.top - 179.2)
    imagery.register(sessions(), source_id="town", title="Town", stack=[stack], year=2024)
    with sessions().write() as session:
        models.add_model(session, storage(), samples.card(id="tiny"), b"weights", samples.WEIGHTS_SHA256)

    from app.main import create_app

    with TestClient(create_app(), base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def published_folder(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Path:
    """A data folder with the layers of tests/published.py, to read."""
    folder = tmp_path_factory.mktemp("published")
    engine = connect(f"sqlite:///{shutil.copy(migrated_sqlite, folder / 'cosia.sqlite')}")
    layers.publish_town_and_field(Sessions(engine), FolderStorage(folder), tmp_path_factory.mktemp("scratch"))
    engine.dispose()
    return folder


@pytest.fixture(scope="session")
def published(published_folder: Path) -> Iterator[TestClient]:
    """A client of the application over `published_folder`, for the whole run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COSIA_DATA", str(published_folder))
        forget_settings()
        from app.main import create_app

        application = create_app()
    forget_settings()
    with TestClient(application, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def map_server(published_folder: Path) -> Iterator[str]:
    """Address of a running server over `published_folder`, for real clients."""
    with layers.web_server(published_folder) as address:
        yield address
