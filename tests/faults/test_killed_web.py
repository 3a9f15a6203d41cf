"""kill -9 of the web process around the commit of a job (D04): a client that asks again under its key gets one job."""

from __future__ import annotations

import signal
from http.client import HTTPException

import pytest
from sqlalchemy import func, select

from app.database import JobRow
from tests.faults.canary import canaries
from tests.faults.failing import Fault
from tests.faults.ledger import Undisturbed, require_conserved
from tests.faults.stack import Stack
from tests.faults.territory import Area

KEY = "asked-once"


def jobs_in(stack: Stack) -> int:
    with stack.sessions.read() as session:
        return session.scalar(select(func.count()).select_from(JobRow)) or 0


@pytest.mark.parametrize(
    ("stage", "jobs"),
    [
        ("after-commit", 1),
        pytest.param("before-commit", 0, marks=pytest.mark.thorough),
        pytest.param("after-ringing", 1, marks=pytest.mark.thorough),
    ],
)
def test_a_client_that_asks_again_gets_one_job(
    postgis_stack: Stack, undisturbed: Undisturbed, stage: str, jobs: int
) -> None:
    other = postgis_stack.start_web()
    doomed = postgis_stack.start_web(Fault(stage))
    postgis_stack.start_worker()
    postgis_stack.webs.append(other)  # who is asked from now on

    with canaries(postgis_stack):
        with pytest.raises((OSError, HTTPException)):
            postgis_stack.post(Area(columns=2), key=KEY, web=doomed)
        postgis_stack.wait_until(lambda: doomed.process.poll() == -signal.SIGKILL, "the web process is dead")
        assert jobs_in(postgis_stack) == jobs

        first, again = (postgis_stack.ask(Area(columns=2), key=KEY) for _ in range(2))

        assert first == again
        assert jobs_in(postgis_stack) == 1
        assert postgis_stack.wait(first) == ["successful"]
    require_conserved(postgis_stack, undisturbed)


@pytest.mark.thorough
@pytest.mark.parametrize("stage", ["after-commit", "after-ringing"])
def test_a_job_whose_client_never_asks_again_is_done(stack: Stack, undisturbed: Undisturbed, stage: str) -> None:
    """Nobody rang for it, or nobody was told of it: it is swept all the same."""
    doomed = stack.start_web(Fault(stage))
    with pytest.raises((OSError, HTTPException)):
        stack.post(Area(columns=2))
    stack.wait_until(lambda: doomed.process.poll() == -signal.SIGKILL, "the web process is dead")
    stack.start_web()
    stack.start_worker()

    with stack.sessions.read() as session:
        job = session.scalars(select(JobRow.id)).one()
    stack.accepted[job] = Area(columns=2), {}

    assert stack.wait(job) == ["successful"]
    require_conserved(stack, undisturbed)
