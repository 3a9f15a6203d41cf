"""Writing what is done to a database that may be away for a while: a block that is predicted is not predicted again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from sqlalchemy.orm import Session

from app.database import Sessions
from app.errors import Unavailable

log = structlog.get_logger(__name__)

_T = TypeVar("_T")

_PAUSE_S = 1.0
_MOST_S = 900.0
_MOST_WHILE_STOPPING_S = 5.0


class Persistence:
    """Transactions that are tried until the database answers, for a quarter of an hour, or until the worker must end.

    Whoever waits holds its lease no more, but while nobody can write nobody else can claim: the fence decides.
    waiting: called meanwhile.
    """

    def __init__(self, sessions: Sessions, stop: threading.Event, waiting: Callable[[], None]) -> None:
        self._sessions = sessions
        self._stop = stop
        self._waiting = waiting

    def write(self, work: Callable[[Session], _T]) -> _T:
        """What `work` gives in a transaction that was committed. Raises Unavailable when the time is over."""
        began = time.monotonic()
        while True:
            try:
                with self._sessions.write() as session:
                    return work(session)
            except Unavailable as error:
                waited_s = time.monotonic() - began
                if waited_s > (_MOST_WHILE_STOPPING_S if self._stop.is_set() else _MOST_S):
                    raise
                log.warning("database_waited_for", reason=error.message, seconds=round(waited_s))
            self._waiting()
            time.sleep(_PAUSE_S)
