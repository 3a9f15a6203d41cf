"""The public door: its configuration run by a real nginx, in front of a web process that is away."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.components import require
from tests.servers import free_port

DOCKER = Path(__file__).parents[2] / "docker"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of nginx with our configuration; only its places and ports are changed."""
    nginx = require("nginx")
    folder = tmp_path_factory.mktemp("nginx")
    port = free_port()
    text = (DOCKER / "nginx.conf").read_text()
    for ours, here in {
        " /tmp/": " ",  # relative to the prefix (-p)
        "listen 8080": f"listen 127.0.0.1:{port}",
        "server web:8000": f"server 127.0.0.1:{free_port()}",
        "/etc/nginx/problem.conf": str(DOCKER / "problem.conf"),
        "/var/cache/nginx/tiles": "tiles",
        "/dev/stdout": "access.log",
    }.items():
        assert ours in text
        text = text.replace(ours, here)
    (folder / "nginx.conf").write_text(text)
    command = [nginx, "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"]
    check = subprocess.run([*command, "-t"], capture_output=True, check=False, text=True)
    assert check.returncode == 0, check.stderr
    # As root, nginx would hand its workers to an account that cannot enter our temporary folder.
    same_account = "user root;" if os.geteuid() == 0 else ""
    process = subprocess.Popen([*command, "-g", f"daemon off; {same_account}"], stderr=subprocess.DEVNULL)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        _wait_until_listening(client)
        yield client
    process.terminate()
    process.wait(10)


def _wait_until_listening(client: httpx.Client) -> None:
    for _ in range(200):
        try:
            client.get("/metrics")
            return
        except httpx.ConnectError:
            time.sleep(0.02)
    raise TimeoutError("nginx does not listen")


@pytest.mark.needs("nginx")
@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
def test_what_is_for_operators_is_not_public(door: httpx.Client, path: str) -> None:
    answer = door.get(path)

    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:cosia:problem:unknown"


@pytest.mark.needs("nginx")
def test_a_web_process_that_is_away_is_a_problem_document_with_a_time_to_come_back(door: httpx.Client) -> None:
    answer = door.get("/tiles/cosia-demo-2021/15/1/1.png", headers={"X-Request-ID": "asked-by-a-test"})

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"] == "asked-by-a-test"


@pytest.mark.needs("nginx")
def test_a_body_over_the_limit_is_refused_without_reading_it(door: httpx.Client) -> None:
    answer = door.post("/api/processes/predict-land-cover/execution", content=b" " * 2_600_000)

    assert answer.status_code == 413
    assert json.loads(answer.text)["status"] == 413


@pytest.mark.needs("nginx")
def test_a_request_id_that_is_none_is_replaced(door: httpx.Client) -> None:
    answer = door.get("/metrics", headers={"X-Request-ID": 'x" <script>'})

    assert len(answer.headers["X-Request-ID"]) == 32


@pytest.mark.needs("nginx")
def test_own_answers_carry_security_headers_and_no_version(door: httpx.Client) -> None:
    headers = door.get("/metrics").headers

    assert headers["Server"] == "nginx"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
