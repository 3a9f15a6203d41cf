"""Asking a map server over HTTP: paced, patient for a while, and never led to another host."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import version
from typing import NamedTuple, TypeVar

import httpx

from app.definitions import ImagerySource, RemoteService
from app.errors import ImageryRefused, Unavailable
from app.gate import gate_of
from app.retry_after import retry_after_s

T = TypeVar("T")

_TRIES = 4
_FIRST_WAIT_S = 0.5
_UNSTATED_WAIT_S = 1.0  # of a server that is busy and does not say how long
_LONGEST_WAIT_S = 120.0  # of a Retry-After: longer ones are taken for a mistake
_CONNECT_S = 10.0
_REDIRECTIONS = 3
_USER_AGENT = f"cosia-map/{version('cosia-map')}"

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs addresses, and with them the keys of operators


class Answer(NamedTuple):
    """What a server gave: an answer of 200, or of 4xx whose body may explain it. content_type: without parameters."""

    status: int
    content_type: str
    body: bytes


class MapClient:
    """Asks the server of one source; threads share it. patience_s: of one request with all its tries."""

    def __init__(self, source: ImagerySource, service: RemoteService) -> None:
        self._name = f"the map server of imagery source {source.id}"
        self._url = httpx.URL(service.url)
        self._timeout = httpx.Timeout(service.timeout_s, connect=min(_CONNECT_S, service.timeout_s))
        self._gate = gate_of(self._url.netloc.decode(), service.requests_per_s, service.parallel)

    def get(
        self,
        parameters: dict[str, str],
        accept: Callable[[Answer], T],
        *,
        most_bytes: int,
        until: float,
        tries: int = _TRIES,
    ) -> T:
        """What `accept` makes of the answer. until: by the monotonic clock, the end of all tries.

        `accept` raises Unavailable for an answer that another try may better, ImageryRefused for one that none will.
        Raises those, with the name of the source before the words.
        """
        url = self._url.copy_merge_params(parameters)
        attempt = 0
        while True:
            attempt += 1
            try:
                return accept(self._once(url, most_bytes, until))
            except ImageryRefused as error:
                raise ImageryRefused(f"{self._name}: {error.message}") from error
            except Unavailable as error:
                wait_s = max(error.retry_after_s, _FIRST_WAIT_S * 2 ** (attempt - 1)) * random.uniform(1.0, 1.25)
                if attempt >= tries or time.monotonic() + wait_s >= until:
                    raise Unavailable(f"{self._name}: {error.message}", max(1, error.retry_after_s)) from error
                time.sleep(wait_s)

    def _once(self, url: httpx.URL, most_bytes: int, until: float) -> Answer:
        for _ in range(_REDIRECTIONS):
            with self._gate.turn(until):
                answer = self._receive(url, most_bytes, until)
            if isinstance(answer, Answer):
                return answer
            url = answer
        raise ImageryRefused("it redirects without end: put the final address into the definition")

    def _receive(self, url: httpx.URL, most_bytes: int, until: float) -> Answer | httpx.URL:
        """The answer, or where on the same server to ask instead."""
        try:
            with _connections().stream("GET", url, timeout=self._timeout) as response:
                if response.is_redirect:
                    return self._elsewhere(response)
                self._require_fine(response)
                body = bytearray()
                for part in response.iter_bytes():
                    body += part
                    if len(body) > most_bytes:
                        raise ImageryRefused("it gives more than was asked for")
                    if time.monotonic() > until:
                        raise Unavailable("it answers too slowly", 0)
        except httpx.TimeoutException as error:
            raise Unavailable("it does not answer in time", 0) from error
        except (httpx.DecodingError, httpx.RemoteProtocolError) as error:
            raise Unavailable("its answer was cut short or is garbled", 0) from error
        except httpx.TransportError as error:
            raise Unavailable("it cannot be reached", 0) from error
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(response.status_code, kind, bytes(body))

    def _elsewhere(self, response: httpx.Response) -> httpx.URL:
        try:
            target = self._url.join(response.headers.get("location", ""))
        except httpx.InvalidURL as error:
            raise ImageryRefused("it redirects to what is no address") from error
        if (target.scheme, target.netloc) != (self._url.scheme, self._url.netloc):
            raise ImageryRefused("it redirects to another host: put the final address into the definition")
        return target

    def _require_fine(self, response: httpx.Response) -> None:
        """Raises for the answers whose body says nothing; others are for who asked."""
        status = response.status_code
        if status in (401, 403):
            raise ImageryRefused(f"access is refused ({status}): its key or its rights are missing")
        if status == 429 or status >= 500:
            wait_s = min(retry_after_s(response.headers.get("retry-after")) or 0.0, _LONGEST_WAIT_S)
            if status in (429, 503):
                self._gate.close_for(wait_s or _UNSTATED_WAIT_S)
            reason = "it has had too many requests" if status == 429 else "it has a fault of its own"
            raise Unavailable(f"{reason} ({status})", round(wait_s))


@lru_cache
def _connections() -> httpx.Client:
    """Of this process; its proxy and certificates are those of the environment."""
    return httpx.Client(follow_redirects=False, headers={"User-Agent": _USER_AGENT})
