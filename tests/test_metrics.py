"""What Prometheus is told: of the rows on both databases, of several processes, and while the database is away."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from app import jobs, workers
from app.database import JobRow, Sessions, WorkerRow, connect
from app.metrics import ServiceCollector
from app.settings import Settings
from tests import samples
from tests.conftest import forget_settings
from tests.servers import free_port

Figures = dict[tuple[str, ...], float]


@pytest.fixture(autouse=True)
def broker_of_the_test(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSIA_REDIS_URL", redis_url)
    forget_settings()


def parsed(text: str) -> Figures:
    """(name, values of the labels in the order of their names) -> value."""
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(collector: ServiceCollector) -> Figures:
    registry = CollectorRegistry()
    registry.register(collector)
    return parsed(generate_latest(registry).decode())


@pytest.fixture
def scrape(sessions: Sessions) -> Callable[[], Figures]:
    collector = ServiceCollector(lambda: sessions, Settings())
    return lambda: scraped(collector)


def worker(
    sessions: Sessions, name: str, *, seen_s_ago: float = 0.0, reason: str | None = None, **tallied: float
) -> None:
    with sessions.write() as session:
        workers.register(session, name, host="host", device="cpu", queues=("gpu", "cpu"))
        workers.beat(session, name, seconds_per_block={"tiny": 2.0}, tallies=tallied, out_of_service=reason)
        row = update(WorkerRow).where(WorkerRow.id == name)
        session.execute(row.values(seen_at=WorkerRow.seen_at - seen_s_ago))


def test_jobs_and_what_they_wait_for_are_told(sessions: Sessions, scrape: Callable[[], Figures]) -> None:
    waiting = jobs.submit(sessions, samples.request(columns=2), samples.LIMITS)
    running = jobs.submit(sessions, samples.request(columns=3), samples.LIMITS)
    jobs.dismiss(sessions, jobs.submit(sessions, samples.request(), samples.LIMITS).id)
    with sessions.write() as session:
        jobs.claim_blocks(session, running.id, owner="a", limit=1, lease_s=60, most_attempts=3)
        session.execute(update(JobRow).where(JobRow.id == waiting.id).values(bells=4))
        session.execute(update(JobRow).where(JobRow.id != waiting.id).values(bells=0))

    figures = scrape()

    counted = {status: figures["cosia_jobs", status] for status in (*jobs.ACTIVE, *jobs.TERMINAL)}
    assert counted == {"accepted": 1, "running": 1, "successful": 0, "failed": 0, "dismissed": 1}
    assert figures["cosia_queue_blocks", "gpu"] == 5
    assert figures["cosia_queue_bells", "gpu"] == 4
    assert figures["cosia_blocks_claimed",] == 1
    assert figures["cosia_broker_messages", "gpu"] >= 1
    assert figures["cosia_database_up",] == figures["cosia_broker_up",] == 1


def test_workers_are_told_by_state_and_pace(sessions: Sessions, scrape: Callable[[], Figures]) -> None:
    worker(sessions, "a")
    worker(sessions, "b", reason="no weights")
    worker(sessions, "c", seen_s_ago=100)
    worker(sessions, "d")
    with sessions.write() as session:
        workers.stopped(session, "d")

    figures = scrape()

    states = {state: figures["cosia_workers", state] for state in ("ready", "out of service", "lost", "stopped")}
    assert states == {"ready": 1, "out of service": 1, "lost": 1, "stopped": 1}
    # 2 s for 2048 x 2048 pixels.
    assert figures["cosia_worker_px_per_second", "cpu", "tiny", "a"] == 2048 * 2048 / 2
    assert ("cosia_worker_px_per_second", "cpu", "tiny", "c") not in figures


def test_what_workers_counted_never_becomes_less(sessions: Sessions, scrape: Callable[[], Figures]) -> None:
    worker(sessions, "a", blocks_computed=5, writes_fenced=1)
    worker(sessions, "gone", seen_s_ago=100_000, blocks_computed=7, sweeps=2)
    before = scrape()

    with sessions.write() as session:
        workers.fold(session)

    for figures in (before, scrape()):
        assert figures["cosia_blocks_computed_total",] == 12
        assert figures["cosia_writes_fenced_total",] == 1
        assert figures["cosia_sweeps_total",] == 2
        assert figures["cosia_attempts_failed_total",] == 0


def test_a_scrape_costs_a_handful_of_statements(sessions: Sessions, scrape: Callable[[], Figures]) -> None:
    from sqlalchemy import event

    asked: list[str] = []
    event.listen(sessions.engine, "before_cursor_execute", lambda *seen: asked.append(seen[2]))

    scrape()

    assert len([statement for statement in asked if statement.startswith("SELECT")]) <= 6


def test_without_the_database_the_process_still_tells_of_itself() -> None:
    away = Sessions(connect("postgresql+psycopg://nobody@127.0.0.1:1/none"))

    figures = scraped(ServiceCollector(lambda: away, Settings()))

    assert figures["cosia_database_up",] == 0
    assert figures["cosia_database_connections",] == 0
    assert not any(name[0] == "cosia_jobs" for name in figures)


def test_a_database_that_hangs_is_not_waited_for_and_not_asked_twice(sqlite_url: str) -> None:
    sessions = Sessions(connect(sqlite_url))
    let_go, readings = threading.Event(), []

    def hanging() -> Sessions:
        if threading.current_thread().name.startswith("metrics"):
            readings.append(1)
            let_go.wait(30)
        return sessions

    collector = ServiceCollector(hanging, Settings(), wait_s=0.05)
    told = [scraped(collector)["cosia_database_up",] for _ in range(3)]
    let_go.set()

    assert told == [0, 0, 0]
    assert len(readings) == 1


# --- Over HTTP


def test_metrics_begin_with_our_prefix_and_each_is_explained(redis_url: str, migrated_sqlite: Path) -> None:
    sessions = Sessions(connect(f"sqlite:///{migrated_sqlite}"))
    registry = CollectorRegistry()
    registry.register(ServiceCollector(lambda: sessions, Settings()))
    explained = set(re.findall(r"^\| `(cosia_\w+)`", Path("docs/operating.md").read_text(), re.MULTILINE))
    from app.api import front_door  # noqa: F401 - all that counts is imported
    from app.main import create_app  # noqa: F401

    families = {
        family.name + ("_total" if family.type == "counter" else "")
        for each in (registry, REGISTRY)
        for family in each.collect()
    }
    ours = {name for name in families if name.startswith("cosia_")}

    assert explained == ours
    assert all(name.startswith(("process_", "python_")) for name in families - ours)


@pytest.fixture
def two_processes(data_folder: Path, redis_url: str) -> Iterator[str]:
    """`cosia web --workers 2`: its address."""
    port = free_port()
    environment = {
        **os.environ,
        "COSIA_PORT": str(port),
        "COSIA_REDIS_URL": redis_url,
        "COSIA_DEMONSTRATION_BLOCKS": "0",
    }
    subprocess.run([sys.executable, "-m", "app.cli", "migrate"], env=environment, check=True, capture_output=True)
    command = [sys.executable, "-m", "app.cli", "web", "--workers", "2"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                try:
                    if httpx.get(f"{address}/healthz", timeout=2).status_code == 200:
                        break
                except httpx.HTTPError:
                    time.sleep(0.2)
            yield address
        finally:
            process.terminate()


def test_any_of_several_processes_tells_what_all_counted(two_processes: str) -> None:
    def asked_for_health() -> float:
        text = httpx.get(f"{two_processes}/metrics", timeout=10).text
        return parsed(text).get(("cosia_http_requests_total", "/healthz", "200"), 0.0)

    before = asked_for_health()
    for _ in range(20):
        httpx.get(f"{two_processes}/healthz", timeout=5)  # each on a connection of its own, to either process

    assert [asked_for_health() for _ in range(4)] == [before + 20] * 4
