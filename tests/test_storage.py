"""Files appear whole or not at all, in a folder and in a bucket alike."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import rasterio
import structlog
from pydantic import ValidationError

from app.definitions import Grid
from app.errors import Misconfigured, Unavailable
from app.settings import Settings
from app.storage import FolderStorage, S3Storage, Storage, sha256, storage
from tests.published import write_classes
from tests.servers import S3Server, free_port

KINDS = ["folder", "s3"]


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """An empty storage; the test runs once on each kind."""
    if request.param == "folder":
        return FolderStorage(tmp_path / "data")
    request.getfixturevalue("s3_settings")
    return storage()


@pytest.fixture
def folder(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "data")


def put(store: Storage, href: str, content: bytes) -> None:
    with store.writing(href) as path:
        path.write_bytes(content)


def content(store: Storage, href: str) -> bytes:
    with store.reading(href) as path:
        return path.read_bytes()


def test_a_file_is_there_once_its_writing_has_ended(store: Storage) -> None:
    with store.writing("blocks/ab/abcd.tif") as path:
        path.write_bytes(b"content")
        assert not store.exists("blocks/ab/abcd.tif")

    assert store.names("blocks") == ["blocks/ab/abcd.tif"]
    assert content(store, "blocks/ab/abcd.tif") == b"content"


def test_what_is_written_keeps_its_suffix(store: Storage) -> None:
    with store.writing("a/b.tif.aux.xml") as path:
        path.write_bytes(b"x")
        assert path.suffix == ".xml"
    with store.reading("a/b.tif.aux.xml") as path:
        assert path.name == "b.tif.aux.xml"


def test_a_writing_that_fails_keeps_the_old_file_and_leaves_no_other(store: Storage, tmp_path: Path) -> None:
    put(store, "a/a.tif", b"old")

    def fail() -> None:
        with store.writing("a/a.tif") as path:
            path.write_bytes(b"half of the n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert store.names("a") == ["a/a.tif"]
    assert content(store, "a/a.tif") == b"old"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] in (["a.tif"], [])


def test_a_disk_that_is_full_is_said_to_be_without_a_path(store: Storage, tmp_path: Path) -> None:
    def fill() -> None:
        with store.writing("a.tif") as path:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device", str(path))

    with pytest.raises(Unavailable) as refusal:
        fill()

    assert refusal.value.message.endswith("cannot be written: No space left on device")
    assert not store.exists("a.tif")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "href", ["", "/etc/passwd", "../x", "a/../b", "a//b", ".hidden", "a/.hidden", "a\0", "http://x"]
)
def test_what_is_no_plain_relative_name_is_refused(store: Storage, href: str) -> None:
    with pytest.raises(ValueError, match="not an href"):
        store.gdal_path(href)
    with pytest.raises(ValueError, match="not an href"):
        store.remove(href)


def test_size_and_digest_are_those_of_the_bytes(store: Storage) -> None:
    put(store, "x", b"abc")

    assert store.size_bytes("x") == 3
    assert store.sha256("x") == hashlib.sha256(b"abc").hexdigest()


def test_any_range_of_bytes_can_be_had(store: Storage) -> None:
    whole = np.random.default_rng(1).bytes(2_500_000)
    put(store, "x", whole)

    assert b"".join(store.chunks("x", 0, len(whole))) == whole
    assert b"".join(store.chunks("x", 1_000_003, 2_400_001)) == whole[1_000_003:2_400_001]
    assert b"".join(store.chunks("x", 5, 5)) == b""


def test_removing_takes_files_and_folders_and_minds_nothing_missing(store: Storage) -> None:
    for href in ("jobs/a/x.tif", "jobs/a/deep/y.tif", "jobs/ab/z.tif", "jobs/c.tif"):
        put(store, href, b"x")

    store.remove("jobs/a")
    store.remove("jobs/a")
    store.remove("jobs/c.tif")

    assert store.names("jobs") == ["jobs/ab/z.tif"]
    assert store.names("nothing") == []


def test_a_copy_has_the_bytes_of_its_original_and_outlives_it(store: Storage) -> None:
    put(store, "jobs/a/areas.json", b"figures")

    assert store.copy("jobs/a/areas.json", "jobs/b/areas.json", hashlib.sha256(b"figures").hexdigest())

    store.remove("jobs/a")
    assert content(store, "jobs/b/areas.json") == b"figures"
    assert store.sha256("jobs/b/areas.json") == hashlib.sha256(b"figures").hexdigest()
    assert store.names("jobs") == ["jobs/b/areas.json"]


def test_what_is_gone_or_other_than_expected_is_not_copied(store: Storage) -> None:
    put(store, "jobs/a/areas.json", b"figures")

    assert not store.copy("jobs/a/areas.json", "jobs/b/areas.json", "0" * 64)
    assert not store.copy("jobs/a/none.json", "jobs/b/none.json", "0" * 64)
    assert store.names("jobs") == ["jobs/a/areas.json"]


def test_a_copy_needs_no_links(folder: FolderStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    put(folder, "jobs/a/areas.json", b"figures")
    monkeypatch.setattr(Path, "hardlink_to", refuse)

    assert folder.copy("jobs/a/areas.json", "jobs/b/areas.json", hashlib.sha256(b"figures").hexdigest())
    assert content(folder, "jobs/b/areas.json") == b"figures"


def test_files_are_listed_with_their_sizes_and_ages(store: Storage) -> None:
    put(store, "jobs/a/x.tif", b"xx")
    put(store, "jobs/a/deep/y.tif", b"yyy")
    put(store, "jobs/b/z.tif", b"z")

    listed = {found.href: found for found in store.listing("jobs/a")}

    assert {href: found.bytes for href, found in listed.items()} == {"jobs/a/x.tif": 2, "jobs/a/deep/y.tif": 3}
    assert all(-2 < found.age_s < 60 for found in listed.values())
    assert list(store.listing("nothing")) == []


def test_folders_are_those_directly_inside(store: Storage) -> None:
    for href in ("jobs/a/x.tif", "jobs/a/deep/y.tif", "jobs/b/z.tif", "jobs/c.tif", "blocks/d/x.tif"):
        put(store, href, b"x")

    assert store.folders("jobs") == ["jobs/a", "jobs/b"]
    assert store.folders("nothing") == []


class _Killed(BaseException):
    """Stands for a kill -9: nothing is cleaned up after it."""


def leave_unfinished(store: Storage, href: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a writer leaves that is killed while it writes: its file, and one that GDAL wrote beside it."""
    paths: list[Path] = []

    def write() -> None:
        with store.writing(href) as path:
            paths.append(path)
            path.write_bytes(b"half")
            Path(f"{path}.aux.xml").write_bytes(b"half")
            raise _Killed

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", lambda *_, **__: None)
        patched.setattr("app.storage.s3.shutil.rmtree", lambda *_, **__: None)
        with pytest.raises(_Killed):
            write()
    return paths[0]


