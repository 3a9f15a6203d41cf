"""A worker takes predictions only while its device and weights are sound, on both databases."""

from __future__ import annotations

import pytest
import torch
from sqlalchemy import update

from app import workers
from app.database import Sessions, WorkerRow, now_s
from app.errors import Unavailable
from app.settings import Settings
from tests.worker.watched import Watched
from worker.duty import Duty
from worker.fitness import device_fault, device_fault_in_a_fresh_process
from worker.presence import Presence
from worker.watchdog import STALLED


class Machine:
    """What is wrong with it, if anything."""

    def __init__(self) -> None:
        self.device: str | None = None
        self.weights: str | None = None

    def duty(self, presence: Presence, watchdog: Watched) -> Duty:
        return Duty(
            presence,
            watchdog,
            device=lambda: self.device,
            device_again=lambda: self.device,
            weights=lambda: self.weights,
            every_s=1.0,
        )


@pytest.fixture
def presence(sessions: Sessions) -> Presence:
    return Presence(sessions, device="cuda", queues=("gpu", "cpu"))


def state(sessions: Sessions) -> tuple[str, str | None]:
    with sessions.read() as session:
        (row,) = workers.listed(session)
        return row.state, row.reason


def test_a_sound_worker_is_in_service_after_its_tests(sessions: Sessions, presence: Presence) -> None:
    presence.beat()
    assert state(sessions) == ("out of service", "starting")

    Machine().duty(presence, Watched()).begin()

    assert state(sessions) == ("ready", None)


def test_a_broken_device_keeps_the_worker_out_until_a_fresh_process_finds_it_sound(
    sessions: Sessions, presence: Presence
) -> None:
    machine, watchdog = Machine(), Watched()
    machine.device = "torch finds no CUDA device"
    duty = machine.duty(presence, watchdog)
    heard: list[bool] = []
    presence.on_change(heard.append)

    duty.begin()
    duty.look_again()
    assert state(sessions) == ("out of service", "torch finds no CUDA device")
    assert (watchdog.codes, True in heard) == ([], False)

    machine.device = None
    duty.look_again()
    assert watchdog.codes == [STALLED]  # started afresh by its supervisor


def test_missing_weights_keep_the_worker_out_until_they_are_there(sessions: Sessions, presence: Presence) -> None:
    machine, watchdog = Machine(), Watched()
    machine.weights = "the weights of model tiny are not here"
    duty = machine.duty(presence, watchdog)

    duty.begin()
    assert state(sessions) == ("out of service", "the weights of model tiny are not here")

    machine.weights = None
    duty.look_again()
    assert (state(sessions), watchdog.codes) == (("ready", None), [])


def test_a_database_that_is_away_at_the_start_keeps_the_worker_out(presence: Presence) -> None:
    def away() -> str | None:
        raise Unavailable("the database does not answer: try again in a moment")

    Duty(presence, Watched(), device=lambda: None, device_again=lambda: None, weights=away, every_s=1.0).begin()

    assert presence.out_of_service == "the database does not answer: try again in a moment"


def test_the_device_is_tested_by_computing_on_it() -> None:
    assert device_fault("cpu") is None
    assert "COSIA_DEVICE is cuda" in str(device_fault("cuda"))


def test_a_precision_that_the_device_lacks_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.fitness.settings", lambda: Settings(precision="bf16"))
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)

    assert "COSIA_PRECISION is bf16" in str(device_fault("cpu"))


def test_the_device_can_be_tested_in_a_process_of_its_own() -> None:
    assert "COSIA_DEVICE is cuda" in str(device_fault_in_a_fresh_process("cuda"))


def test_a_worker_that_was_taken_for_dead_comes_back_under_another_name_and_counts_nothing_twice(
    sessions: Sessions, presence: Presence
) -> None:
    presence.tally("blocks_computed", 3)
    presence.beat()
    first = presence.id
    with sessions.write() as session:
        session.execute(update(WorkerRow).values(seen_at=now_s() - 3600))
        workers.fold(session)
    presence.tally("blocks_computed", 2)

    presence.beat()
    presence.beat()

    with sessions.read() as session:
        assert workers.tallies(session)["blocks_computed"] == 5
        assert [row.id for row in workers.listed(session)] == [presence.id]
    assert presence.id != first


def test_the_pace_follows_the_latest_batches(presence: Presence) -> None:
    for seconds in (4.0, 2.0, 1.0):
        presence.measured("tiny", seconds)

    assert presence.paces() == {"tiny": 2.0}  # (4 + 2) / 2 = 3, then (3 + 1) / 2
