"""What must be seen in every case, whatever was provoked: refusals of one shape, nothing told, nobody called, alive."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from tests.faults.server import SECRET, Answer, WebProcess

_MOST_ERROR_BYTES = 16_384
_OWS = "http://www.opengis.net/ows/1.1"
_CANARY_PAUSE_S = 0.2
_LOGGED_WITHIN_S = 5
_TELLING = re.compile(
    r"Traceback|File \"|site-packages|/usr/lib|\.py\b|\bSELECT |\bINSERT |(?<!geopackage\+)sqlite|psycopg|postgresql://|redis://"
    r"|sqlalchemy|rasterio|RasterioIOError|\bGDAL\b|libtiff|uvicorn|starlette|pydantic|<class |0x[0-9a-f]{8,}",
    re.IGNORECASE,
)


def require_silent(answer: Answer, server: WebProcess) -> None:
    """Nothing of an answer tells where it runs or on what (the API document may name what it is for)."""
    told = "\n".join([*(f"{k}: {v}" for k, v in answer.headers.items()), answer.body.decode("latin-1")])
    assert SECRET not in told
    assert str(server.data) not in told
    assert not answer.headers.get("server")
    if answer.headers.get("content-type", "").partition(";")[0] not in ("image/png", "image/tiff", "image/jpeg"):
        found = _TELLING.search(told)
        assert found is None, f"{found.group()!r} in {told[:2000]}"


def require_refusal(answer: Answer, server: WebProcess, *statuses: int) -> None:
    """A problem document (RFC 9457) with one of these statuses, small, silent, found in the log by its request id."""
    assert answer.status in statuses, (answer.status, answer.body[:500])
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.body) <= _MOST_ERROR_BYTES
    assert {"type", "title", "status", "request_id"} <= answer.document.keys()
    assert answer.document["status"] == answer.status
    assert answer.document["request_id"] == answer.headers["x-request-id"]
    if answer.status == 503:
        assert int(answer.headers["retry-after"]) > 0
    require_silent(answer, server)


def require_exception_report(answer: Answer, server: WebProcess, *statuses: int) -> tuple[str, str | None]:
    """An OWS ExceptionReport (OGC 06-121r3, 8) with one of these statuses, small and silent. Gives (code, locator)."""
    assert answer.status in statuses, (answer.status, answer.body[:500])
    assert answer.headers["content-type"].partition(";")[0] in ("application/xml", "text/xml")
    assert len(answer.body) <= _MOST_ERROR_BYTES
    require_silent(answer, server)
    report = etree.fromstring(answer.body)
    assert report.tag == f"{{{_OWS}}}ExceptionReport"
    exception = report[0]
    return exception.attrib["exceptionCode"], exception.get("locator")


def require_logged(server: WebProcess, answers: list[Answer]) -> None:
    """Each answer's request id is in the log, whose lines are all JSON."""
    deadline = time.monotonic() + _LOGGED_WITHIN_S
    missing = {answer.headers["x-request-id"] for answer in answers}
    while missing and time.monotonic() < deadline:
        # A line is written after its answer was sent: the last one may still be on its way.
        missing -= {line.get("request_id") for line in server.log_lines()}
        time.sleep(0.05 if missing else 0)
    assert not missing


@contextmanager
def canary(server: WebProcess, good_tile: str) -> Iterator[None]:
    """While the block runs, a good tile and /healthz are asked again and again: each must be 200."""
    stop, seen = threading.Event(), []

    def sing() -> None:
        while True:
            seen.extend((target, server.ask(target).status) for target in (good_tile, "/healthz"))
            if stop.wait(_CANARY_PAUSE_S):
                return

    singer = threading.Thread(target=sing)
    singer.start()
    try:
        yield
    finally:
        stop.set()
        singer.join()
    assert seen
    assert [one for one in seen if one[1] != 200] == []
    assert server.process.poll() is None, "the server has died"


@dataclass
class Listener:
    """A TCP listener that nobody has a reason to call. `visits` counts who did."""

    address: str
    visits: list[bytes] = field(default_factory=list)


@contextmanager
def outbound_listener() -> Iterator[Listener]:
    """Listens on a free port; fails at the end if anything has connected."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        listener = Listener(f"http://127.0.0.1:{server.getsockname()[1]}")

        def accept() -> None:
            with suppress(OSError):  # the socket is closed: the end
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.settimeout(1)
                        listener.visits.append(connection.recv(1000))

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert listener.visits == []


def fingerprints(*places: Path) -> dict[Path, str]:
    """The content of every file there, in folders or by itself, to see that a provocation changed none."""
    files = [path for place in places for path in [place, *sorted(place.rglob("*"))] if path.is_file()]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
