"""Limits of an owner and of the queue: never passed by one, given back, and honest about when to come back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from app import jobs, workers
from app.access import Caller
from app.database import JobRow, Sessions
from app.errors import AoiTooLarge, CosiaError, LimitReached, QueueFull
from app.jobs import Limits
from app.settings import Settings
from tests import samples

BLOCK_M2 = samples.request().area_m2  # a block but for 1 m on each side: 166 137 m²


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.broker.ring", lambda *_, **__: None)


def submit(sessions: Sessions, limits: Limits, **changes: Any) -> JobRow:
    return jobs.submit(sessions, samples.request(**changes), limits)


def refused(sessions: Sessions, limits: Limits, **changes: Any) -> CosiaError:
    with pytest.raises(CosiaError) as raised:
        submit(sessions, limits, **changes)
    return raised.value


def age(sessions: Sessions, job: JobRow, seconds: float) -> None:
    """As if the job had been asked for that much earlier."""
    with sessions.write() as session:
        session.execute(update(JobRow).where(JobRow.id == job.id).values(created_at=JobRow.created_at - seconds))


def test_of_fifty_requests_at_once_exactly_five_are_accepted(sessions: Sessions) -> None:
    limits = Limits(active_jobs=5)

    def accepted(_: int) -> bool:
        try:
            submit(sessions, limits)
        except LimitReached:
            return False
        return True

    with ThreadPoolExecutor(8) as senders:
        assert sum(senders.map(accepted, range(50))) == 5


def test_of_many_requests_at_once_no_more_area_is_accepted_than_the_day_allows(sessions: Sessions) -> None:
    limits = Limits(km2_per_day=3.5 * BLOCK_M2 / 1e6)

    def accepted(n: int) -> bool:
        try:
            submit(sessions, limits, owner="key:town", idempotency_key=str(n))
        except LimitReached:
            return False
        return True

    with ThreadPoolExecutor(8) as senders:
        assert sum(senders.map(accepted, range(20))) == 3


def test_of_many_requests_at_once_the_queue_takes_what_it_holds(sessions: Sessions) -> None:
    limits = Limits(queue_length=7)

    def accepted(n: int) -> bool:
        try:
            submit(sessions, limits, columns=2, owner=f"key:{n}")
        except QueueFull:
            return False
        return True

    with ThreadPoolExecutor(8) as senders:
        assert sum(senders.map(accepted, range(12))) == 3


def test_area_that_fits_to_the_square_metre_is_accepted(sessions: Sessions) -> None:
    limits = Limits(km2_per_day=2 * BLOCK_M2 / 1e6)

    submit(sessions, limits)
    submit(sessions, limits)

    error = refused(sessions, limits)
    assert isinstance(error, LimitReached)
    assert "you have asked for 0.33 km² in the last 24 hours and this is 0.17 km² more" in error.message
    assert "the limit is 0.332" in error.message


@pytest.mark.parametrize("ends", ["dismissed", "failed"])
def test_a_job_that_ends_without_a_result_gives_its_area_and_its_place_back(sessions: Sessions, ends: str) -> None:
    limits = Limits(active_jobs=1, km2_per_day=BLOCK_M2 / 1e6)
    job = submit(sessions, limits)
    assert "limit is 1:" in refused(sessions, limits).message

    if ends == "dismissed":
        jobs.dismiss(sessions, job.id)
    else:
        with sessions.write() as session:
            jobs.fail(session, job.id, "no reason")

    assert submit(sessions, limits).status == "accepted"


def test_a_successful_job_keeps_its_area_for_a_day(sessions: Sessions) -> None:
    limits = Limits(km2_per_day=BLOCK_M2 / 1e6)
    job = submit(sessions, limits)
    with sessions.write() as session:
        jobs.succeed(session, job.id, {})

    age(sessions, job, 86_000)
    error = refused(sessions, limits)
    assert isinstance(error, LimitReached)
    assert 395 <= error.retry_after_s <= 400  # 86 400 s less 86 000 s, and what this test took

    age(sessions, job, 400)
    assert submit(sessions, limits).status == "accepted"


def test_one_is_told_to_come_back_when_enough_area_is_given_back(sessions: Sessions) -> None:
    limits = Limits(km2_per_day=3.2 * BLOCK_M2 / 1e6)
    for hours in (20, 10, 5):
        age(sessions, submit(sessions, limits), hours * 3600)

    one = refused(sessions, limits)
    two = refused(sessions, limits, columns=2)

    assert isinstance(one, LimitReached)
    assert isinstance(two, LimitReached)
    assert 4 * 3600 - 60 <= one.retry_after_s <= 4 * 3600  # the first is a day old then
    assert 14 * 3600 - 60 <= two.retry_after_s <= 14 * 3600


def test_an_area_that_never_fits_into_a_day_is_too_large_not_too_early(sessions: Sessions) -> None:
    error = refused(sessions, Limits(km2_per_day=0.1))

    assert isinstance(error, AoiTooLarge)
    assert "you may ask for 0.1 km² in 24 hours" in error.message


def test_one_is_told_to_come_back_when_the_shortest_job_ends(sessions: Sessions) -> None:
    limits = Limits(active_jobs=2)
    submit(sessions, limits, columns=3, rows=3)
    submit(sessions, limits)
    unknown = refused(sessions, limits)
    with sessions.write() as session:
        workers.register(session, "w", host="h", device="cpu", queues=["gpu", "cpu"])
        workers.beat(session, "w", seconds_per_block={"tiny": 20.0}, tallies={}, out_of_service=None)

    known = refused(sessions, limits)

    assert isinstance(unknown, LimitReached)
    assert isinstance(known, LimitReached)
    assert unknown.retry_after_s == 30  # nobody works
    assert known.retry_after_s == 40  # its own block, and one of the larger job in turn: 2 × 20 s


def test_a_full_queue_says_when_there_is_room(sessions: Sessions) -> None:
    limits = Limits(queue_length=4)
    submit(sessions, limits, columns=4)
    with sessions.write() as session:
        workers.register(session, "w", host="h", device="cpu", queues=["gpu", "cpu"])
        workers.beat(session, "w", seconds_per_block={"tiny": 20.0}, tallies={}, out_of_service=None)

    error = refused(sessions, limits, columns=3)

    assert isinstance(error, QueueFull)
    assert "the queue holds 4 blocks of at most 4, and this would add 3" in error.message
    assert error.retry_after_s == 60  # three blocks of 20 s


def test_blocks_that_are_there_already_need_no_room_in_the_queue(sessions: Sessions) -> None:
    first = submit(sessions, Limits())
    with sessions.write() as session:
        (claimed,) = jobs.claim_blocks(session, first.id, owner="a", limit=1, lease_s=60, most_attempts=3)
    from app import blocks

    with sessions.write() as session:
        assert blocks.complete(session, claimed, href="h", sha256="0" * 64, histogram={}, seconds=1.0)

    assert submit(sessions, Limits(queue_length=1)).blocks_reused == 1


def test_jobs_that_count_take_a_place_and_no_area(sessions: Sessions) -> None:
    limits = Limits(active_jobs=2, km2_per_day=BLOCK_M2 / 1e6)
    jobs.submit_count(sessions, samples.count(), limits)
    submit(sessions, limits)

    with pytest.raises(LimitReached, match="limit is 2"):
        jobs.submit_count(sessions, samples.count(), limits)
    with sessions.read() as session:
        used = jobs.usage(session, "address:127.0.0.1")
    assert (used.active_jobs, used.area_m2) == (2, pytest.approx(BLOCK_M2))


def test_a_refused_request_leaves_nothing_behind_and_an_old_key_finds_its_job_even_then(sessions: Sessions) -> None:
    limits = Limits(active_jobs=1)
    job = submit(sessions, limits, idempotency_key="k")

    assert submit(sessions, limits, idempotency_key="k").id == job.id
    refused(sessions, limits)
    with sessions.read() as session:
        assert jobs.usage(session, job.owner).active_jobs == 1


def test_limits_are_those_of_everybody_of_the_key_or_none_for_an_operator() -> None:
    settings = Settings(active_jobs=5, km2_per_day=10, queue_length=100)

    assert jobs.limits_of(Caller("address:192.0.2.1"), settings) == Limits(5, 100, 10)
    assert jobs.limits_of(Caller("key:town", active_jobs=50), settings) == Limits(50, 100, 10)
    assert jobs.limits_of(Caller("key:town", km2_per_day=2.5), settings) == Limits(5, 100, 2.5)
    assert jobs.limits_of(Caller("key:operations", operator=True), settings) == Limits()


def test_each_owner_has_limits_of_its_own(sessions: Sessions) -> None:
    limits = replace(samples.LIMITS, active_jobs=1)

    submit(sessions, limits, owner="key:a")
    submit(sessions, limits, owner="key:b")

    refused(sessions, limits, owner="key:a")
