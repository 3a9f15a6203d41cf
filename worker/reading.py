"""What is predicted next is read by threads of their own, while something else is predicted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

_Item = TypeVar("_Item")
_Read = TypeVar("_Read")

_AHEAD_PER_THREAD = 2  # one at hand, one behind it: more would fill the memory


class ReadAhead(Generic[_Item, _Read]):
    """Calls `read` in so many threads; leaving the `with` waits for what was begun."""

    def __init__(self, read: Callable[[_Item], _Read], threads: int) -> None:
        self._read = read
        self._most_ahead = _AHEAD_PER_THREAD * threads
        self._executor = ThreadPoolExecutor(threads, "read-ahead")

    def __enter__(self) -> ReadAhead[_Item, _Read]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown(cancel_futures=error is not None)

    def each(self, items: Iterable[_Item]) -> Iterator[tuple[_Item, Future[_Read]]]:
        """The items in their order, each with what is read of it, while the next ones are read."""
        ahead: deque[tuple[_Item, Future[_Read]]] = deque()
        for item in items:
            ahead.append((item, self._executor.submit(self._read, item)))
            if len(ahead) > self._most_ahead:
                yield ahead.popleft()
        while ahead:
            yield ahead.popleft()
