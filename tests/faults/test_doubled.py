"""Messages that come twice, workers that share a job, one that wakes up late, clocks that differ: each block once."""

from __future__ import annotations

import signal
import time

import pytest
import redis
from sqlalchemy import select, text

from app.database import BlockRow
from tests.faults.failing import Fault
from tests.faults.ledger import Undisturbed, require_conserved
from tests.faults.stack import LEASE_S, Stack
from tests.faults.territory import COLUMNS, ROWS, Area


def repeat_messages(stack: Stack, times: int) -> int:
    """Puts every message that waits in the queues there so many times more; gives how many there were."""
    found = 0
    with redis.Redis(port=stack.redis.port) as client:
        for name in client.scan_iter(_type="list"):
            messages = client.lrange(name, 0, -1)
            found += len(messages)
            for message in messages:
                client.lpush(name, *[message] * times)
    return found


def test_messages_delivered_ten_times_compute_each_block_once(stack: Stack, undisturbed: Undisturbed) -> None:
    stack.start_web()
    jobs = [stack.ask(Area(columns=2, rows=2)), stack.ask(Area(columns=2, rows=2, column=1))]
    assert repeat_messages(stack, 9) >= 1
    for _ in range(2):
        stack.start_worker()

    assert stack.wait(*jobs) == ["successful"] * 2
    assert stack.blocks_computed() == 6
    require_conserved(stack, undisturbed)


@pytest.mark.thorough
def test_workers_share_a_job_and_compute_each_block_once(postgis_stack: Stack, undisturbed: Undisturbed) -> None:
    postgis_stack.start_web()
    workers = [postgis_stack.start_worker(COSIA_BATCH_S="5") for _ in range(2)]
    postgis_stack.wait_until(lambda: all("ready." in worker.log() for worker in workers), "both workers listen")

    job = postgis_stack.ask(Area(columns=COLUMNS, rows=ROWS))

    assert postgis_stack.wait(job) == ["successful"]
    assert set(postgis_stack.computed.read_text().split()) == {str(worker.pid) for worker in workers}
    require_conserved(postgis_stack, undisturbed)


@pytest.mark.thorough
@pytest.mark.parametrize("stage", ["predicting", "renamed"])
def test_a_worker_that_wakes_up_late_publishes_nothing(stack: Stack, undisturbed: Undisturbed, stage: str) -> None:
    stack.start_web()
    late = stack.start_worker(Fault(stage, "halt"))
    job = stack.ask(Area(columns=2))
    stack.wait_until_reached(stage)
    late.send(signal.SIGSTOP)
    stack.start_worker()
    assert stack.wait(job) == ["successful"]

    late.release(stage)
    late.send(signal.SIGCONT)
    stack.wait_until(lambda: "write_fenced" in late.log(), "what it comes back with is fenced", 20)

    again = stack.ask(Area(columns=2))
    assert stack.wait(again) == ["successful"]
    require_conserved(stack, undisturbed, kills=1)


@pytest.mark.thorough
def test_a_worker_that_wakes_up_late_ends_no_job(stack: Stack, undisturbed: Undisturbed) -> None:
    stack.start_web()
    late = stack.start_worker(Fault("finalising", "halt"))
    job = stack.ask(Area(columns=2))
    stack.wait_until_reached("finalising")
    late.send(signal.SIGSTOP)
    stack.start_worker()
    assert stack.wait(job) == ["successful"]

    late.release("finalising")
    late.send(signal.SIGCONT)
    time.sleep(1)

    require_conserved(stack, undisturbed)


@pytest.mark.thorough
@pytest.mark.parametrize("ahead_s", [3600.0, -3600.0])
def test_a_worker_whose_clock_is_wrong_takes_and_loses_nothing(
    stack: Stack, undisturbed: Undisturbed, ahead_s: float
) -> None:
    stack.start_web()
    stack.start_worker(clock_s=ahead_s)
    stack.start_worker()
    jobs = [stack.ask(Area(columns=2, rows=2, column=column)) for column in (0, 2, 4)]

    assert stack.wait(*jobs) == ["successful"] * 3
    require_conserved(stack, undisturbed)


@pytest.mark.thorough
def test_a_lease_of_a_clock_that_was_set_back_is_not_waited_for(stack: Stack, undisturbed: Undisturbed) -> None:
    """The database's clock was an hour ahead when the block was claimed, and is right again."""
    stack.start_web()
    worker = stack.start_worker(Fault("predicting", "halt"))
    job = stack.ask()
    stack.wait_until_reached("predicting")
    worker.kill()
    with stack.engine.begin() as connection:
        connection.execute(text("UPDATE block SET lease_until = lease_until + 3600"))
    stack.start_worker()

    assert stack.wait(job, within_s=10 * LEASE_S) == ["successful"]
    with stack.sessions.read() as session:
        assert session.scalars(select(BlockRow.fence)).all() == [2]
    require_conserved(stack, undisturbed, kills=1)
