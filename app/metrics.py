"""What Prometheus is told: the counts of the web processes of this host, and how the service stands in its rows.

Counters of tiles and requests stand where they are counted. Those of workers come from their rows, so that any web
process tells of all workers, and none has to be scraped. docs/operating.md says what each figure means.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from threading import Lock
from typing import NamedTuple

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from app import broker
from app.database import Sessions
from app.errors import CosiaError
from app.settings import Settings
from app.standing import Standing, standing

log = structlog.get_logger(__name__)

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable: where the web processes of one command put their counts, so that any of them tells all."""

_WAIT_S = 3.0

_TALLIES = {
    "blocks_computed": ("cosia_blocks_computed", "Blocks predicted and published."),
    "px_computed": ("cosia_px_computed", "Pixels of those blocks."),
    "seconds_computing": ("cosia_computing_seconds", "Seconds that workers computed; divides px_computed."),
    "attempts": ("cosia_attempts", "Tries of blocks that were begun."),
    "attempts_failed": ("cosia_attempts_failed", "Tries of blocks that ended with an error, or with their worker."),
    "blocks_handed_back": ("cosia_blocks_handed_back", "Blocks given back for later: storage or device, or a stop."),
    "writes_fenced": ("cosia_writes_fenced", "Results of workers that had lost their claim, thrown away."),
    "jobs_rung_again": ("cosia_jobs_rung_again", "Bells that were lost and rung again."),
    "sweeps": ("cosia_sweeps", "Rounds of the sweeper."),
    "results_expired": ("cosia_results_expired", "Results of jobs that were taken away."),
    "blocks_expired": ("cosia_blocks_expired", "Blocks that were taken away."),
}
"""Tally of `app.workers` -> metric and what it says."""


class _Figures(NamedTuple):
    standing: Standing
    messages: dict[str, int | None]


class ServiceCollector(Collector):
    """The rows as metrics, read when Prometheus asks, within seconds: a database that is away or hangs is told too."""

    def __init__(self, sessions: Callable[[], Sessions], settings: Settings, *, wait_s: float = _WAIT_S) -> None:
        self._sessions = sessions
        self._settings = settings
        self._wait_s = wait_s
        self._threads = ThreadPoolExecutor(1, "metrics")
        self._lock = Lock()
        self._reading: Future[_Figures] | None = None

    def describe(self) -> list[Metric]:
        """Nothing beforehand: to register is not to read."""
        return []

    def collect(self) -> Iterator[Metric]:
        figures = self._figures()
        yield GaugeMetricFamily("cosia_database_up", "Whether the database answered in time.", figures is not None)
        if figures is not None:
            yield from _metrics(figures)
        yield from _pool(self._sessions())

    def _figures(self) -> _Figures | None:
        with self._lock:
            if self._reading is None or self._reading.done():
                self._reading = self._threads.submit(self._read)
            reading = self._reading
        try:
            return reading.result(self._wait_s)
        except (CosiaError, Late) as error:
            log.warning("metrics_without_database", reason=type(error).__name__)
            return None

    def _read(self) -> _Figures:
        with self._sessions().read() as session:
            now = standing(session, self._settings)
        queues = sorted({broker.CPU, broker.GPU, *now.queues})
        return _Figures(now, {queue: broker.waiting(queue) for queue in queues})


def _metrics(figures: _Figures) -> Iterator[Metric]:
    now = figures.standing
    jobs = GaugeMetricFamily("cosia_jobs", "Jobs by status.", labels=["status"])
    for status, number in sorted(now.jobs.items()):
        jobs.add_metric([status], number)
    yield jobs
    left = GaugeMetricFamily("cosia_queue_blocks", "Blocks that active jobs wait for.", labels=["queue"])
    bells = GaugeMetricFamily("cosia_queue_bells", "Bells rung and not yet heard.", labels=["queue"])
    for name, queue in now.queues.items():
        left.add_metric([name], queue.blocks)
        bells.add_metric([name], queue.bells)
    yield left
    yield bells
    yield GaugeMetricFamily("cosia_blocks_claimed", "Blocks in the hands of workers.", now.blocks_claimed)
    messages = GaugeMetricFamily("cosia_broker_messages", "Messages that wait in the broker.", labels=["queue"])
    for name, waiting in figures.messages.items():
        if waiting is not None:
            messages.add_metric([name], waiting)
    yield messages
    yield GaugeMetricFamily("cosia_broker_up", "Whether the broker answers.", None not in figures.messages.values())
    yield from _workers(now)
    for tally, (name, text) in _TALLIES.items():
        yield CounterMetricFamily(name, text, now.tallies.get(tally, 0))


def _workers(now: Standing) -> Iterator[Metric]:
    states = dict.fromkeys(("ready", "out of service", "stopped", "lost"), 0)
    pace = GaugeMetricFamily(
        "cosia_worker_px_per_second", "Measured pace of a worker that is alive.", labels=["worker", "device", "model"]
    )
    for worker in now.workers:
        states[worker.state] += 1
        if worker.state == "ready":
            for model, px_per_s in sorted(worker.px_per_s.items()):
                pace.add_metric([worker.id, worker.device, model], px_per_s)
    workers = GaugeMetricFamily(
        "cosia_workers", "Workers by state; lost and stopped ones for minutes.", labels=["state"]
    )
    for state, number in states.items():
        workers.add_metric([state], number)
    yield workers
    yield pace


def _pool(sessions: Sessions) -> Iterator[Metric]:
    """Of the process that answers; an SQLite file has connections too."""
    pool = sessions.engine.pool
    in_use = getattr(pool, "checkedout", None)
    if in_use is not None:
        yield GaugeMetricFamily("cosia_database_connections", "Database connections in use by this process.", in_use())


def exposition(collector: Collector) -> bytes:
    """Everything in Prometheus' text format: of this process, or of all that share a folder, and of the service."""
    shared = os.environ.get(SHARED_FOLDER)
    own = CollectorRegistry()
    own.register(collector)
    if shared:
        processes = CollectorRegistry()
        MultiProcessCollector(processes, shared)  # type: ignore[no-untyped-call]
    else:
        processes = REGISTRY
    return generate_latest(processes) + generate_latest(own)
