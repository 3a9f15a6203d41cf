"""The public door: its configuration run by a real nginx, in front of a web process that is away."""

import json
import re
from collections.abc import Iterator

import httpx
import pytest

from app.settings import Settings
from tests.components import require
from tests.servers import DOCKER, free_port, nginx_server


@pytest.fixture(scope="module")
def door() -> Iterator[httpx.Client]:
    """A client of nginx with our configuration."""
    with (
        nginx_server(require("nginx"), web_port=free_port()) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        yield client


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
def test_nginx_speaks_french_to_those_who_do(door: httpx.Client) -> None:
    french = door.get("/metrics", headers={"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.5"})
    frisian = door.get("/metrics", headers={"Accept-Language": "frr,en"})

    assert (french.headers["Content-Language"], french.headers["Vary"]) == ("fr", "Accept-Language")
    assert (french.json()["title"], french.json()["detail"]) == ("Introuvable", "il n’y a rien à cette adresse")
    assert (frisian.headers["Content-Language"], frisian.json()["title"]) == ("en", "Not found")


def test_a_body_over_the_limit_is_refused_without_reading_it(door: httpx.Client) -> None:
    answer = door.post("/api/processes/predict-land-cover/execution", content=b" " * 2_000_001)

    assert answer.status_code == 413
    assert json.loads(answer.text)["status"] == 413


def test_nginx_and_the_web_process_have_one_limit_of_bodies() -> None:
    """Above that of the process, nginx would take its refusal for an absence."""
    [limit] = re.findall(r"client_max_body_size (\d+);", (DOCKER / "nginx.conf").read_text())

    assert int(limit) == Settings.model_fields["body_bytes"].default


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
