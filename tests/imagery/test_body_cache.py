"""The cache of map servers' answers: bounded, and never wrong."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from app.imagery.remote.cache import BodyCache


def _key(name: str) -> str:
    return sha256(name.encode()).hexdigest()


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _file_of(folder: Path, name: str) -> Path:
    return folder / _key(name)[:2] / _key(name)[2:]


def test_what_was_put_is_found_by_another_process(tmp_path: Path) -> None:
    BodyCache(tmp_path, 1000).put(_key("a"), b"body")

    assert BodyCache(tmp_path, 1000).get(_key("a")) == b"body"
    assert BodyCache(tmp_path, 1000).get(_key("b")) is None


def test_a_damaged_body_is_not_found_and_goes(tmp_path: Path) -> None:
    cache = BodyCache(tmp_path, 1000)
    cache.put(_key("a"), b"body")
    path = _file_of(tmp_path, "a")
    path.write_bytes(path.read_bytes()[:-1] + b"?")

    assert cache.get(_key("a")) is None
    assert not path.exists()


def test_beyond_the_limit_the_least_recently_used_go_first(tmp_path: Path) -> None:
    cache = BodyCache(tmp_path, 1000)
    for number, name in enumerate("abcd"):
        cache.put(_key(name), bytes(168))  # 200 with the digest
        os.utime(_file_of(tmp_path, name), (number, number))
    cache.get(_key("a"))  # used again

    cache.put(_key("e"), bytes(168))
    cache.put(_key("f"), bytes(168))

    left = [name for name in "abcdef" if _file_of(tmp_path, name).exists()]
    assert left == ["a", "d", "e", "f"]
    assert _bytes_in(tmp_path) == 800


def test_a_limit_of_zero_keeps_nothing(tmp_path: Path) -> None:
    cache = BodyCache(tmp_path, 0)
    cache.put(_key("a"), b"body")

    assert cache.get(_key("a")) is None
    assert _bytes_in(tmp_path) == 0


def test_a_folder_that_cannot_be_written_costs_only_the_keeping(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = BodyCache(tmp_path / "file", 1000)

    cache.put(_key("a"), b"body")

    assert cache.get(_key("a")) is None


def test_what_a_killed_writer_left_is_cleared(tmp_path: Path) -> None:
    left = tmp_path / "ab" / "unfinished-1"
    left.parent.mkdir()
    left.write_bytes(b"half")
    os.utime(left, (1, 1))

    BodyCache(tmp_path, 1000).put(_key("a"), b"body")

    assert not left.exists()
