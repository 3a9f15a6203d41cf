"""Publications that fail half-way: the layer stays as it was, and nothing of the attempt is left."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from app.database import LayerRow, RasterRow, Sessions
from app.definitions import Grid
from app.errors import RasterRefused, Unavailable
from app.storage import FolderStorage
from tests.published import publish_layer, write_classes


@pytest.fixture
def store(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "store")


def _three(folder: Path, value: int, last: int) -> list[Path]:
    """Three rasters side by side, in strips of which each is read alone; the last holds `last` at its very end."""
    folder.mkdir()
    paths = []
    for number in range(3):
        values = np.full((1100, 40), value, np.uint8)
        if number == 2:
            values[-1, -1] = last
        grid = Grid(2154, 700_000.05 + 1000 * number, 6_600_000.0, 0.2, 40, 1100)
        paths.append(write_classes(folder / f"{number}.tif", values, grid))
    return paths


def _seen(sessions: Sessions, store: FolderStorage) -> tuple[Any, ...]:
    """All that a reader or an operator can see of the layers and their files."""
    with sessions.read() as session:
        layers = [(layer.id, layer.version, layer.title) for layer in session.scalars(select(LayerRow))]
        rasters = sorted((row.name, row.href, row.sha256) for row in session.scalars(select(RasterRow)))
    files = {
        str(path.relative_to(store.folder)): path.read_bytes() for path in store.folder.rglob("*") if path.is_file()
    }
    return layers, rasters, files


def test_a_third_file_that_is_refused_half_way_changes_nothing(
    sessions: Sessions, store: FolderStorage, tmp_path: Path
) -> None:
    publish_layer(sessions, store, *_three(tmp_path / "good", 9, 9))
    before = _seen(sessions, store)

    with pytest.raises(RasterRefused, match=r"2\.tif holds the values 77"):
        publish_layer(sessions, store, *_three(tmp_path / "bad", 8, 77), title="Another")

    assert _seen(sessions, store) == before


def test_a_first_publication_that_is_refused_leaves_no_layer_and_no_file(
    sessions: Sessions, store: FolderStorage, tmp_path: Path
) -> None:
    with pytest.raises(RasterRefused):
        publish_layer(sessions, store, *_three(tmp_path / "bad", 8, 77))

    assert _seen(sessions, store) == ([], [], {})


class _FullDisk:
    """A file that takes `room` writes and no more."""

    def __init__(self, file: Any, room: int) -> None:
        self._file, self._room = file, room

    def __enter__(self) -> _FullDisk:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: bytes) -> int:
        self._room -= 1
        if self._room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written: int = self._file.write(data)
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _fill_scratch(patch: pytest.MonkeyPatch) -> None:
    opened = tempfile.TemporaryFile
    patch.setattr(tempfile, "TemporaryFile", lambda **options: _FullDisk(opened(**options), room=3))


def _fill_target(patch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    patch.setattr(shutil, "copyfileobj", full)


@pytest.mark.parametrize("fill", [_fill_scratch, _fill_target], ids=["while compressing", "while putting together"])
def test_a_full_disk_leaves_no_temporary_file(
    sessions: Sessions,
    store: FolderStorage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fill: Callable[[pytest.MonkeyPatch], None],
) -> None:
    publish_layer(sessions, store, *_three(tmp_path / "good", 9, 9))
    before = _seen(sessions, store)

    others = _three(tmp_path / "other", 8, 8)
    with monkeypatch.context() as patch:
        fill(patch)
        with pytest.raises(Unavailable, match="No space left"):
            publish_layer(sessions, store, *others)

    assert _seen(sessions, store) == before


def test_an_interrupt_leaves_nothing_of_the_attempt(sessions: Sessions, store: FolderStorage, tmp_path: Path) -> None:
    publish_layer(sessions, store, *_three(tmp_path / "good", 9, 9))
    before = _seen(sessions, store)

    def interrupt(fraction: float) -> None:
        if fraction > 0.5:  # in the second of three rasters
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish_layer(sessions, store, *_three(tmp_path / "other", 8, 8), progress=interrupt)

    assert _seen(sessions, store) == before
    publish_layer(sessions, store, *_three(tmp_path / "again", 8, 8))
