"""Encoded tiles in memory, bounded by their bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

_OVERHEAD_BYTES = 300
"""Of one entry beside its data: key, tuple and links, measured roughly; it keeps empty tiles from being free."""


class TileCache:
    """Least recently used first out. Empty data is a tile without pixels: worth remembering too."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._entries: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self.size_bytes = 0

    def get(self, key: Hashable) -> bytes | None:
        with self._lock:
            data = self._entries.get(key)
            if data is not None:
                self._entries.move_to_end(key)
            return data

    def put(self, key: Hashable, data: bytes) -> None:
        with self._lock:
            previous = self._entries.pop(key, None)
            if previous is not None:
                self.size_bytes -= len(previous) + _OVERHEAD_BYTES
            self._entries[key] = data
            self.size_bytes += len(data) + _OVERHEAD_BYTES
            while self.size_bytes > self._limit_bytes and self._entries:
                self.size_bytes -= len(self._entries.popitem(last=False)[1]) + _OVERHEAD_BYTES
