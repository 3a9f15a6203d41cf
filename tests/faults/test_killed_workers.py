"""kill -9 of a worker at every stage of its work (K01, K02): another goes on, to the result that it would have had."""

from __future__ import annotations

import signal

import pytest

from tests.faults.canary import canaries
from tests.faults.failing import Fault
from tests.faults.ledger import Undisturbed, require_conserved
from tests.faults.stack import Stack
from tests.faults.territory import Area, cell

# Those that stand for the others in `make test`: between file and row, and at the end of the job.
FEW = ("renamed", "finalising")
MORE = ("claimed", "reading", "predicting", "half-written", "row-written", "succeeded", "unacknowledged")


@pytest.mark.parametrize("stage", [*FEW, *(pytest.param(stage, marks=pytest.mark.thorough) for stage in MORE)])
def test_a_worker_killed_at_any_stage_loses_nothing(stack: Stack, undisturbed: Undisturbed, stage: str) -> None:
    stack.start_web()
    first = stack.start_worker(Fault(stage))
    with canaries(stack):
        job = stack.ask(Area(columns=2, rows=2))
        stack.wait_until_dead(first, -signal.SIGKILL)
        stack.start_worker()

        assert stack.wait(job) == ["successful"]

    require_conserved(stack, undisturbed, kills=1)


@pytest.mark.thorough
def test_a_worker_that_crashes_in_the_network_loses_nothing(postgis_stack: Stack, undisturbed: Undisturbed) -> None:
    postgis_stack.start_web()
    first = postgis_stack.start_worker(Fault("predicting", "segv", at=2))
    job = postgis_stack.ask(Area(columns=2))
    postgis_stack.wait_until_dead(first, -signal.SIGSEGV)
    postgis_stack.start_worker()

    assert postgis_stack.wait(job) == ["successful"]
    require_conserved(postgis_stack, undisturbed, kills=1)


@pytest.mark.thorough
def test_a_block_that_kills_its_worker_fails_alone(postgis_stack: Stack, undisturbed: Undisturbed) -> None:
    """K03: the poisoned job fails after three attempts, with the reason; five jobs behind it are done."""
    postgis_stack.start_web()
    poison = Fault("reading", always=True, cell=cell(0, 0))
    with postgis_stack.a_worker_that_is_restarted(poison) as lived:
        poisoned = postgis_stack.ask(Area(columns=2))
        healthy = [postgis_stack.ask(Area(column=column)) for column in range(1, 6)]

        assert postgis_stack.wait(*healthy) == ["successful"] * 5
        assert postgis_stack.wait(poisoned) == ["failed"]

    assert "the worker was lost 3 times" in postgis_stack.status(poisoned)["message"]
    # The neighbour, claimed in one batch with it, was done all the same.
    assert postgis_stack.block_statuses() == {"done": 5, "failed": 1}
    killed = [child for child in lived if child.poll() == -signal.SIGKILL]
    assert len(killed) == 3
    require_conserved(postgis_stack, undisturbed, kills=3)
