"""What is predicted is written by threads of their own, while the next is predicted."""

from __future__ import annotations

import contextvars
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, ParamSpec

_P = ParamSpec("_P")

_WAITING_PER_THREAD = 2  # one being written, one behind it: more would fill the memory and hide a slow storage


class Writer(Generic[_P]):
    """Calls `write` in so many threads, begun in the order of `put`; leaving the `with` waits for all of it."""

    def __init__(self, write: Callable[_P, None], threads: int) -> None:
        self._write = write
        self._most_waiting = _WAITING_PER_THREAD * threads
        self._executor = ThreadPoolExecutor(threads, "writing")
        self._waiting: deque[Future[None]] = deque()

    def __enter__(self) -> Writer[_P]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.finish()
        finally:
            self._executor.shutdown()

    def put(self, *args: _P.args, **kwargs: _P.kwargs) -> None:
        """Waits where the writing falls behind. Raises what an earlier `write` raised."""
        while len(self._waiting) >= self._most_waiting:
            self._waiting.popleft().result()
        context = contextvars.copy_context()  # its log lines name the block
        self._waiting.append(self._executor.submit(lambda: context.run(self._write, *args, **kwargs)))

    def finish(self) -> None:
        """Waits until all is written. Raises what a `write` raised."""
        while self._waiting:
            self._waiting.popleft().result()
