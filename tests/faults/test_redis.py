"""Redis killed, emptied, hung, full, away (R01, R02, R04): the broker may lose everything, and no job is lost."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from tests.faults.canary import canaries
from tests.faults.failing import Fault
from tests.faults.ledger import Undisturbed, require_conserved
from tests.faults.processes import Child
from tests.faults.stack import Stack
from tests.faults.territory import COLUMNS, Area

SINGLE_BLOCKS = [Area(column=number % COLUMNS, row=number // COLUMNS) for number in range(21)]


@contextmanager
def one_running_and_twenty_queued(stack: Stack) -> Iterator[list[str]]:
    """Gives the jobs while a worker is in the middle of the first; afterwards it goes on."""
    stack.start_web()
    with stack.a_worker_that_is_restarted(at_first=[Fault("predicting", "halt")]) as lived:
        jobs = [stack.ask(area) for area in SINGLE_BLOCKS]
        stack.wait_until(lambda: any(child.has_reached("predicting") for child in lived), "a job is running")
        with canaries(stack):
            yield jobs
            first: Child = lived[0]
            first.release("predicting")
            assert stack.wait(*jobs, within_s=90) == ["successful"] * len(jobs)


def restart_empty(stack: Stack) -> None:
    stack.redis.program.end(signal.SIGKILL)
    stack.redis.program.start()
    stack.redis.wait_until_ready()


def flush(stack: Stack) -> None:
    with redis.Redis(port=stack.redis.port) as client:
        client.flushall()


@pytest.mark.parametrize("harm", [restart_empty, pytest.param(flush, marks=pytest.mark.thorough)])
def test_a_redis_that_forgets_everything_loses_no_job(postgis_stack: Stack, undisturbed: Undisturbed, harm) -> None:
    with one_running_and_twenty_queued(postgis_stack):
        harm(postgis_stack)

    require_conserved(postgis_stack, undisturbed)


@pytest.mark.thorough
def test_a_redis_that_hangs_loses_no_job(postgis_stack: Stack, undisturbed: Undisturbed) -> None:
    with one_running_and_twenty_queued(postgis_stack):
        postgis_stack.redis.program.send(signal.SIGSTOP)
        accepted = postgis_stack.post(Area(columns=2, row=3, column=3))
        time.sleep(8)
        postgis_stack.redis.program.send(signal.SIGCONT)

    assert accepted.status == 201
    assert postgis_stack.wait(accepted.document["jobID"]) == ["successful"]
    require_conserved(postgis_stack, undisturbed)


@pytest.mark.thorough
def test_a_redis_that_is_full_loses_no_job(postgis_stack: Stack, undisturbed: Undisturbed) -> None:
    with one_running_and_twenty_queued(postgis_stack), redis.Redis(port=postgis_stack.redis.port) as client:
        client.config_set("maxmemory", "1mb")
        accepted = postgis_stack.post(Area(columns=2, row=3, column=3))
        time.sleep(4)
        client.config_set("maxmemory", "0")

    assert accepted.status == 201
    assert postgis_stack.wait(accepted.document["jobID"]) == ["successful"]
    require_conserved(postgis_stack, undisturbed)


def test_what_is_asked_while_redis_is_away_is_accepted_and_done_later(
    postgis_stack: Stack, undisturbed: Undisturbed
) -> None:
    postgis_stack.start_web()
    postgis_stack.redis.program.end(signal.SIGKILL)
    with canaries(postgis_stack), postgis_stack.a_worker_that_is_restarted():
        job = postgis_stack.ask(Area(columns=2))
        readiness = postgis_stack.web.ask("/readyz")
        assert (readiness.status, readiness.document["status"]) == (200, "degraded")
        assert postgis_stack.status(job)["status"] == "accepted"

        postgis_stack.redis.program.start()

        assert postgis_stack.wait(job) == ["successful"]
    require_conserved(postgis_stack, undisturbed)


def test_limits_hold_while_redis_is_away(postgis_stack: Stack) -> None:
    """R05: they are counted in the database, so that nobody slips in."""
    postgis_stack.start_web(COSIA_ACTIVE_JOBS="2")
    postgis_stack.redis.program.end(signal.SIGKILL)

    with canaries(postgis_stack):
        answers = [postgis_stack.post(Area(column=column)) for column in range(4)]

    assert [answer.status for answer in answers] == [201, 201, 429, 429]


@pytest.mark.parametrize("command", ["web", "worker"])
def test_a_redis_that_throws_messages_away_is_refused_at_start(sqlite_stack: Stack, command: str) -> None:
    with redis.Redis(port=sqlite_stack.redis.port) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")

    child = sqlite_stack.start(command)

    assert child.wait(30) == 1
    assert "maxmemory-policy" in child.log()
