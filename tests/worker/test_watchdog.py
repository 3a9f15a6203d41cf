"""A process that does not get on, or does not stop in time, is ended after its work was given up."""

from __future__ import annotations

import threading
import time

import pytest

from tests.worker.watched import Watched
from worker.watchdog import STALLED


class Work:
    def __init__(self) -> None:
        self.given_up: list[tuple[str, bool]] = []

    def give_up(self, reason: str, counts: bool) -> None:
        self.given_up.append((reason, counts))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr("worker.watchdog.time.monotonic", lambda: now[0])
    return now


def test_work_without_progress_is_given_up_with_its_fault_counted_and_the_process_ends(clock: list[float]) -> None:
    watchdog, work = Watched(stall_s=60), Work()

    with watchdog.watching("predicting blocks", work.give_up):
        clock[0] += 61
        assert watchdog.look()

    assert work.given_up == [("no progress for 60 s while predicting blocks", True)]
    assert watchdog.last_words == ["no progress for 60 s while predicting blocks"]
    assert watchdog.codes == [STALLED]


def test_work_that_gets_on_may_take_as_long_as_it_likes(clock: list[float]) -> None:
    watchdog, work = Watched(stall_s=60), Work()

    with watchdog.watching("predicting blocks", work.give_up):
        for _ in range(10):
            clock[0] += 59
            assert not watchdog.look()
            watchdog.progress()

    clock[0] += 3600  # nothing to do is no stall
    assert not watchdog.look()
    assert work.given_up == []


def test_a_worker_that_does_not_stop_in_time_gives_its_work_back_and_ends_well(clock: list[float]) -> None:
    stop, work = threading.Event(), Work()
    watchdog = Watched(stop)
    stop.set()

    with watchdog.watching("predicting blocks", work.give_up):
        assert not watchdog.look()
        clock[0] += 26
        assert watchdog.look()

    assert work.given_up == [("the worker had to stop", False)]
    assert watchdog.codes == [0]


def test_the_process_ends_though_giving_up_hangs(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.watchdog._GIVE_UP_WITHIN_S", 0.01)
    watchdog, released = Watched(stall_s=60), threading.Event()

    with watchdog.watching("predicting blocks", lambda *_: bool(released.wait(20))):
        clock[0] += 61
        watchdog.look()

    released.set()
    assert watchdog.codes == [STALLED]


def test_it_looks_by_itself() -> None:
    watchdog, work = Watched(stall_s=0.01), Work()
    watchdog.start()

    with watchdog.watching("predicting blocks", work.give_up):
        until = time.monotonic() + 20
        while not watchdog.codes and time.monotonic() < until:
            time.sleep(0.02)

    assert watchdog.codes == [STALLED]
