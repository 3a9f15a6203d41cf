"""What every request passes: an id, a size limit, security headers, an access line and a count.

Plain ASGI, because Starlette's own middleware class would buffer streams and lose context variables.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Sequence
from functools import cache
from urllib.parse import urlsplit

import structlog
from prometheus_client import Counter
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.languages import answer_language
from app.api.problems import problem
from app.logs import log_request

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def content_policy(framed_by: Sequence[str] = ()) -> str:
    """Nothing from elsewhere; framed_by: sites that may show it in a frame, besides this one."""
    ancestors = " ".join(("'self'", *framed_by))
    return (
        "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
        f"form-action 'self'; frame-ancestors {ancestors}"
    )


SECURITY_HEADERS = (
    (b"content-security-policy", content_policy().encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)

REQUESTS = Counter("cosia_http_requests_total", "HTTP requests answered.", ["route", "status"])


# Kept: looking a counter up by its labels costs more than counting. There are as many as routes times statuses.
@cache
def _counter(route: str, status: int) -> Counter:
    return REQUESTS.labels(route, status)


class FrontDoor:
    """ASGI middleware around the whole application.

    body_bytes: the largest request body let in. public_url: where redirections lead, whatever host a request names.
    """

    def __init__(self, app: ASGIApp, body_bytes: int, public_url: str) -> None:
        self._app = app
        self._body_bytes = body_bytes
        self._public_url = public_url
        self._too_large = f"the request body is larger than {body_bytes} bytes, which is the limit"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status == 307:  # the router's own, for a slash too many
                    message["headers"] = list(map(self._at_home, message["headers"]))
                present = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *[header for header in SECURITY_HEADERS if header[0] not in present],
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        try:
            await self._guarded(scope, headers, receive, send_with_headers)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            _counter(route, status).inc()
            log_request(request_id, scope["method"], scope["path"], status, (time.perf_counter() - started) * 1000)

    def _at_home(self, header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
        """A `Location` at the public address; any other header as it is."""
        name, value = header
        if name != b"location":
            return header
        parts = urlsplit(value.decode("latin-1"))
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return name, f"{self._public_url}{path}".encode("latin-1")

    async def _guarded(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send) -> None:
        """Lets bodies in up to the limit, counted as they come: a Content-Length may be missing or false."""
        declared = headers.get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > self._body_bytes:
            language = answer_language(Headers(scope=scope))
            response = problem(413, "body-too-large", self._too_large, language, headers={"Connection": "close"})
            await response(scope, receive, send)
            return
        received_bytes = 0

        async def receive_counted() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b""))
            if received_bytes > self._body_bytes:
                raise HTTPException(413, self._too_large, {"Connection": "close"})
            return message

        await self._app(scope, receive_counted, send)
