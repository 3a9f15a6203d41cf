"""A running server with published layers, for the programs people use."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.database import Sessions, connect
from app.storage import FolderStorage
from tests import published as layers


@pytest.fixture(scope="session")
def layer_folder(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Path:
    """A data folder with the layers of tests/published.py, and the town once more in EPSG:2975: `reunion`."""
    folder = tmp_path_factory.mktemp("clients")
    scratch = tmp_path_factory.mktemp("scratch")
    engine = connect(f"sqlite:///{shutil.copy(migrated_sqlite, folder / 'cosia.sqlite')}")
    sessions, storage = Sessions(engine), FolderStorage(folder)
    layers.publish_town_and_field(sessions, storage, scratch)
    layers.publish_reunion(sessions, storage, scratch)
    engine.dispose()
    return folder


@pytest.fixture(scope="session")
def map_server(layer_folder: Path) -> Iterator[str]:
    """Address of a running server over `layer_folder`, which says whom to ask about it."""
    contact = {"COSIA_CONTACT_NAME": "Pôle SIG & cartes", "COSIA_CONTACT_EMAIL": "maps@example.org"}
    with layers.web_server(layer_folder, **contact) as address:
        yield address
