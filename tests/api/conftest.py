"""The whole application over a private database, without a worker: what is asked waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app import imagery, models
from app.broker import celery
from app.database import sessions
from app.database.migrate import migrate
from app.storage import storage
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
    celery.cache_clear()
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
    celery.cache_clear()
