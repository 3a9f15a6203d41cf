"""The C library's memory, kept from one forward pass to the next.

glibc gives the memory of a large array back to the system as soon as the array is gone. For the next one it comes again
page by page, each zeroed and each for a fault: a quarter of the time of a pass on a processor.

Source: mallopt(3), malloc_trim(3).
"""

from __future__ import annotations

import ctypes
import platform
import threading

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
_NEVER = -1
_DEFAULTS = {_MMAP_MAX: 65_536, _TRIM_THRESHOLD: 128 * 1024}


_IDLE_S = 10.0


class KeptMemory:
    """A context in which what arrays leave is kept for the next ones.

    The system has it back when the context was left for `idle_s` seconds and not entered again: batches of a job follow
    each other. One thread at a time enters. In a thread that allocated before `share_one_arena` only the memory of
    arrays of up to 64 MB is kept; without glibc nothing changes.
    """

    def __init__(self, idle_s: float = _IDLE_S) -> None:
        self._idle_s = idle_s
        self._libc = _glibc()
        self._returning: threading.Timer | None = None

    def __enter__(self) -> None:
        if self._returning is not None:
            self._returning.cancel()
        if self._libc is not None:
            self._libc.mallopt(_MMAP_MAX, 0)
            self._libc.mallopt(_TRIM_THRESHOLD, _NEVER)

    def __exit__(self, *_: object) -> None:
        if not self._idle_s:
            self._give_back()
            return
        self._returning = threading.Timer(self._idle_s, self._give_back)
        self._returning.daemon = True
        self._returning.start()

    def _give_back(self) -> None:
        if self._libc is None:
            return
        for parameter, value in _DEFAULTS.items():
            self._libc.mallopt(parameter, value)
        self._libc.malloc_trim(0)


def share_one_arena() -> None:
    """Lets all threads that come take their memory where the first one does: the arenas that glibc would give them hold
    no array of more than 64 MB. For the start of a process, before there are threads."""
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_ARENA_MAX, 1)


def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
