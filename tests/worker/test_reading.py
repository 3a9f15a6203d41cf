"""The threads that read what is predicted next."""

from __future__ import annotations

import threading

import pytest

from worker.reading import ReadAhead


def test_items_come_in_their_order_with_what_was_read() -> None:
    with ReadAhead(lambda number: number * 10, threads=3) as reading:
        found = [(number, read.result()) for number, read in reading.each(range(20))]

    assert found == [(number, number * 10) for number in range(20)]


def test_no_more_is_read_ahead_than_two_for_each_thread() -> None:
    begun = threading.Semaphore(0)
    read: list[int] = []

    def note(number: int) -> None:
        read.append(number)
        begun.release()

    with ReadAhead(note, threads=2) as reading:
        items = reading.each(range(20))
        next(items)
        assert all(begun.acquire(timeout=20) for _ in range(5))
        # The one at hand and four ahead; the sixth is asked for with the next item.
        assert sorted(read) == [0, 1, 2, 3, 4]


def test_several_threads_read_at_a_time() -> None:
    together = threading.Barrier(3)

    with ReadAhead(lambda number: together.wait(20), threads=3) as reading:
        for _, read in reading.each(range(6)):
            read.result()

    assert not together.broken


def test_what_cannot_be_read_is_said_where_it_is_wanted() -> None:
    def fail(number: int) -> None:
        raise ZeroDivisionError(number)

    with ReadAhead(fail, threads=1) as reading:
        for _, read in reading.each(range(3)):
            with pytest.raises(ZeroDivisionError):
                read.result()


def test_what_was_not_begun_is_not_read_after_an_error() -> None:
    read: list[int] = []
    first_is_read, may_go_on = threading.Event(), threading.Event()

    def note(number: int) -> None:
        read.append(number)
        first_is_read.set()
        may_go_on.wait(20)

    def fail() -> None:
        with ReadAhead(note, threads=1) as reading:
            next(reading.each(range(20)))
            first_is_read.wait(20)
            threading.Timer(0.05, may_go_on.set).start()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert read == [0]
