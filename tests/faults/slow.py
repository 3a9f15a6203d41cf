"""Clients that hold a connection as long as they are let: idle, slow with headers, with a body, with reading.

What `slowhttptest` does (-H, -B, -X), on sockets of our own, all driven by one thread.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Event, Thread

from tests.faults.stack import EXECUTION

_DRIP_S = 1.0
_SMALL_BUFFER_BYTES = 4096
_MOST_PAUSE_S = 2.0


class Kind(StrEnum):
    """How a client is slow."""

    IDLE = "sends nothing"
    HEADERS = "sends a header a second and no end of them"
    BODY = "sends a byte of its body a second"
    STALLED = "sends half of its body"
    READING = "reads nothing of its answer"


_HEAD = b" HTTP/1.1\r\nHost: localhost\r\n"
_POST = f"POST {EXECUTION}".encode() + _HEAD + b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
_DRIPS = {Kind.HEADERS: b"X-More: 1\r\n", Kind.BODY: b" "}


@dataclass
class SlowClients:
    """closed: of each kind, how many the server has let go. last_s: when the last of them was, but of those that read
    nothing: they see it when they read at last, at the end of the block."""

    closed: Counter[Kind] = field(default_factory=Counter)
    last_s: dict[Kind, float] = field(default_factory=dict)


def _beginning(kind: Kind, large: str) -> bytes:
    if kind is Kind.IDLE:
        return b""
    if kind is Kind.HEADERS:
        return b"GET /healthz" + _HEAD
    if kind is Kind.READING:
        return f"GET {large}".encode() + _HEAD + b"\r\n"
    return _POST + (b"{" * 500 if kind is Kind.STALLED else b"{")


@contextmanager
def slow_clients(port: int, kinds: dict[Kind, int], large: str) -> Iterator[SlowClients]:
    """So many of each kind, from the beginning of the block to its end. large: a target with megabytes behind it."""
    seen, end = SlowClients(), Event()
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for kind, count in kinds.items():
            for _ in range(count):
                client = stack.enter_context(socket.socket())
                if kind is Kind.READING:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER_BYTES)
                client.connect(("127.0.0.1", port))
                client.sendall(_beginning(kind, large))
                client.setblocking(False)
                selector.register(client, selectors.EVENT_READ, kind)
        driver = Thread(target=_drive, args=(selector, seen, end))
        driver.start()
        try:
            yield seen
        finally:
            end.set()
            driver.join()
            left = [key for key in selector.get_map().values() if key.data is Kind.READING]
            seen.closed[Kind.READING] += sum(_ends(key.fileobj) for key in left)


def _drive(selector: selectors.BaseSelector, seen: SlowClients, end: Event) -> None:
    begun = time.monotonic()
    dripped = begun
    while not end.wait(0.05):
        now = time.monotonic()
        drips = now - dripped >= _DRIP_S
        dripped = now if drips else dripped
        for key in list(selector.get_map().values()):
            client, kind = key.fileobj, key.data
            assert isinstance(client, socket.socket)
            if _is_over(client, _DRIPS.get(kind, b"") if drips else b"", reads=kind is not Kind.READING):
                selector.unregister(client)
                seen.closed[kind] += 1
                seen.last_s[kind] = now - begun


def _is_over(client: socket.socket, drip: bytes, *, reads: bool) -> bool:
    """Whether the server has closed the connection."""
    try:
        if drip:
            client.send(drip)
        return reads and client.recv(65_536) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _ends(client: object) -> bool:
    """Whether nothing comes after what is on its way already: the connection was closed long ago."""
    assert isinstance(client, socket.socket)
    client.settimeout(_MOST_PAUSE_S)
    try:
        while client.recv(65_536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True
