"""Bytes on a socket as no client library would send them, and whatever comes back."""

from __future__ import annotations

import socket
from http.client import HTTPResponse

from tests.faults.server import Answer

_TIMEOUT_S = 10.0


def answer_to(port: int, request: bytes) -> Answer:
    """The first answer on a new connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S) as connection:
        connection.sendall(request)
        response = HTTPResponse(connection)
        response.begin()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def get(target: str, *headers: str) -> bytes:
    """A GET whose target and header lines go out as they are."""
    lines = [f"GET {target} HTTP/1.1", *(headers or ["Host: localhost"]), "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1")
