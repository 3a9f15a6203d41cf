"""Connections of a real server: closed where the client is waited for in vain, and nowhere else."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import uvicorn

from app.api import connections
from app.api.connections import Connection
from tests.servers import free_port

LOOK_S = 0.1
TOO_LONG_S = 1.0
"""Twice what a client has at that pace."""

LARGE_BYTES = 8_000_000
HEAD = b" HTTP/1.1\r\nHost: x\r\n"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Reads the whole body and tells its length; `/late` after a while, `/large` with megabytes after it."""
    length, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length += len(message["body"])
        more = message["more_body"]
    if scope["path"] == "/late":
        await asyncio.sleep(TOO_LONG_S)
    body = str(length).encode() + (bytes(LARGE_BYTES) if scope["path"] == "/large" else b"")
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A new connection to a server that looks at its connections ten times a second."""
    monkeypatch.setattr(connections, "LOOK_S", LOOK_S)
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(application, port=port, http=Connection, ws="none", lifespan="off", log_config=None)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    with closing(socket.socket()) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        made.connect(("127.0.0.1", port))
        made.settimeout(10)
        yield made
    server.should_exit = True
    thread.join()


def everything(client: socket.socket) -> bytes:
    """What comes until the server closes the connection."""
    came = b""
    try:
        while part := client.recv(1_000_000):
            came += part
    except ConnectionResetError:
        pass
    return came


@pytest.mark.parametrize(
    "sent",
    [b"", b"GE", b"GET /" + HEAD, b"POST /" + HEAD + b"Content-Length: 9\r\n\r\n{"],
    ids=["nothing", "half a word", "half a head", "half a body"],
)
def test_a_request_that_never_ends_is_not_waited_for(client: socket.socket, sent: bytes) -> None:
    client.sendall(sent)

    assert everything(client) == b""


def test_an_answer_that_nobody_reads_is_given_up(client: socket.socket) -> None:
    client.sendall(b"GET /large" + HEAD + b"\r\n")
    time.sleep(TOO_LONG_S)

    assert 0 < len(everything(client)) < LARGE_BYTES


def test_a_large_answer_is_read_as_slowly_as_a_client_likes_while_it_gets_on(client: socket.socket) -> None:
    client.sendall(b"GET /large" + HEAD + b"Connection: close\r\n\r\n")
    came = 0
    begun = time.monotonic()
    while part := client.recv(400_000):
        came += len(part)
        time.sleep(LOOK_S / 4)

    assert came > LARGE_BYTES
    assert time.monotonic() - begun > TOO_LONG_S


def test_a_body_that_comes_slowly_and_steadily_is_taken(client: socket.socket) -> None:
    client.sendall(b"POST /" + HEAD + b"Connection: close\r\nContent-Length: 300000\r\n\r\n")
    for _ in range(10):
        client.sendall(bytes(30_000))
        time.sleep(LOOK_S)

    assert everything(client).endswith(b"\r\n\r\n300000")


def test_who_waits_for_a_late_answer_is_not_slow(client: socket.socket) -> None:
    client.sendall(b"GET /late" + HEAD + b"Connection: close\r\n\r\n")

    assert everything(client).endswith(b"\r\n\r\n0")


def test_what_is_no_http_is_a_problem(client: socket.socket, capfd: pytest.CaptureFixture[str]) -> None:
    client.sendall(b"nonsense\r\n\r\n")

    head, _, body = everything(client).partition(b"\r\n\r\n")

    document = json.loads(body)
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head
    assert b"x-content-type-options: nosniff" in head
    assert f"x-request-id: {document['request_id']}".encode() in head
    assert (document["status"], document["type"]) == (400, "urn:cosia:problem:malformed")
