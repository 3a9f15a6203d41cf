"""Files appear whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from app.errors import Unavailable
from app.storage import FolderStorage, sha256


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "data")


def files(storage: FolderStorage) -> list[str]:
    return sorted(str(path.relative_to(storage.folder)) for path in storage.folder.rglob("*") if path.is_file())


def test_a_file_is_there_once_its_writing_has_ended(storage: FolderStorage) -> None:
    with storage.writing("blocks/ab/abcd.tif") as path:
        path.write_bytes(b"content")
        assert not storage.exists("blocks/ab/abcd.tif")

    assert files(storage) == ["blocks/ab/abcd.tif"]
    assert storage.path("blocks/ab/abcd.tif").read_bytes() == b"content"


def test_a_writing_that_fails_keeps_the_old_file_and_leaves_no_other(storage: FolderStorage) -> None:
    with storage.writing("a.tif") as path:
        path.write_bytes(b"old")

    def fail() -> None:
        with storage.writing("a.tif") as path:
            path.write_bytes(b"half of the n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert files(storage) == ["a.tif"]
    assert storage.path("a.tif").read_bytes() == b"old"


def test_a_full_storage_is_said_to_be_without_a_path(storage: FolderStorage) -> None:
    def fill() -> None:
        with storage.writing("a.tif") as path:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device", str(path))

    with pytest.raises(Unavailable) as refusal:
        fill()

    assert refusal.value.message == "the storage cannot be written: No space left on device"
    assert files(storage) == []


@pytest.mark.parametrize(
    "href", ["", "/etc/passwd", "../x", "a/../b", "a//b", ".hidden", "a/.hidden", "a\0", "http://x"]
)
def test_what_is_no_plain_relative_name_is_refused(storage: FolderStorage, href: str) -> None:
    with pytest.raises(ValueError, match="not an href"):
        storage.path(href)


def test_removing_takes_files_and_folders_and_minds_nothing_missing(storage: FolderStorage) -> None:
    with storage.writing("jobs/a/x.tif") as path:
        path.write_bytes(b"x")

    storage.remove("jobs/a")
    storage.remove("jobs/a")

    assert files(storage) == []


def test_a_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")

    assert sha256(tmp_path / "x") == hashlib.sha256(b"abc").hexdigest()
