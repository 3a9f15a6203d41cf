"""The tile cache stays within its bytes."""

from __future__ import annotations

from app.tiling.cache import TileCache


def test_what_was_put_is_found_also_when_it_is_empty() -> None:
    cache = TileCache(10_000)
    cache.put("a", b"data")
    cache.put("b", b"")

    assert cache.get("a") == b"data"
    assert cache.get("b") == b""
    assert cache.get("c") is None


def test_the_least_recently_used_leaves_first() -> None:
    cache = TileCache(3_000)
    cache.put("a", bytes(1000))
    cache.put("b", bytes(1000))
    cache.get("a")
    cache.put("c", bytes(1000))

    assert cache.get("b") is None
    assert cache.get("a") is not None
    assert cache.size_bytes <= 3_000


def test_replacing_an_entry_does_not_count_it_twice() -> None:
    cache = TileCache(10_000)
    cache.put("a", bytes(1000))
    before = cache.size_bytes
    cache.put("a", bytes(1000))

    assert cache.size_bytes == before


def test_a_cache_of_no_bytes_keeps_nothing() -> None:
    cache = TileCache(0)
    cache.put("a", b"data")

    assert cache.get("a") is None
    assert cache.size_bytes == 0
