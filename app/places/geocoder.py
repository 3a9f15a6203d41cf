"""The national geocoder, asked for addresses and places, and left alone for a while when it fails.

Géoplateforme, `geocodage/search`: q, index (address, poi), limit; 50 requests a second from one address, then 429 with
Retry-After (geoservices.ign.fr, "API Géoplateforme - Géocodage"). What is asked goes there from this server, never from
who asks; what it answers is text and numbers to check, nothing else.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from enum import StrEnum
from importlib.metadata import version
from typing import NamedTuple

import httpx
import structlog

from app.gate import Gate
from app.places.geocoded import places_of
from app.places.place import Place
from app.retry_after import retry_after_s

log = structlog.get_logger(__name__)
logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs addresses, and with them what people look for

ATTRIBUTION = "IGN, Base Adresse Nationale, BD TOPO"
RESULTS = 10

_LEAST_LETTERS = 3
_PER_S, _PARALLEL = 10.0, 4
_WAITING = 16
_PATIENCE_S = 3.0
_WAIT_S = 0.8
_FIRST_REST_S, _LONGEST_REST_S = 5.0, 300.0
_MOST_BYTES = 300_000
_KEPT, _KEPT_S = 500, 3600.0


class _Failed(Exception):
    """Said to the log only. retry_after_s: what the geocoder asked for."""

    def __init__(self, reason: str, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class State(StrEnum):
    ANSWERED = "answered"
    LATE = "late"  # it is still being waited for: asking again finds what it says
    UNAVAILABLE = "unavailable"
    UNASKED = "unasked"  # switched off, or too little to ask


class Answer(NamedTuple):
    state: State
    places: Sequence[Place] = ()


class Geocoder:
    """Asks in threads of its own, few at a time; callers wait for a moment only.

    url: of the search, empty to ask nobody. wait_s: how long who asks is kept waiting; an answer that comes later is
    kept for who asks again.
    """

    def __init__(self, url: str, wait_s: float = _WAIT_S) -> None:
        self._url = url
        self._wait_s = wait_s
        self._gate = Gate(_PER_S, _PARALLEL)
        self._threads = ThreadPoolExecutor(_PARALLEL, "geocoder")
        self._client = httpx.Client(
            follow_redirects=False,
            headers={"User-Agent": f"cosia-map/{version('cosia-map')}"},
            timeout=httpx.Timeout(_PATIENCE_S),
        )
        self._lock = threading.Lock()
        self._asking: dict[str, Future[Sequence[Place]]] = {}
        self._kept: OrderedDict[str, tuple[float, Sequence[Place]]] = OrderedDict()
        self._failures = 0

    async def find(self, text: str) -> Answer:
        """What it has under a text, at most `RESULTS`. Never raises for a failure of the service."""
        text = " ".join(text.split())
        if not self._url or len(text) < _LEAST_LETTERS or not text[0].isalnum():
            return Answer(State.UNASKED)
        asked = self._asked(text)
        if not isinstance(asked, Future):
            return asked
        await asyncio.wait({asyncio.wrap_future(asked)}, timeout=self._wait_s)
        if not asked.done():
            return Answer(State.LATE)
        return Answer(State.UNAVAILABLE) if asked.exception() else Answer(State.ANSWERED, asked.result())

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _asked(self, text: str) -> Answer | Future[Sequence[Place]]:
        """What is known already, or a question on its way."""
        key = text.casefold()
        with self._lock:
            kept_until, places = self._kept.get(key, (0.0, ()))
            if time.monotonic() < kept_until:
                return Answer(State.ANSWERED, places)
            if key not in self._asking:
                if len(self._asking) >= _WAITING:
                    return Answer(State.UNAVAILABLE)
                self._asking[key] = self._threads.submit(self._ask, key, text)
            return self._asking[key]

    def _ask(self, key: str, text: str) -> Sequence[Place]:
        """Raises _Failed, or Unavailable while the geocoder is left alone."""
        places: Sequence[Place] | None = None
        try:
            places = self._fetched(text)
        finally:
            with self._lock:
                del self._asking[key]
                if places is not None:
                    self._kept[key] = (time.monotonic() + _KEPT_S, places)
                    while len(self._kept) > _KEPT:
                        self._kept.popitem(last=False)
        return places

    def _fetched(self, text: str) -> Sequence[Place]:
        until = time.monotonic() + _PATIENCE_S
        with self._gate.turn(until):  # closed after a failure: then this raises at once
            try:
                places = self._received(text, until)
            except _Failed as error:
                self._rest(error)
                raise
        self._failures = 0
        return places

    def _rest(self, failure: _Failed) -> None:
        """Asks nobody for a while, longer after each failure in a row."""
        self._failures += 1
        rest_s = max(failure.retry_after_s, _FIRST_REST_S * 2 ** min(self._failures - 1, 10))
        rest_s = min(rest_s, _LONGEST_REST_S)
        self._gate.close_for(rest_s)
        log.warning("geocoder_rests", reason=str(failure), rest_s=rest_s)

    def _received(self, text: str, until: float) -> Sequence[Place]:
        """Raises _Failed for whatever is no list of places."""
        body = bytearray()
        parameters = {"q": text, "index": "address,poi", "limit": str(RESULTS)}
        try:
            with self._client.stream("GET", self._url, params=parameters) as response:
                if response.status_code == 400:  # a text that it cannot search; others it can
                    return []
                if response.status_code != 200:
                    wait_s = retry_after_s(response.headers.get("retry-after"))
                    raise _Failed(f"status {response.status_code}", wait_s or 0.0)
                for part in response.iter_bytes():
                    body += part
                    if len(body) > _MOST_BYTES:
                        raise _Failed("more than was asked for")
                    if time.monotonic() > until:
                        raise _Failed("too slow")
            return places_of(json.loads(body))
        except (httpx.HTTPError, ValueError, RecursionError) as error:
            raise _Failed(f"{type(error).__name__}: {error}") from error
