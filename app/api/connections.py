"""Connections of the web process: who keeps it waiting is let go, and what is no HTTP is refused like all else.

uvicorn waits for ever for the rest of a request and for a client that does not read: a few thousand of those leave no
connection for others. nginx has such limits in production, and a process without it needs them too.
"""

from __future__ import annotations

import asyncio
import fcntl
import secrets
import struct
import termios
from contextlib import suppress

import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.api.front_door import SECURITY_HEADERS
from app.api.problems import problem
from app.logs import log_request

LOOK_S = 2.0
_LOOKS = 4
"""Between two looks at a connection, and how many of them a client may let pass: it has 8 to 10 s."""

_LEAST_BYTES = 20_000
"""What must come of a body, or be read of an answer, in that time."""


class Connection(HttpToolsProtocol):
    """One connection, closed where its client is waited for and does not get on.

    Waited for are the head of a request, from its first byte or the beginning of the connection on; its body, and the
    reading of the answer, some 2 kB/s at least. Between two requests uvicorn's own time applies (timeout_keep_alive).
    """

    _look_later: asyncio.TimerHandle | None = None
    _awaited: object = None
    _looks = 0
    _body_bytes = 0
    _pauses = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look_later is not None:
            self._look_later.cancel()
        super().connection_lost(exc)

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def pause_writing(self) -> None:
        self._pauses += 1
        super().pause_writing()

    def send_400_response(self, msg: str) -> None:
        """A problem document for bytes that are no HTTP request, where uvicorn has a bare sentence."""
        request_id = secrets.token_hex(16)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            answer = problem(400, "malformed", "this is no HTTP request: check its first line and its headers")
        headers = [*answer.raw_headers, *SECURITY_HEADERS, (b"x-request-id", request_id.encode())]
        lines = [b"%b: %b\r\n" % header for header in [*headers, (b"connection", b"close")]]
        self.transport.write(b"".join([STATUS_LINE[400], *lines, b"\r\n", bytes(answer.body)]))
        self.transport.close()
        log_request(request_id, "", "", 400, 0.0)

    def _look(self) -> None:
        awaited = self._what_is_awaited()
        self._looks = self._looks + 1 if awaited is not None and awaited == self._awaited else 0
        self._awaited = awaited
        if self._looks == _LOOKS:
            self.transport.abort()  # what it has not read by now it does not want
        else:
            self._look_later = self.loop.call_later(LOOK_S, self._look)

    def _what_is_awaited(self) -> object:
        """The same as before where the client did not get on; None where it is not its turn."""
        is_answered = self.cycle is None or self.cycle.response_complete
        if self.flow.write_paused or (is_answered and self.transport.get_write_buffer_size()):
            return "reading", self._pauses, self._unread_bytes() // _LEAST_BYTES, self.cycle
        if is_answered:
            return None if self.timeout_keep_alive_task else ("head", self.cycle)
        if self.cycle.more_body and not self.flow.read_paused:
            return "body", self._body_bytes // _LEAST_BYTES, self.cycle
        return None

    def _unread_bytes(self) -> int:
        """Of what was written, what has not arrived: here, and in the kernel, which takes more by megabytes only."""
        in_kernel = bytes(4)
        with suppress(OSError):  # systems other than Linux tell this of terminals alone
            in_kernel = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, in_kernel)
        return self.transport.get_write_buffer_size() + int(struct.unpack("i", in_kernel)[0])
