"""SIGTERM (K06): workers and web processes end by themselves with code 0, and what they had at hand costs nobody."""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from app.database import BlockRow
from tests.faults.canary import canaries
from tests.faults.failing import Fault
from tests.faults.ledger import Undisturbed, require_conserved
from tests.faults.stack import Stack
from tests.faults.territory import GOOD_TILE, Area

STOPS_WITHIN_S = 30.0


@pytest.mark.parametrize("times", [1, pytest.param(3, marks=pytest.mark.thorough)])
def test_a_worker_that_is_told_to_stop_in_mid_batch_burns_no_attempt(
    postgis_stack: Stack, undisturbed: Undisturbed, times: int
) -> None:
    postgis_stack.start_web()
    worker = postgis_stack.start_worker(Fault("predicting", "halt", at=2))
    with canaries(postgis_stack):
        job = postgis_stack.ask(Area(columns=3, rows=2))
        postgis_stack.wait_until_reached("predicting")
        for _ in range(times):
            worker.send(signal.SIGTERM)
            time.sleep(0.3)
        worker.release("predicting")

        assert worker.wait(STOPS_WITHIN_S) == 0
        postgis_stack.start_worker()
        assert postgis_stack.wait(job) == ["successful"]
    with postgis_stack.sessions.read() as session:
        assert set(session.scalars(select(BlockRow.attempts))) == {1}
    require_conserved(postgis_stack, undisturbed)


@pytest.mark.thorough
def test_a_worker_that_is_told_to_stop_while_results_are_made_loses_nothing(
    stack: Stack, undisturbed: Undisturbed
) -> None:
    stack.start_web()
    worker = stack.start_worker(Fault("finalising", "halt"))
    job = stack.ask(Area(columns=2))
    stack.wait_until_reached("finalising")
    worker.send(signal.SIGTERM)
    worker.release("finalising")

    assert worker.wait(STOPS_WITHIN_S) == 0
    stack.start_worker()
    assert stack.wait(job) == ["successful"]
    require_conserved(stack, undisturbed)


def test_an_idle_worker_stops_at_once(sqlite_stack: Stack) -> None:
    sqlite_stack.start_web()
    worker = sqlite_stack.start_worker()
    assert sqlite_stack.wait(sqlite_stack.ask()) == ["successful"]

    worker.send(signal.SIGTERM)

    assert worker.wait(STOPS_WITHIN_S) == 0


def test_a_web_process_that_is_told_to_stop_answers_what_it_was_asked(postgis_stack: Stack) -> None:
    web = postgis_stack.start_web(Fault("before-commit", "slow:0.3", always=True))
    begun = threading.Barrier(21)

    def ask(number: int) -> int:
        begun.wait()
        return postgis_stack.post(Area(column=number % 6), web=web).status if number < 2 else web.ask(GOOD_TILE).status

    with ThreadPoolExecutor(20) as clients:
        answers = [clients.submit(ask, number) for number in range(20)]
        begun.wait()
        postgis_stack.wait_until(lambda: "before-commit" in str(list(postgis_stack.folder.glob("*.reached"))), "asked")
        web.process.send(signal.SIGTERM)

        assert {answer.result() for answer in answers} == {200, 201}
    # uvicorn ends by the signal it was sent, after everything else has ended well.
    assert web.process.wait(STOPS_WITHIN_S) in (0, -signal.SIGTERM)
