"""The threads that write what was predicted."""

from __future__ import annotations

import threading

import pytest

from worker.writing import Writer


def test_everything_is_written_in_its_order_when_the_with_ends() -> None:
    written: list[int] = []

    with Writer(written.append, 1) as writer:
        for number in range(20):
            writer.put(number)

    assert written == list(range(20))


def test_who_predicts_faster_than_is_written_waits() -> None:
    begun, may_go_on, written = threading.Semaphore(0), threading.Event(), list[int]()

    def write(number: int) -> None:
        begun.release()
        may_go_on.wait(20)
        written.append(number)

    with Writer(write, 1) as writer:
        writer.put(1)
        writer.put(2)
        assert begun.acquire(timeout=20)
        third = threading.Thread(target=writer.put, args=(3,))
        third.start()
        assert (third.is_alive(), written) == (True, [])
        may_go_on.set()
        third.join(20)
        assert written[0] == 1

    assert written == [1, 2, 3]


def test_several_threads_write_at_a_time() -> None:
    together = threading.Barrier(3)

    with Writer(lambda number: (together.wait(20), None)[1], 3) as writer:
        for number in range(6):
            writer.put(number)

    assert not together.broken


def test_what_went_wrong_is_raised_where_it_is_waited_for() -> None:
    def write(number: int) -> None:
        raise ZeroDivisionError(number)

    with Writer(write, 1) as writer:
        writer.put(1)
        with pytest.raises(ZeroDivisionError):
            writer.finish()


def test_an_error_of_the_one_who_predicts_waits_for_what_is_written() -> None:
    written: list[int] = []

    def fail_behind_it() -> None:
        with Writer(written.append, 1) as writer:
            writer.put(1)
            raise KeyError

    with pytest.raises(KeyError):
        fail_behind_it()
    assert written == [1]
