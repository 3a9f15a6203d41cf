"""Encoded tiles in a Redis that several processes share: a second look before a tile is drawn.

It may only ever help. Every call is short, and after one that failed nobody asks it for some seconds: a Redis that is
away costs a tile nothing.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Hashable

import redis
import structlog

log = structlog.get_logger(__name__)

_TIMEOUT_S = 0.1
_PAUSE_S = 10.0
"""Without a question after one that failed."""


class SharedCache:
    """url: of a Redis of its own or shared with others (its entries begin with `cosia:tile:` and expire).

    encoding: entries of another encoding are not found. For tile threads: calls may wait `_TIMEOUT_S`.
    """

    def __init__(self, url: str, expires_s: int, encoding: bytes) -> None:
        self._redis = redis.Redis.from_url(
            url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, retry=None
        )
        self._expires_s = expires_s
        self._encoding = encoding
        self._lock = threading.Lock()
        self._asked_again_at = 0.0

    def get(self, key: Hashable) -> bytes | None:
        if self._is_away():
            return None
        try:
            found = self._redis.get(self._name(key))
        except redis.RedisError as error:
            self._pause(error)
            return None
        return found if isinstance(found, bytes) else None

    def put(self, key: Hashable, data: bytes) -> None:
        if self._is_away():
            return
        try:
            self._redis.set(self._name(key), data, ex=self._expires_s)
        except redis.RedisError as error:
            self._pause(error)

    def _name(self, key: Hashable) -> str:
        # A key is made of numbers and names, whose repr is the same in every process.
        return f"cosia:tile:{hashlib.blake2b(repr(key).encode() + self._encoding, digest_size=20).hexdigest()}"

    def _is_away(self) -> bool:
        return time.monotonic() < self._asked_again_at

    def _pause(self, error: redis.RedisError) -> None:
        with self._lock:
            news = not self._is_away()
            self._asked_again_at = time.monotonic() + _PAUSE_S
        if news:
            log.warning("tile_cache_away", reason=type(error).__name__)
