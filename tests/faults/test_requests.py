"""Requests that are too large, too many or malformed, against a real process (A05, A06, A11, A12, Q03, Q05)."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select

from app.database import JobRow
from tests.faults.canary import canaries
from tests.faults.observations import require_refusal
from tests.faults.server import Answer, WebProcess
from tests.faults.stack import EXECUTION, Stack
from tests.faults.territory import GOOD_TILE, Area

JSON = {"Content-Type": "application/json"}
MOST_GROWTH_BYTES = 200_000_000
UNKNOWN = "0" * 32


def memory_bytes(web: WebProcess) -> int:
    """Resident memory of a process."""
    pages = Path(f"/proc/{web.process.pid}/statm").read_text().split()[1]  # type: ignore[attr-defined]
    return int(pages) * 4096


def send(web: WebProcess, body: bytes | Iterator[bytes], **headers: str) -> Answer:
    """A POST whose server may stop listening in the middle of it; the answer is read all the same."""
    connection = HTTPConnection("127.0.0.1", web.port, timeout=10)
    try:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(
                "POST", EXECUTION, body, {**JSON, **headers}, encode_chunked="Transfer-Encoding" in headers
            )
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def circle(vertices: int) -> bytes:
    angles = np.linspace(0, 2 * np.pi, vertices)
    ring = [[3.27 + 0.001 * np.cos(angle), 43.557 + 0.001 * np.sin(angle)] for angle in angles]
    ring[-1] = ring[0]
    aoi = {"type": "Polygon", "coordinates": [ring]}
    return json.dumps({"inputs": {"aoi": aoi, "source": "ortho", "model": "tiny", "outputs": ["areas"]}}).encode()


def endless() -> Iterator[bytes]:
    yield b'{"inputs": '
    while True:
        yield b" " * 65_536


@pytest.mark.thorough
def test_bodies_that_are_too_large_are_refused_and_held_by_nobody(postgis_stack: Stack) -> None:
    web = postgis_stack.start_web(COSIA_BODY_BYTES="2000000")
    before = memory_bytes(web)
    with canaries(postgis_stack):
        answers = [
            send(web, circle(1_000_000)),
            send(web, b" " * 11_000_000),
            send(web, endless(), **{"Transfer-Encoding": "chunked"}),
            send(web, endless(), **{"Content-Length": "200000000"}),
            send(web, circle(10_001)),
            send(web, gzip.compress(b" " * 50_000_000), **{"Content-Encoding": "gzip"}),
            send(web, b"--x\r\n\r\n--x--", **{"Content-Type": "multipart/form-data; boundary=x"}),
        ]
    for answer in answers:
        require_refusal(answer, web, 400, 413, 415)
    assert [answer.status for answer in answers[:4]] == [413] * 4
    assert memory_bytes(web) - before < MOST_GROWTH_BYTES


def test_who_leaves_in_the_middle_of_a_body_is_no_fault_of_ours(sqlite_stack: Stack) -> None:
    """A06"""
    web = sqlite_stack.start_web()
    with socket.create_connection(("127.0.0.1", web.port)) as connection:
        head = f"POST {EXECUTION} HTTP/1.1\r\nHost: x\r\nX-Request-ID: leaver\r\nContent-Length: 100\r\n\r\n{{"
        connection.sendall(head.encode())

    def lines() -> list[dict[str, object]]:
        return [line for line in web.log_lines() if line.get("request_id") == "leaver"]

    sqlite_stack.wait_until(lambda: bool(lines()), "the request is logged", 10)
    assert [(line["event"], line["status"]) for line in lines()] == [("request", 400)]


def test_ids_that_are_none_are_answered_like_unknown_ones(postgis_stack: Stack) -> None:
    web = postgis_stack.start_web()
    routes = ["", "/results", "/results/classes.tif", "/events", "/tiles/17/66722/47880.png"]

    def answer(job: str, route: str) -> dict[str, object]:
        given = web.ask(f"/api/jobs/{job}{route}")
        require_refusal(given, web, 404)
        return {**given.document, "request_id": None}

    for route in routes:
        expected = answer(UNKNOWN, route)
        for job in ("..%5c", "%00", "%0d%0aX-Evil:1", "{x}", "urn:uuid:0", "1%27%20OR%201=1", "0" * 64, "tiny"):
            assert answer(job, route) == expected, (job, route)
    # A slash or more than 64 signs is no id at all.
    for job in ("..%2fx", "%2e%2e", "0" * 10_000):
        require_refusal(web.ask(f"/api/jobs/{job}"), web, 400, 404)


def test_a_slash_too_many_leads_home_whatever_host_is_named(postgis_stack: Stack) -> None:
    """Q06"""
    web = postgis_stack.start_web()
    for target in ("/api/jobs/", "/api/", "//evil.example/", "/api/jobs/..%2f"):
        answer = web.ask(target, Host="evil.example", X_Forwarded_Host="evil.example")
        if answer.status == 307:
            assert answer.headers["location"].startswith(f"{web.address}/"), target
        else:
            require_refusal(answer, web, 404)


def test_fifty_requests_at_once_never_exceed_a_limit(postgis_stack: Stack) -> None:
    """Q03, A11: and one key sent twenty times at once is one job."""
    postgis_stack.start_web(COSIA_ACTIVE_JOBS="5")
    with ThreadPoolExecutor(20) as clients:
        same = list(clients.map(lambda _: postgis_stack.post(Area(), key="once"), range(20)))
        other = list(clients.map(lambda number: postgis_stack.post(Area(column=number % 6)), range(50)))

    assert len({answer.document["jobID"] for answer in same if answer.status == 201}) == 1
    for answer in other:
        if answer.status != 201:
            require_refusal(answer, postgis_stack.web, 429, 503)
    with postgis_stack.sessions.read() as session:
        assert session.scalar(select(func.count()).select_from(JobRow)) == 5


@pytest.mark.thorough
def test_idle_and_slow_connections_keep_nobody_from_an_answer(postgis_stack: Stack) -> None:
    """Q05, the part of the process itself; in production nginx ends those that are slow (docker/nginx.conf)."""
    web = postgis_stack.start_web()
    with ExitStack() as connections:
        for number in range(400):
            connection = connections.enter_context(socket.create_connection(("127.0.0.1", web.port)))
            if number % 2:
                connection.sendall(b"POST /api/processes/predict-land-cover/execution HTTP/1.1\r\nHost: x\r\nContent-")
        deadline = time.monotonic() + 5
        statuses = []
        while time.monotonic() < deadline:
            statuses += [web.ask(GOOD_TILE).status, web.ask("/api/jobs").status]
    assert set(statuses) == {200}
