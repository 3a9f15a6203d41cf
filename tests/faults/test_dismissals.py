"""Dismissals at any moment (K07, K08): a job ends dismissed without a result, or successful with all of it."""

from __future__ import annotations

import random
import threading
import time

import pytest

from tests.faults.failing import Fault
from tests.faults.ledger import Undisturbed, require_conserved
from tests.faults.stack import Stack
from tests.faults.territory import COLUMNS, ROWS, Area


def results_folder_is_there(stack: Stack, job: str) -> bool:
    folder = stack.data / "jobs" / job
    return folder.is_dir() and any(folder.iterdir())


@pytest.mark.parametrize("number", [pytest.param(100, marks=pytest.mark.thorough), 20])
def test_dismissals_at_random_moments_leave_each_job_in_one_state(
    postgis_stack: Stack, undisturbed: Undisturbed, number: int
) -> None:
    """Jobs overlap, so that dismissed ones hold blocks that others want."""
    stack, chance = postgis_stack, random.Random(7)
    stack.start_web()
    for _ in range(2):
        stack.start_worker()
    areas = [
        Area(columns=2, rows=2, column=chance.randrange(COLUMNS - 1), row=chance.randrange(ROWS - 1))
        for _ in range(number)
    ]
    answers: list[tuple[str, list[int]]] = []

    def dismiss(job: str, after_s: float) -> None:
        time.sleep(after_s)
        answers.append((job, [stack.web.ask(f"/api/jobs/{job}", "DELETE").status for _ in range(2)]))

    threads = []
    for area in areas:
        thread = threading.Thread(target=dismiss, args=(stack.ask(area), chance.uniform(0, 0.05 * number)))
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()

    ended = dict(zip(stack.accepted, stack.wait(*stack.accepted, within_s=120), strict=True))
    assert set(ended.values()) <= {"successful", "dismissed"}
    for job, statuses in answers:
        assert statuses == ([200, 200] if ended[job] == "dismissed" else [409, 409]), ended[job]
        assert results_folder_is_there(stack, job) == (ended[job] == "successful")
    stack.wait_until(lambda: "claimed" not in stack.block_statuses(), "what dismissed jobs left at hand has ended")
    require_conserved(stack, undisturbed)


def test_a_job_dismissed_while_its_results_are_made_leaves_none(stack: Stack, undisturbed: Undisturbed) -> None:
    stack.start_web()
    worker = stack.start_worker(Fault("finalising", "halt"))
    job = stack.ask(Area(columns=2))
    stack.wait_until_reached("finalising")

    assert stack.web.ask(f"/api/jobs/{job}", "DELETE").status == 200
    worker.release("finalising")
    after = stack.ask(Area(columns=2))

    assert stack.wait(after, job) == ["successful", "dismissed"]
    assert stack.web.ask(f"/api/jobs/{job}/results").status == 409
    stack.wait_until(lambda: not results_folder_is_there(stack, job), "its files are gone", 10)
    require_conserved(stack, undisturbed)


@pytest.mark.thorough
def test_a_queued_job_that_was_dismissed_never_runs(stack: Stack, undisturbed: Undisturbed) -> None:
    """K08: not after the worker was killed and started again, either; what others want of its blocks is computed."""
    stack.start_web()
    worker = stack.start_worker(Fault("predicting", "halt"))
    running = stack.ask(Area())
    stack.wait_until_reached("predicting")
    queued = stack.ask(Area(columns=2))

    assert stack.web.ask(f"/api/jobs/{queued}", "DELETE").status == 200
    worker.kill()
    stack.start_worker()

    assert stack.wait(running, queued) == ["successful", "dismissed"]
    after = stack.ask(Area(column=5))
    assert stack.wait(after) == ["successful"]
    assert stack.block_statuses() == {"done": 2, "waiting": 1}
    require_conserved(stack, undisturbed, kills=1)
