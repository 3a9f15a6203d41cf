"""The database stopped, hung, cut off, full, locked (D01, D03, D05): tiles go on, jobs wait, nothing is lost."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import psycopg
import pytest
from sqlalchemy import func, select

from app.database import JobRow
from tests.faults.canary import canaries
from tests.faults.conftest import Fragile
from tests.faults.failing import Fault
from tests.faults.ledger import Undisturbed, require_conserved
from tests.faults.observations import require_refusal
from tests.faults.stack import LEASE_S, Stack
from tests.faults.territory import GOOD_TILE, Area
from tests.servers import PostgisServer

pytestmark = pytest.mark.needs("postgis")

RECOVERS_WITHIN_S = 10.0
BATCH = 3
"""Blocks of the batch at hand: what was predicted while the database was away may have to be computed again."""


def dsn(stack: Stack) -> str:
    return stack.database_url.replace("+psycopg", "")


def freeze(database: PostgisServer, number: signal.Signals) -> None:
    """Stops (or continues) the server with all its processes, as a machine that hangs does."""
    process = database.program.process
    assert process is not None
    children = subprocess.run(["pgrep", "--parent", str(process.pid)], capture_output=True, text=True, check=True)
    for pid in [str(process.pid), *children.stdout.split()]:
        subprocess.run(["kill", f"-{number.name.removeprefix('SIG')}", pid], check=False)


@contextmanager
def in_mid_run(stack: Stack) -> Iterator[None]:
    """Four blocks asked for, the second in a worker's hands, which goes on in the middle of what happens meanwhile."""
    stack.start_web()
    with stack.a_worker_that_is_restarted(at_first=[Fault("predicting", "halt", at=2)]) as lived:
        job = stack.ask(Area(columns=2, rows=2))
        stack.wait_until(lambda: any(child.has_reached("predicting") for child in lived), "a job is running")
        release = threading.Timer(1.0, lived[0].release, ["predicting"])
        release.start()
        with canaries(stack):
            yield
            release.join()
            assert stack.wait(job) == ["successful"]
            more = stack.ask(Area(columns=2, row=3))
            assert stack.wait(more) == ["successful"]


@pytest.mark.parametrize("away_s", [LEASE_S / 2, pytest.param(60.0, marks=pytest.mark.thorough)])
def test_a_database_that_is_stopped_under_load_loses_nothing(
    fragile: Fragile, undisturbed: Undisturbed, away_s: float
) -> None:
    stack, database = fragile
    with in_mid_run(stack):
        database.program.end(signal.SIGQUIT)  # PostgreSQL's immediate shutdown: as if it had crashed
        asked = stack.web
        fresh = stack.start_web(ready=False)
        stack.wait_until(lambda: fresh.ask(GOOD_TILE).status == 200, "a fresh process shows tiles", 5)
        for web in (asked, fresh):
            require_refusal(stack.post(Area(), web=web), web, 503)
        with canaries(stack):  # of the fresh process, too
            time.sleep(away_s)
        database.program.start()
        database.wait_until_ready()
        stack.wait_until(lambda: stack.web.ask("/readyz").status == 200, "it is ready again", RECOVERS_WITHIN_S)
        stack.wait_until(lambda: asked.ask("/readyz").status == 200, "the first one is, too", RECOVERS_WITHIN_S)

    require_conserved(stack, undisturbed, again=BATCH)


@pytest.mark.thorough
def test_a_database_that_hangs_is_told_within_seconds_and_loses_nothing(
    fragile: Fragile, undisturbed: Undisturbed
) -> None:
    stack, database = fragile
    with in_mid_run(stack):
        freeze(database, signal.SIGSTOP)
        for _ in range(3):
            require_refusal(stack.post(Area(column=5)), stack.web, 503)
        time.sleep(LEASE_S)
        freeze(database, signal.SIGCONT)
        stack.wait_until(lambda: stack.web.ask("/readyz").status == 200, "it is ready again", RECOVERS_WITHIN_S)

    require_conserved(stack, undisturbed, again=BATCH)


@pytest.mark.thorough
def test_connections_that_are_cut_every_second_lose_nothing(postgis_stack: Stack, undisturbed: Undisturbed) -> None:
    stack, statuses = postgis_stack, []
    with in_mid_run(stack), psycopg.connect(dsn(stack), autocommit=True) as knife:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            knife.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            answer = stack.post(Area(column=len(statuses) % 6, row=3))
            statuses.append(answer.status)
            assert answer.status in (201, 503), answer.body
            time.sleep(1)

    assert 201 in statuses
    assert stack.wait(*stack.accepted) == ["successful"] * len(stack.accepted)
    with stack.sessions.read() as session:
        assert session.scalar(select(func.count()).select_from(JobRow)) == len(stack.accepted)
    require_conserved(stack, undisturbed, again=BATCH)


@pytest.mark.thorough
def test_a_database_without_free_connections_is_told_and_loses_nothing(
    fragile: Fragile, undisturbed: Undisturbed
) -> None:
    stack = fragile.stack
    with in_mid_run(stack):
        with ExitStack() as taken:
            mine: list[psycopg.Connection] = []
            for _ in range(2):  # whoever has a connection loses it, and finds none free
                with suppress(psycopg.OperationalError):
                    while True:
                        mine.append(taken.enter_context(psycopg.connect(dsn(stack), autocommit=True)))
                mine[0].execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cosia' AND pid <> ALL(%s)",
                    [[each.info.backend_pid for each in mine]],
                )
            with suppress(psycopg.OperationalError):
                while True:
                    taken.enter_context(psycopg.connect(dsn(stack), autocommit=True))
            require_refusal(stack.post(Area(column=5)), stack.web, 503)
            time.sleep(LEASE_S)
        stack.wait_until(lambda: stack.web.ask("/readyz").status == 200, "it is ready again", RECOVERS_WITHIN_S)

    require_conserved(stack, undisturbed, again=BATCH)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "lock",
    [
        "LOCK TABLE job IN ACCESS EXCLUSIVE MODE",
        "SELECT * FROM job FOR UPDATE",
    ],
)
def test_a_lock_that_somebody_holds_is_told_within_seconds_and_loses_nothing(
    postgis_stack: Stack, undisturbed: Undisturbed, lock: str
) -> None:
    stack = postgis_stack
    with in_mid_run(stack), psycopg.connect(dsn(stack)) as holder:
        holder.execute(lock)
        answer = stack.post(Area(column=5))
        assert answer.status in (201, 503)
        if answer.status == 503:
            require_refusal(answer, stack.web, 503)
        time.sleep(2 * LEASE_S)
        holder.rollback()

    require_conserved(stack, undisturbed, again=BATCH)
