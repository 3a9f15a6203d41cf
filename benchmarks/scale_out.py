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
_PARTS = [
    Square(column, row, _SIDE // 4, _SIDE // 4)
    for row in range(0, _SIDE, _SIDE // 4)
    for column in range(0, _SIDE, _SIDE // 4)
]
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
    """Growing numbers of workers on one job; then a département, in one job and in sixteen."""
    environment = _environment(both, folder / "simulated", COSIA_BATCHES_IN_FLIGHT=str(_SIMULATED[-1]))
    figures = []
    with _web(both, folder, environment) as client:
        for count in _SIMULATED:
            cost, done = _ended(both, client, environment, count, [_SHARE])
            _print(f"{count} workers on one job", cost, done)
            figures.append(Figure(f"blocks/s of one job, {count} workers", f"{done / cost.seconds:.0f}"))
        figures += [_locked(both, client), *_departement(both, client)]
    environment = _environment(both, folder / "shipped", COSIA_BATCHES_IN_FLIGHT="4")
    with _web(both, folder, environment) as client:
        cost, done = _ended(both, client, environment, _SIMULATED[-1], _PARTS)
    _print(f"{_SIMULATED[-1]} workers on a département in {len(_PARTS)} jobs", cost, done)
    return [*figures, *_costs(cost, done)]


def _ended(
    both: Servers, client: Client, environment: dict[str, str], count: int, squares: Sequence[Square]
) -> tuple[Cost, int]:
    """The cost of a job for each square, from when all workers are there; how many blocks ended."""
    source_id = f"workers-{count}-{len(squares)}"
    imagery.pretend(both.sessions, source_id, _SIDE)
    with simulated_workers(environment, count, 0.0):
        job_ids = [client.ask(square, source_id) for square in squares[:-1]]
        with both.observed() as cost:
            before = _done(both.sessions, job_ids)
            job_ids.append(client.ask(squares[-1], source_id))
            done = _wait_for_blocks(both.sessions, job_ids) - before
    for job_id in job_ids:
        client.give_up(job_id)
    return cost, done


def _departement(both: Servers, client: Client) -> list[Figure]:
    """One job of 35 344 blocks is asked for, claimed from, looked at, and dismissed."""
    square = Square(0, 0, _SIDE, _SIDE)
    size = len(square.cells)
    imagery.pretend(both.sessions, "departement", _SIDE)
    with both.observed() as posting:
        job_id = client.ask(square, "departement")
    _print("POST of a département", posting, size)
    with both.sessions.write() as session:
        began = time.perf_counter()
        claims = jobs.claim_blocks(session, job_id, owner="first", limit=64, lease_s=600.0, most_attempts=3)
        claiming_s = time.perf_counter() - began
    looking_s = _seconds(lambda: client.get(f"/api/jobs/{job_id}"))
    dismissing_s = _seconds(lambda: client.give_up(job_id))
    return [
        Figure(f"POST of {size} blocks", f"{posting.seconds:.1f} s, {posting.statements} statements"),
        Figure(f"claim of {len(claims)} of {size} blocks", f"{1000 * claiming_s:.0f} ms"),
        Figure(f"status of a job of {size} blocks", f"{1000 * looking_s:.0f} ms"),
        Figure(f"dismissal of a job of {size} blocks", f"{1000 * dismissing_s:.0f} ms"),
    ]


def _costs(cost: Cost, done: int) -> list[Figure]:
    """Per block with the most workers on jobs as they are by default, and what that means for real ones."""
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
                f"blocks/s of 16 jobs beside the need of {most} {title}", f"{rate:.0f}", f"{needed:.0f}", rate / needed
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
    with sessions.read() as session:
        total = sum(jobs.progress(session, job_id).total for job_id in job_ids)
    while (done := _done(sessions, job_ids)) < total and time.monotonic() < deadline:
        time.sleep(0.2)
    return done


def _done(sessions: Sessions, job_ids: Sequence[str]) -> int:
    with sessions.read() as session:
        return sum(jobs.progress(session, job_id).done for job_id in job_ids)


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