def make_older(path: Path, *, hours: float) -> None:
    for each in (path.parent, *path.parent.rglob("*")):
        os.utime(each, (time.time() - hours * 3600,) * 2)


def test_what_a_killed_writer_left_goes_when_it_is_old(store: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, "blocks/ab/whole.tif", b"whole")
    old = leave_unfinished(store, "blocks/ab/x.tif", monkeypatch)
    make_older(old, hours=48)
    young = leave_unfinished(store, "blocks/ab/y.tif", monkeypatch)

    assert store.clear_unfinished("blocks", older_than_s=24 * 3600) == 2

    assert not old.exists()
    assert not Path(f"{old}.aux.xml").exists()
    assert young.exists()
    assert store.names("blocks") == ["blocks/ab/whole.tif"]


def test_a_process_that_starts_clears_the_scratch_of_its_machine(
    s3_settings: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = leave_unfinished(storage(), "blocks/ab/x.tif", monkeypatch)
    make_older(left, hours=48)
    storage.cache_clear()

    storage()

    assert not left.parent.exists()


def test_files_of_others_are_never_cleared(folder: FolderStorage) -> None:
    put(folder, "blocks/ab/x.tif", b"x")
    names = (".hidden", ".x.tmp.tif", "notes.tmp", ".x.0123456789abcdef.tmp.tif", f"x.{'0' * 32}.tmp.tif")
    for name in names:
        (folder.folder / "blocks/ab" / name).write_bytes(b"theirs")
    make_older(folder.folder / "blocks/ab/x.tif", hours=48)

    assert folder.clear_unfinished("blocks", older_than_s=24 * 3600) == 0
    assert all((folder.folder / "blocks/ab" / name).exists() for name in names)


def test_a_file_that_cannot_be_removed_is_said_to_be(folder: FolderStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    put(folder, "jobs/a/x.tif", b"x")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "unlink", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)

    for href in ("jobs/a", "jobs/a/x.tif"):
        with pytest.raises(Unavailable, match="cannot be written: Read-only file system"):
            folder.remove(href)


def test_a_file_that_is_missing_is_said_to_be(store: Storage) -> None:
    for asked in (store.size_bytes, store.sha256, lambda href: content(store, href)):
        with pytest.raises(Unavailable, match="not in the storage"):
            asked("jobs/none.tif")
    with pytest.raises(Unavailable):
        list(store.chunks("jobs/none.tif", 0, 10))


def test_gdal_reads_what_was_written_and_what_replaced_it(store: Storage, tmp_path: Path) -> None:
    grid = Grid(2154, 700000.0, 6600000.0, 0.2, 32, 32)
    for value in (3, 4):
        with store.writing("a/b.tif") as path:
            write_classes(path, np.full((32, 32), value, np.uint8), grid)
        with rasterio.open(store.gdal_path("a/b.tif"), driver="GTiff") as dataset:
            assert (dataset.read(1) == value).all()


def test_the_digest_of_an_object_somebody_else_wrote_is_counted(s3: S3Server, s3_settings: str) -> None:
    s3.put(f"{s3_settings.removeprefix('s3://')}/y", b"abc")

    assert storage().sha256("y") == hashlib.sha256(b"abc").hexdigest()


def test_a_bucket_that_is_away_is_unavailable_and_tells_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-of-this-test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-this-test")
    store = S3Storage("s3://bucket/prefix", f"http://127.0.0.1:{free_port()}", tmp_path)

    def write() -> None:
        put(store, "a.tif", b"x")

    asked = (lambda: store.exists("a"), lambda: store.names("a"), lambda: store.remove("a"), write)
    with structlog.testing.capture_logs() as lines:
        for ask in asked:
            with pytest.raises(Unavailable) as refusal:
                ask()
            assert refusal.value.message == "the storage does not answer: try again in a moment"

    assert [line["event"] for line in lines] == ["storage_away"] * len(asked)
    assert "of-this-test" not in str(lines)


def test_a_bucket_that_is_none_is_said_to_be(s3: S3Server, s3_settings: str, tmp_path: Path) -> None:
    store = S3Storage("s3://nobody-made-this", s3.endpoint, tmp_path)

    with pytest.raises(Unavailable, match="bucket that COSIA_DATA names does not exist"):
        put(store, "a.tif", b"x")


class _Refusal(BaseHTTPRequestHandler):
    """Answers as S3 does to wrong keys."""

    def do_GET(self) -> None:
        self.send_response(403)
        self.end_headers()
        self.wfile.write(b"<Error><Code>SignatureDoesNotMatch</Code></Error>")

    def do_PUT(self) -> None:
        self.do_GET()

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


def test_keys_that_are_refused_are_said_to_be(tmp_path: Path, s3_settings: str) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refusal) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        store = S3Storage("s3://bucket", f"http://127.0.0.1:{server.server_port}", tmp_path)
        asked = (lambda: store.exists("a.tif"), lambda: put(store, "a.tif", b"x"))
        for ask in asked:
            with pytest.raises(Unavailable, match="refuses access: are the AWS_ variables right"):
                ask()
        server.shutdown()


@pytest.mark.parametrize("address", ["s3://", "s3:///x", "s3://a@b/x", "s3://bucket/a b", "s3://bucket/../x"])
def test_an_address_that_is_none_is_a_misconfiguration(tmp_path: Path, address: str) -> None:
    with pytest.raises(Misconfigured, match="COSIA_DATA"):
        S3Storage(address, "", tmp_path)


@pytest.mark.parametrize(
    "endpoint", ["minio", "ftp://x", "https://key:secret@host", "https://host/?x=1", "https://host/path"]
)
def test_an_endpoint_that_is_none_is_refused(endpoint: str) -> None:
    with pytest.raises(ValidationError, match="expected https://host"):
        Settings(s3_endpoint=endpoint)


def test_the_embedded_parts_stay_in_a_local_folder(s3_settings: str, tmp_path: Path) -> None:
    assert Settings().local_folder == tmp_path / "local"
    assert Settings(data="here").local_folder == Path("here").resolve()


def test_a_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")

    assert sha256(tmp_path / "x") == hashlib.sha256(b"abc").hexdigest()
