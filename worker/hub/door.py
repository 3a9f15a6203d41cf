"""Single requests to a hub: where the token may go, which redirects are followed, what an answer means."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import NamedTuple

import httpx

from app.errors import Forbidden, Unauthorised, Unavailable, Unknown
from app.retry_after import retry_after_s

_MOST_REDIRECTS = 5
_WEATHER = (408, 429, 500, 502, 503, 504)

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs addresses, and those of a store are signed


class Weather(Exception):
    """What may be better next time. after_s: when the server wants to be asked again, if it said so."""

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s


class FileAbsent(Unknown):
    """The repository and its revision are there, the file is not in them."""


class Door(NamedTuple):
    """A hub's address and how it is spoken to. url: without a slash at its end. timeout_s: of each wait for bytes."""

    url: str
    token: str | None
    timeout_s: float

    @property
    def host(self) -> str:
        return httpx.URL(self.url).netloc.decode()

    def head(self, url: str, what: str) -> tuple[httpx.Headers, str]:
        """The hub's own headers for a file, and the address to get it from.

        Redirects within the hub (a renamed repository) are followed; one to another host names the store that holds
        the file, and is the address. what: words for the file. Raises Weather, or what a refusal means: Unauthorised,
        Forbidden, Unknown, Unavailable.
        """
        for _ in range(_MOST_REDIRECTS):
            with self._open("HEAD", url, {}) as answer:
                if not answer.is_redirect:
                    self._require_success(answer, what)
                    return answer.headers, url
                target = _target(answer)
                if not self._is_ours(target):
                    return answer.headers, target
                url = target
        raise self._circle(what)

    @contextmanager
    def get(self, url: str, what: str, start: int) -> Iterator[httpx.Response]:
        """The answer that carries a file from byte `start` on, its status 200, 206 or 416. Raises as `head`."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        for _ in range(_MOST_REDIRECTS):
            with self._open("GET", url, headers) as answer:
                if answer.status_code in (200, 206, 416):
                    yield answer
                    return
                if answer.status_code == 403 and not self._is_ours(url):
                    raise Weather("the signed address of the file has expired")
                if not answer.is_redirect:
                    self._require_success(answer, what)
                url = _target(answer)
        raise self._circle(what)

    def files(self, url: str, what: str) -> list[str]:
        """Names of the files of a repository, from its description at `url`. Raises as `head`."""
        with self._open("GET", url, {}) as answer:
            self._require_success(answer, what)
            answer.read()
        try:
            return [str(each["rfilename"]) for each in answer.json()["siblings"]]
        except (ValueError, KeyError, TypeError) as error:
            raise Unavailable(
                f"{self.host} describes the repository in a way that is not understood: {what}"
            ) from error

    def _is_ours(self, url: str) -> bool:
        ours, asked = httpx.URL(self.url), httpx.URL(url)
        return (ours.scheme, ours.netloc) == (asked.scheme, asked.netloc)

    @contextmanager
    def _open(self, method: str, url: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        # Without `identity` a proxy may compress, and sizes and ranges would be those of the compressed bytes.
        sent = {"Accept-Encoding": "identity", **headers}
        if self.token and self._is_ours(url):
            sent["Authorization"] = f"Bearer {self.token}"
        try:
            with _connections().stream(method, url, headers=sent, timeout=self.timeout_s) as answer:
                yield answer
        except httpx.TransportError as error:
            raise Weather(f"the connection to {httpx.URL(url).host} failed ({error})") from error

    def _require_success(self, answer: httpx.Response, what: str) -> None:
        """Raises what an answer other than 2xx means. Source of the codes: HTTP, and the hub's `X-Error-Code`."""
        status = answer.status_code
        if answer.is_success:
            return
        if status in _WEATHER:
            raise Weather(f"{self.host} answered {status}", retry_after_s(answer.headers.get("Retry-After")))
        if status == 401:  # also the hub's answer for a repository that does not exist
            token = "accept COSIA_HUB_TOKEN for" if self.token else "show without an access token"
            raise Unauthorised(
                f"{self.host} has no repository of this name, or does not {token} {what}: check the name, or set "
                "COSIA_HUB_TOKEN to a token that may read it"
            )
        if status == 403:
            raise Forbidden(f"{self.host} does not allow {what}: accept the terms on its page there, or ask its owner")
        if status == 404:
            code = answer.headers.get("X-Error-Code")
            if code == "EntryNotFound":
                raise FileAbsent(f"{self.host} has no such file: {what}", "file")
            absent = "revision" if code == "RevisionNotFound" else "file or repository"
            raise Unknown(f"{self.host} has no such {absent}: {what}", "from")
        raise Unavailable(f"{self.host} answered {status} for {what}")

    def _circle(self, what: str) -> Unavailable:
        return Unavailable(f"{self.host} redirects {what} more than {_MOST_REDIRECTS} times")


@lru_cache
def _connections() -> httpx.Client:
    """Of this process; its proxy and certificates are those of the environment. Redirects are ours to follow."""
    return httpx.Client(follow_redirects=False, headers={"User-Agent": "cosia-map"})


def _target(answer: httpx.Response) -> str:
    try:
        target = answer.url.join(answer.headers.get("Location", ""))
    except httpx.InvalidURL as error:
        raise Unavailable(f"{answer.url.host} redirects to what is no address") from error
    if target.scheme not in ("http", "https") or (answer.url.scheme, target.scheme) == ("https", "http"):
        raise Unavailable(f"{answer.url.host} redirects to an address that is not encrypted; it is not followed")
    return str(target)
