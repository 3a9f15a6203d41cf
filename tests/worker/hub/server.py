"""A hub and its store as two real HTTP servers: the hub redirects to the store, as public hubs do for large files."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REPOSITORY = "IGNF/small-net"
FILE = "small-net_weights.pth"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Asked:
    """A request as it arrived. server: `hub` or `store`."""

    server: str
    method: str
    path: str
    headers: dict[str, str]


Fault = Callable[[BaseHTTPRequestHandler], object]
"""Answers a request in its own way."""


@dataclass
class FakeHub:
    """What the servers have and what they were asked.

    faults: (`hub HEAD` or `store GET`, what answers such a request instead); each is used up once.
    """

    content: bytes
    sha256: str | None = None
    renamed: bool = False
    ranges: bool = True
    asked: list[Asked] = field(default_factory=list)
    faults: list[tuple[str, Fault]] = field(default_factory=list)
    url: str = ""
    store_url: str = ""

    def __post_init__(self) -> None:
        self.sha256 = self.sha256 or hashlib.sha256(self.content).hexdigest()

    def of(self, server: str, method: str) -> list[Asked]:
        return [each for each in self.asked if (each.server, each.method) == (server, method)]


@contextmanager
def running(hub: FakeHub) -> Iterator[FakeHub]:
    with ExitStack() as stack:
        hub.url = stack.enter_context(_served(_handler(hub, "hub")))
        hub.store_url = stack.enter_context(_served(_handler(hub, "store")))
        yield hub


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(hub: FakeHub, name: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            hub.asked.append(Asked(name, self.command, self.path, dict(self.headers)))
            due = next((each for each in hub.faults if each[0] == f"{name} {self.command}"), None)
            if due is not None:
                hub.faults.remove(due)
                due[1](self)
            elif name == "store":
                _send_bytes(self, hub)
            else:
                _answer_of_the_hub(self, hub)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def _answer_of_the_hub(request: BaseHTTPRequestHandler, hub: FakeHub) -> None:
    if hub.renamed and request.path.startswith("/IGNF/old-name/"):
        location = request.path.replace("/IGNF/old-name/", f"/{REPOSITORY}/")
        answer(request, 307, {"Location": location})
    elif request.path in (f"/{REPOSITORY}/resolve/{revision}/{FILE}" for revision in ("main", "v1", COMMIT)):
        headers = {"X-Repo-Commit": COMMIT, "X-Linked-Size": str(len(hub.content)), "ETag": '"of-the-redirect"'}
        if hub.sha256 != "unstated":
            headers["X-Linked-Etag"] = f'"{hub.sha256}"'
        answer(request, 302, {**headers, "Location": f"{hub.store_url}/blob?signature=1"})
    elif request.path == f"/api/models/{REPOSITORY}/revision/main":
        listed = {"siblings": [{"rfilename": name} for name in ("README.md", FILE, "confmat.npy")]}
        answer(request, 200, {"Content-Type": "application/json"}, json.dumps(listed).encode())
    elif request.path.startswith(f"/{REPOSITORY}/"):
        known = "/resolve/main/" in request.path
        answer(request, 404, {"X-Error-Code": "EntryNotFound" if known else "RevisionNotFound"})
    else:
        answer(request, 401, {"X-Error-Code": "RepoNotFound"})


def _send_bytes(request: BaseHTTPRequestHandler, hub: FakeHub) -> None:
    asked = request.headers.get("Range")
    start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and hub.ranges else 0
    size = len(hub.content)
    if start >= size:
        answer(request, 416, {"Content-Range": f"bytes */{size}"})
        return
    partial = {"Content-Range": f"bytes {start}-{size - 1}/{size}"} if start else {}
    answer(request, 206 if start else 200, partial, hub.content[start:])


def answer(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes = b"") -> None:
    request.send_response(status)
    for key, value in {"Content-Length": str(len(body)), **headers}.items():
        request.send_header(key, value)
    request.end_headers()
    if request.command == "GET":
        request.wfile.write(body)


def status(code: int, **headers: str) -> Fault:
    """A fault: this status, once."""

    def fault(request: BaseHTTPRequestHandler) -> None:
        answer(request, code, {key.replace("_", "-"): value for key, value in headers.items()})

    return fault


def cut_at(hub: FakeHub, end: int) -> Fault:
    """A fault: announces all bytes from where it is asked, sends those up to `end`, and closes."""

    def fault(request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range", "bytes=0-")
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        partial = {"Content-Range": f"bytes {start}-{len(hub.content) - 1}/{len(hub.content)}"} if start else {}
        headers = {"Content-Length": str(len(hub.content) - start), **partial}
        answer(request, 206 if start else 200, headers, hub.content[start:end])
        request.close_connection = True

    return fault
