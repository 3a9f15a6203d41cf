"""A published layer and a running web process, to provoke."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.database import Sessions, connect
from app.storage import FolderStorage
from tests import published as layers
from tests.faults.server import WebProcess, web_process
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
