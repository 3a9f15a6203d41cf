"""Workers that share jobs by PostgreSQL and Redis alone: three real ones, then up to sixty-four that compute nothing.

The real ones predict a job together. The simulated ones run what real ones run between bell and publication, as fast as
they can: that is how many blocks a second this machine's database lets end, and what it spends on each.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from statistics import median

from sqlalchemy import func, select

from app import broker, jobs, workers
from app.database import BlockRow, Sessions
from benchmarks import imagery, servers
from benchmarks.asking import UNLIMITED, Client
from benchmarks.figures import Figure
from benchmarks.imagery import Square
from benchmarks.observed import ComponentMissing, Cost, Servers
from benchmarks.observed import servers as database_and_broker
from benchmarks.simulated_workers import publish, simulated_workers

_REAL_WORKERS = 3
_REAL_BLOCKS = Square(0, 0, 4, 3)
_SIMULATED = (1, 4, 16, 64)
_SIDE = 188
"""Blocks: 5930 km², a French département."""
_SHARE = Square(0, 0, 40, 40)
_PACES = {"CPU workers, 1.3 s a block": 1.3, "H100 workers, 0.1 s a block": 0.1, "H100 workers, 0.05 s a block": 0.05}
_MOST_S = 240.0


def measure() -> list[Figure]:
    """Real workers, simulated workers, a département."""
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with database_and_broker() as both:
                figures = _real(both, folder)
            with database_and_broker() as both:
                figures += _simulated(both, folder)
        return figures
    except ComponentMissing as missing:
        print(f"  {missing}")
        return []


def _real(both: Servers, folder: Path) -> list[Figure]:
    """One job of twelve blocks, predicted by three `cosia worker`; a core each would be theirs in production."""
    environment = _environment(both, folder / "real", OMP_NUM_THREADS="1", COSIA_DEVICE="cpu")
    placed = imagery.write(folder, 2)
    imagery.add(both.sessions, "ground", placed)
    with ExitStack() as stack:
        client = stack.enter_context(_web(both, folder, environment))
        for number in range(_REAL_WORKERS):
            logs = folder / str(number)
            logs.mkdir()
            stack.enter_context(servers.running([sys.executable, "-m", "app.cli", "worker"], logs, environment))
        _await_workers(both.sessions, _REAL_WORKERS)
        seconds = _seconds(lambda: client.wait(client.ask(_REAL_BLOCKS, "ground", outputs=["areas"])))
    with both.sessions.read() as session:
        shares = Counter(session.scalars(select(BlockRow.owner)))
        claims = session.scalar(select(func.sum(BlockRow.fence)))
    blocks = len(_REAL_BLOCKS.cells)
    told = ", ".join(str(share) for share in sorted(shares.values(), reverse=True))
    print(f"  {_REAL_WORKERS} real workers: {blocks} blocks in {seconds:.0f} s, shares {told}", flush=True)
    return [
        Figure(
            f"blocks of {_REAL_WORKERS} real workers on one job, shares",
            told,
            f"{blocks} blocks",
            None,
            "each once, all take part",
            claims == blocks and len(shares) == _REAL_WORKERS,
        )
    ]


def _simulated(both: Servers, folder: Path) -> list[Figure]:
    """Rates of growing numbers of workers on one job and on sixteen; then a département."""
    environment = _environment(both, folder / "simulated", COSIA_BATCHES_IN_FLIGHT="64")
    figures = []
    with _web(both, folder, environment) as client:
        for count in _SIMULATED:
            cost, done = _ended(both, client, environment, count, 1)
            _print(f"{count} workers on one job", cost, done)
        figures += [*_costs(cost, done), _locked(both, client)]
        several, done = _ended(both, client, environment, _SIMULATED[-1], 16)
        _print(f"{_SIMULATED[-1]} workers on 16 jobs", several, done)
        figures.append(Figure(f"blocks/s, {_SIMULATED[-1]} workers on 16 jobs", f"{done / several.seconds:.0f}"))
        figures += _departement(both, client, environment)
    return figures


def _ended(both: Servers, client: Client, environment: dict[str, str], count: int, of_jobs: int) -> tuple[Cost, int]:
    """The cost of 1600 blocks, of so many jobs, from the moment when all workers are there; how many blocks it was."""
    rows = _SHARE.rows // of_jobs
    source_id = f"{count}-{of_jobs}"
    imagery.pretend(both.sessions, source_id, _SIDE)
    with simulated_workers(environment, count, 0.0), both.observed() as cost:
        squares = [Square(0, number * rows, _SHARE.columns, rows) for number in range(of_jobs)]
        job_ids = [client.ask(square, source_id) for square in squares]
        done = _wait_for_blocks(both.sessions, job_ids)
    return cost, done


def _departement(both: Servers, client: Client, environment: dict[str, str]) -> list[Figure]:
    """A job of 35 344 blocks: asked for, computed by 64 workers, followed, and another one dismissed."""
    square = Square(0, 0, _SIDE, _SIDE)
    size, most = len(square.cells), _SIMULATED[-1]
    imagery.pretend(both.sessions, "departement", _SIDE)
    with both.observed() as posting:
        job_id = client.ask(square, "departement")
    _print("POST of a département", posting, size)
    with simulated_workers(environment, most, 0.0), both.observed() as computing:
        done = _wait_for_blocks(both.sessions, [job_id])
    _print(f"{most} workers on a département", computing, done)
    looking_s = _seconds(lambda: client.get(f"/api/jobs/{job_id}"))
    paging_s, events = _page(both.sessions, job_id)
    print(f"  status {1000 * looking_s:.0f} ms; {events} events in pages of 500 in {paging_s:.2f} s", flush=True)
    imagery.pretend(both.sessions, "dismissed", _SIDE)
    other = client.ask(square, "dismissed")
    dismissing_s = _seconds(lambda: client.dismiss(other))
    return [
        Figure(f"POST of {size} blocks", f"{posting.seconds:.1f} s, {posting.statements} statements"),
        Figure(f"blocks/s of {most} workers on {size} blocks", f"{done / computing.seconds:.0f}"),
        Figure(f"status of a job of {size} blocks", f"{1000 * looking_s:.0f} ms"),
        Figure(f"{events} events of a job, read in pages", f"{paging_s:.2f} s"),
        Figure(f"dismissal of a job of {size} blocks", f"{1000 * dismissing_s:.0f} ms"),
    ]


def _costs(cost: Cost, done: int) -> list[Figure]:
    """Per block with the most workers on one job, and what that means for real ones."""
    rate, most = done / cost.seconds, _SIMULATED[-1]
    figures = [
        Figure(
            "PostgreSQL per block", f"{1000 * cost.postgres_cpu_s / done:.2f} ms CPU, {cost.wal_bytes / done:.0f} B WAL"
        ),
        Figure(
            "statements and transactions per block", f"{cost.statements / done:.1f} and {cost.transactions / done:.1f}"
        ),
        Figure("Redis per block", f"{cost.redis_commands / done:.2f} commands, {cost.redis_bytes / done:.0f} B"),
    ]
    for title, seconds in _PACES.items():
        needed = most / seconds
        figures.append(
            Figure(
                f"blocks/s of one job beside the need of {most} {title}", f"{rate:.0f}", f"{needed:.0f}", rate / needed
            )
        )
    return figures


def _locked(both: Servers, client: Client) -> Figure:
    """How long the end of a block keeps the row of its job from others: from counting it to the end of the commit."""
    imagery.pretend(both.sessions, "alone", _SIDE)
    job_id = client.ask(Square(0, 0, 20, 10), "alone")
    with both.sessions.write() as session:
        claims = jobs.claim_blocks(session, job_id, owner="alone", limit=200, lease_s=600.0, most_attempts=3)
    seconds = []
    for claim in claims:
        with both.sessions.write() as session:
            publish(session, claim, 1.0)
            began = time.perf_counter()
        seconds.append(time.perf_counter() - began)
    held = median(seconds)
    return Figure("lock on a job's row per block", f"{1000 * held:.1f} ms: {1 / held:.0f} blocks/s of one job at most")


def _print(what: str, cost: Cost, done: int) -> None:
    waits = ", ".join(f"{name} {count / cost.waits.total():.0%}" for name, count in cost.waits.most_common(4))
    print(
        f"  {what}: {done} blocks in {cost.seconds:.1f} s, {done / cost.seconds:.0f}/s; per block"
        f" {1000 * cost.postgres_cpu_s / done:.2f} ms CPU of PostgreSQL, {cost.statements / done:.1f} statements,"
        f" {cost.transactions / done:.1f} transactions, {cost.wal_bytes / done:.0f} B WAL,"
        f" {1e6 * cost.redis_cpu_s / done:.0f} µs of Redis, {cost.redis_commands / done:.2f} commands,"
        f" {cost.redis_bytes / done:.0f} B\n    {cost.connections} connections: {waits}",
        flush=True,
    )
    for statement, calls, milliseconds in cost.slowest[:4]:
        print(f"    {calls:7} × {milliseconds:8.3f} ms  {statement[:110]}", flush=True)


@contextmanager
def _web(both: Servers, folder: Path, environment: dict[str, str]) -> Iterator[Client]:
    data = Path(environment["COSIA_DATA"])
    with (
        servers.ours(data, "none", **environment) as web,
        closing(Client(web.address, both.sessions, web.pids)) as client,
    ):
        yield client


def _environment(both: Servers, data: Path, **settings: str) -> dict[str, str]:
    data.mkdir()
    environment = {**both.settings, **UNLIMITED, "COSIA_DATA": str(data), "COSIA_LOG_LEVEL": "WARNING", **settings}
    os.environ |= environment
    return {**os.environ, **environment}


def _await_workers(sessions: Sessions, count: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with sessions.read() as session:
            if workers.count_live(session, broker.GPU) == count:
                return
        time.sleep(0.2)
    raise RuntimeError(f"{count} workers did not start")


def _wait_for_blocks(sessions: Sessions, job_ids: Sequence[str]) -> int:
    """Until the blocks of all jobs have ended, or time is over; how many have."""
    deadline = time.monotonic() + _MOST_S
    while True:
        with sessions.read() as session:
            progress = [jobs.progress(session, job_id) for job_id in job_ids]
        if all(each.finished for each in progress) or time.monotonic() > deadline:
            return sum(each.done for each in progress)
        time.sleep(0.2)


def _page(sessions: Sessions, job_id: str) -> tuple[float, int]:
    """Seconds to read all events of a job, page by page, and how many they are."""
    started, last = time.perf_counter(), 0
    while True:
        with sessions.read() as session:
            page = jobs.events_since(session, job_id, last)
        if not page:
            return time.perf_counter() - started, last
        last = page[-1].id


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
