"""Single requests to a hub: where the token may go, which redirects are followed, what an answer means."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from app.errors import Forbidden, Unauthorised, Unavailable, Unknown

_MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_WEATHER = (408, 429, 500, 502, 503, 504)


class Weather(Exception):
    """What may be better next time. after_s: when the server wants to be asked again, if it said so."""

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s


class _Unfollowed(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Redirects are ours to follow: urllib would take the token along to another host."""


_opener = build_opener(_Unfollowed)  # knows the proxies of the environment


class Door(NamedTuple):
    """A hub's address and how it is spoken to. url: without a slash at its end. timeout_s: of each wait for bytes."""

    url: str
    token: str | None
    timeout_s: float

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def head(self, url: str, what: str) -> tuple[Message, str]:
        """The hub's own headers for a file, and the address to get it from.

        Redirects within the hub (a renamed repository) are followed; one to another host names the store that holds
        the file, and is the address. Raises as `refusal`, and Weather.
        """
        for _ in range(_MOST_REDIRECTS):
            with closing(self._open("HEAD", url, {})) as answer:
                if answer.status not in _REDIRECTS:
                    self._require_success(answer, what)
                    return answer.headers, url
                target = _target(url, answer)
                if not self._is_ours(target):
                    return answer.headers, target
                url = target
        raise Unavailable(f"{self.host} redirects {what} more than {_MOST_REDIRECTS} times")

    def get(self, url: str, what: str, start: int) -> HTTPResponse | HTTPError:
        """The answer that carries a file from byte `start` on; the caller closes it. Its status is 200, 206 or 416."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        for _ in range(_MOST_REDIRECTS):
            answer = self._open("GET", url, headers)
            if answer.status in (200, 206, 416):
                return answer
            with closing(answer):
                if answer.status == 403 and not self._is_ours(url):
                    raise Weather("the signed address of the file has expired")
                if answer.status not in _REDIRECTS:
                    self._require_success(answer, what)
                url = _target(url, answer)
        raise Unavailable(f"{self.host} redirects {what} more than {_MOST_REDIRECTS} times")

    def _is_ours(self, url: str) -> bool:
        ours, asked = urlsplit(self.url), urlsplit(url)
        return (ours.scheme, ours.netloc) == (asked.scheme, asked.netloc)

    def _open(self, method: str, url: str, headers: Mapping[str, str]) -> HTTPResponse | HTTPError:
        # Without `identity` a proxy may compress, and sizes and ranges would be those of the compressed bytes.
        sent = {"User-Agent": "cosia-map", "Accept-Encoding": "identity", **headers}
        if self.token and self._is_ours(url):
            sent["Authorization"] = f"Bearer {self.token}"
        request = Request(url, method=method, headers=sent)  # noqa: S310 - `_target` and the settings allow http(s)
        try:
            answer: HTTPResponse = _opener.open(request, timeout=self.timeout_s)
        except HTTPError as error:
            return error
        except (OSError, HTTPException) as error:
            raise Weather(f"{urlsplit(url).netloc} cannot be reached ({getattr(error, 'reason', error)})") from error
        return answer

    def _require_success(self, answer: HTTPResponse | HTTPError, what: str) -> None:
        """Raises what an answer other than 2xx means. Source of the codes: HTTP, and the hub's `X-Error-Code`."""
        status = answer.status or 0
        if 200 <= status < 300:
            return
        if status in _WEATHER:
            raise Weather(f"{self.host} answered {status}", _retry_after_s(answer.headers))
        if status == 401:  # also the hub's answer for a repository that does not exist
            token = "accept COSIA_HUB_TOKEN for" if self.token else "show without an access token"
            raise Unauthorised(
                f"{self.host} has no repository of this name, or does not {token} {what}: check the name, or set "
                "COSIA_HUB_TOKEN to a token that may read it"
            )
        if status == 403:
            raise Forbidden(f"{self.host} does not allow {what}: accept the terms on its page there, or ask its owner")
        if status == 404:
            code = answer.headers.get("X-Error-Code", "")
            absent = {"RevisionNotFound": "revision", "EntryNotFound": "file"}.get(code, "file or repository")
            raise Unknown(f"{self.host} has no such {absent}: {what}", "from")
        raise Unavailable(f"{self.host} answered {status} for {what}")


def _target(url: str, answer: HTTPResponse | HTTPError) -> str:
    target = urljoin(url, answer.headers.get("Location", ""))
    before, after = urlsplit(url).scheme, urlsplit(target).scheme
    if after not in ("http", "https") or (before, after) == ("https", "http"):
        raise Unavailable(f"{urlsplit(url).netloc} redirects to an address that is not encrypted; it is not followed")
    return target


def _retry_after_s(headers: Message) -> float | None:
    """Seconds of a `Retry-After` header, which states seconds or a date (RFC 9110, section 10.2.3)."""
    stated = headers.get("Retry-After", "").strip()
    if stated.isdecimal():
        return float(stated)
    try:
        return max(0.0, (parsedate_to_datetime(stated) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
