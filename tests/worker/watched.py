"""A watchdog for tests: it looks when it is told to, and ends no process."""

from __future__ import annotations

import threading

from worker.watchdog import Watchdog


class Watched(Watchdog):
    """`codes`: with which it would have ended the process. `last_words`: why."""

    def __init__(self, stop: threading.Event | None = None, *, stall_s: float = 60.0) -> None:
        self.codes: list[int] = []
        self.last_words: list[str] = []
        super().__init__(
            stop or threading.Event(),
            stall_s=stall_s,
            stop_within_s=25.0,
            last_word=self.last_words.append,
            die=self.codes.append,
        )
