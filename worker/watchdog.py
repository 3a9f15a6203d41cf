"""Ends a process that does not get on: inference or a file that hangs cannot be ended from inside a thread.

What it held is given up first, then the process ends hard, and whoever supervises it starts a fresh one.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import structlog

log = structlog.get_logger(__name__)

STALLED = 75
"""Exit code of a worker that ends because it cannot go on; EX_TEMPFAIL of sysexits.h: start it again."""

_LOOK_S = 0.5
_GIVE_UP_WITHIN_S = 5.0


class _Work(NamedTuple):
    """give_up: told why the work is ended, and whether its fault is counted."""

    what: str
    give_up: Callable[[str, bool], None]


class Watchdog:
    """A thread that looks whether the work at hand gets on.

    stall_s: longest time without progress. stop_within_s: time from `stop` to the end of the process.
    last_word: told why the process ends, where nobody asked it to. die: ends the process with a code.
    """

    def __init__(
        self,
        stop: threading.Event,
        *,
        stall_s: float,
        stop_within_s: float,
        last_word: Callable[[str], None],
        die: Callable[[int], None] = os._exit,
    ) -> None:
        self._stop = stop
        self._stall_s = stall_s
        self._stop_within_s = stop_within_s
        self._last_word = last_word
        self._die = die
        self._work: _Work | None = None
        self._progress = time.monotonic()
        self._stop_seen: float | None = None

    def start(self) -> None:
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    @contextmanager
    def watching(self, what: str, give_up: Callable[[str, bool], None]) -> Iterator[None]:
        """The work inside has to make progress."""
        self.progress()
        self._work = _Work(what, give_up)
        try:
            yield
        finally:
            self._work = None

    def progress(self) -> None:
        self._progress = time.monotonic()

    def _watch(self) -> None:
        while not self.look():
            time.sleep(_LOOK_S)

    def look(self) -> bool:
        """Whether it has ended the process."""
        work, now = self._work, time.monotonic()
        if work is not None and now - self._progress > self._stall_s:
            reason = f"no progress for {self._stall_s:g} s while {work.what}"
            log.error("worker_stalled", reason=reason)
            _in_time(lambda: work.give_up(reason, True))
            self.end(reason)
            return True
        if self._stop.is_set():
            self._stop_seen = self._stop_seen or now
            if now - self._stop_seen > self._stop_within_s:
                log.warning("work_given_up_to_stop_in_time", what=None if work is None else work.what)
                if work is not None:
                    _in_time(lambda: work.give_up("the worker had to stop", False))
                self._die(0)
                return True
        return False

    def end(self, reason: str) -> None:
        """Ends the process, which cannot go on."""
        _in_time(lambda: self._last_word(reason))
        self._die(STALLED)


def _in_time(say: Callable[[], None]) -> None:
    """Lets something be said that may hang or fail: the process ends all the same."""
    saying = threading.Thread(target=_said, args=(say,), daemon=True)
    saying.start()
    saying.join(_GIVE_UP_WITHIN_S)


def _said(say: Callable[[], None]) -> None:
    try:
        say()
    except Exception:
        log.exception("last_word_failed")
