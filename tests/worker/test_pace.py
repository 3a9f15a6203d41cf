"""The pace of a batch: of prediction and of map servers, each apart, by a clock of the test."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from worker.pace import Pace


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("worker.pace.time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def test_waiting_for_a_map_server_is_told_apart_from_predicting(clock: Clock) -> None:
    pace = Pace()
    for waited_s in (4.0, 2.0):
        pace.begin()
        clock.now += waited_s
        pace.wait_apart(waited_s)
        pace.fetched(5.0)
        clock.now += 3.0  # predicted and written
        pace.end()

    assert pace.seconds_per_block == 3.0
    assert pace.fetch_seconds == 5.0


def test_of_files_reading_is_part_of_the_pace(clock: Clock) -> None:
    pace = Pace()
    assert (pace.seconds_per_block, pace.fetch_seconds) == (None, None)
    pace.begin()
    clock.now += 4.0
    pace.end()

    assert (pace.seconds_per_block, pace.fetch_seconds) == (4.0, None)
