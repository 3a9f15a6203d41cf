"""Who waits for whom when tiles are drawn, and who is refused."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import pytest

from app.errors import TilesBusy
from app.tiling.threads import Flights, TileThreads


class _Gate:
    """Work that does not end before it is let."""

    def __init__(self) -> None:
        self.started, self.opened, self.runs = threading.Event(), threading.Event(), 0

    def __call__(self) -> bytes:
        self.runs += 1
        self.started.set()
        assert self.opened.wait(10)
        return b"tile"


def test_askers_of_one_tile_wait_for_one_drawing() -> None:
    flights, gate = Flights(TileThreads(2, 10, wait_s=10)), _Gate()
    asked = [flights.join("key", gate) for _ in range(5)]
    gate.opened.set()

    assert [flight.result(10) for flight in asked] == [b"tile"] * 5
    assert gate.runs == 1


def test_a_tile_is_drawn_again_after_it_failed() -> None:
    flights = Flights(TileThreads(1, 10, wait_s=10))

    def fail() -> bytes:
        raise ValueError("once")

    first: Future[bytes] = flights.join("key", fail)
    with pytest.raises(ValueError, match="once"):
        first.result(10)

    assert flights.join("key", lambda: b"tile").result(10) == b"tile"


def test_different_tiles_are_different_flights() -> None:
    flights = Flights(TileThreads(2, 10, wait_s=10))

    assert flights.join("a", lambda: b"a").result(10) == b"a"
    assert flights.join("b", lambda: b"b").result(10) == b"b"


def test_more_than_the_queue_holds_is_refused_at_once() -> None:
    threads, gate = TileThreads(1, 2, wait_s=10), _Gate()
    accepted = [threads.submit(gate) for _ in range(3)]  # one runs, two wait

    with pytest.raises(TilesBusy) as caught:
        threads.submit(gate)
    gate.opened.set()

    assert caught.value.retry_after_s > 0
    assert [future.result(10) for future in accepted] == [b"tile"] * 3


def test_the_queue_has_room_again_when_its_work_is_done() -> None:
    threads = TileThreads(1, 0, wait_s=10)
    for _ in range(5):
        assert threads.submit(lambda: 7).result(10) == 7


def test_work_that_waited_too_long_is_refused_unstarted() -> None:
    threads, gate = TileThreads(1, 10, wait_s=0.0), _Gate()
    threads.submit(gate).exception(10)  # even this one waited for more than no time at all
    started = threading.Event()
    late = threads.submit(started.set)

    assert isinstance(late.exception(10), TilesBusy)
    assert not started.is_set()


def test_an_abandoned_flight_leaves_no_trace() -> None:
    threads = TileThreads(1, 1, wait_s=10)
    flights, gate = Flights(threads), _Gate()
    running = flights.join("running", gate)
    assert gate.started.wait(10)
    assert flights.join("waiting", gate).cancel()
    gate.opened.set()
    running.result(10)

    assert flights.join("waiting", lambda: b"tile").result(10) == b"tile"
