"""Bells, on both databases: as many as are of use, none twice, and rung anew only when they are lost."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import pytest
from sqlalchemy import update

from app import blocks, broker, jobs, workers
from app.blocks import Claim
from app.database import BlockRow, JobRow, Sessions, WorkerRow, now_s
from tests import samples


class Bell(NamedTuple):
    task: str
    job_id: str
    rung_at: float
    queue: str
    priority: int


class Broker:
    """Messages on their way, in the order in which they were sent."""

    def __init__(self) -> None:
        self.messages: deque[Bell] = deque()
        self.away = False

    def ring(self, *message: object) -> bool:
        if not self.away:
            self.messages.append(Bell(*message))  # type: ignore[arg-type]  # as app.broker.ring takes them
        return not self.away

    def waiting(self, queue: str) -> int | None:
        return None if self.away else sum(bell.queue == queue for bell in self.messages)

    def of(self, job: JobRow) -> int:
        return sum(bell.job_id == job.id for bell in self.messages)


@pytest.fixture(autouse=True)
def post(monkeypatch: pytest.MonkeyPatch) -> Broker:
    stand_in = Broker()
    monkeypatch.setattr("app.broker.ring", stand_in.ring)
    monkeypatch.setattr("app.broker.waiting", stand_in.waiting)
    return stand_in


def start_workers(sessions: Sessions, count: int) -> None:
    with sessions.write() as session:
        for number in range(count):
            workers.register(session, f"w{number}", host="h", device="cpu", queues=("gpu", "cpu"))


def submit(sessions: Sessions, **changes: object) -> JobRow:
    return jobs.submit(sessions, samples.request(**changes), samples.LIMITS)


def hear(sessions: Sessions, bell: Bell) -> bool:
    return jobs.hear(sessions, *bell[1:])


def claim(sessions: Sessions, job: JobRow, *, owner: str = "a", limit: int = 1) -> list[Claim]:
    with sessions.write() as session:
        return jobs.claim_blocks(session, job.id, owner=owner, limit=limit, lease_s=60, most_attempts=3)


def complete(sessions: Sessions, claims: list[Claim]) -> None:
    for each in claims:
        with sessions.write() as session:
            blocks.complete(session, each, href="a/a.tif", sha256="0" * 64, histogram={}, seconds=2.0)
            jobs.block_ended(session, each.key, (3.0, 43.0, 3.1, 43.1))


def later(sessions: Sessions, seconds: float = 60) -> None:
    """As if so much time had passed since the last bell of every job."""
    with sessions.write() as session:
        session.execute(update(JobRow).values(rung_at=JobRow.rung_at - seconds))


def sweep(sessions: Sessions) -> list[str]:
    return jobs.sweep(sessions).jobs_rung


def bells_of(sessions: Sessions, job: JobRow) -> int:
    with sessions.read() as session:
        return jobs.get(session, job.id).bells


def test_a_job_is_rung_once_for_each_worker_up_to_its_window(sessions: Sessions, post: Broker) -> None:
    start_workers(sessions, 3)
    assert post.of(submit(sessions, columns=9)) == 3
    start_workers_more = 3
    with sessions.write() as session:
        for number in range(start_workers_more):
            workers.register(session, f"more{number}", host="h", device="cpu", queues=("gpu",))

    assert post.of(submit(sessions, columns=9)) == 4  # batches_in_flight


def test_a_job_is_not_rung_more_often_than_it_has_blocks(sessions: Sessions, post: Broker) -> None:
    start_workers(sessions, 4)

    assert post.of(submit(sessions, columns=2)) == 2


def test_a_job_without_any_worker_is_rung_once_for_the_one_that_will_come(sessions: Sessions, post: Broker) -> None:
    assert post.of(submit(sessions, columns=9)) == 1


def test_a_running_batch_takes_the_place_of_a_bell(sessions: Sessions, post: Broker) -> None:
    start_workers(sessions, 2)
    job = submit(sessions, columns=9)
    for owner in ("a", "b"):
        assert hear(sessions, post.messages.popleft())
        claim(sessions, job, owner=owner)

    jobs.ring(sessions, job.id)
    assert post.of(job) == 0

    with sessions.write() as session:
        session.execute(update(BlockRow).where(BlockRow.owner.startswith("a")).values(status="waiting", owner=None))
    jobs.ring(sessions, job.id)
    assert post.of(job) == 1


def test_a_batch_of_another_job_takes_no_bell_from_one_that_shares_its_blocks(sessions: Sessions, post: Broker) -> None:
    first = submit(sessions)
    hear(sessions, post.messages.popleft())
    claim(sessions, first)

    assert post.of(submit(sessions, columns=2)) == 1


def test_the_same_bell_heard_ten_times_is_answered_once(sessions: Sessions, post: Broker) -> None:
    submit(sessions)
    bell = post.messages[0]

    assert [hear(sessions, bell) for _ in range(10)] == [True] + [False] * 9


def test_bells_of_blocks_are_not_heard_once_the_job_waits_for_none(sessions: Sessions, post: Broker) -> None:
    start_workers(sessions, 2)
    job = submit(sessions, columns=2)
    first, second = post.messages
    post.messages.clear()
    hear(sessions, first)
    complete(sessions, claim(sessions, job, limit=2))
    jobs.ring(sessions, job.id)
    (end,) = post.messages

    assert end.task == broker.FINALIZE
    assert not hear(sessions, second)
    assert hear(sessions, end)


def test_a_bell_that_waits_its_turn_is_not_rung_again(sessions: Sessions, post: Broker) -> None:
    for _ in range(3):
        submit(sessions)
    later(sessions, 3600)

    assert sweep(sessions) == []
    assert len(post.messages) == 3


def test_bells_are_rung_again_when_the_queue_is_empty(sessions: Sessions, post: Broker) -> None:
    asked = [submit(sessions) for _ in range(3)]
    post.messages.clear()  # a broker that came back with nothing
    assert sweep(sessions) == []  # too young to be lost

    later(sessions)
    assert sweep(sessions) == [job.id for job in asked]
    assert [bell.job_id for bell in post.messages] == [job.id for job in asked]
    assert [bells_of(sessions, job) for job in asked] == [1, 1, 1]


def test_a_bell_that_a_later_one_overtook_is_lost(sessions: Sessions, post: Broker) -> None:
    lost, heard, waiting = submit(sessions, columns=2), submit(sessions), submit(sessions)
    post.messages.popleft()
    later(sessions, 3600)
    with sessions.write() as session:  # the other two were rung half an hour later
        session.execute(update(JobRow).where(JobRow.id != lost.id).values(rung_at=JobRow.rung_at + 1800))
        bell = post.messages.popleft()._replace(rung_at=jobs.get(session, heard.id).rung_at)
    hear(sessions, bell)
    claim(sessions, heard)

    assert sweep(sessions) == [lost.id]
    assert post.of(waiting) == 1


def test_an_urgent_bell_does_not_overtake_a_normal_one(sessions: Sessions, post: Broker) -> None:
    job, urgent = submit(sessions), submit(sessions, priority=0)
    later(sessions, 3600)
    bell = next(each for each in post.messages if each.job_id == urgent.id)
    post.messages.remove(bell)
    hear(sessions, bell)
    claim(sessions, urgent)

    assert sweep(sessions) == []
    assert post.of(job) == 1


def test_a_broker_that_is_away_leaves_no_bell_counted(sessions: Sessions, post: Broker) -> None:
    post.away = True
    job = submit(sessions)
    assert bells_of(sessions, job) == 0
    later(sessions)
    assert sweep(sessions) == []  # nor is each job tried while it is

    post.away = False
    assert sweep(sessions) == [job.id]


def test_a_job_whose_worker_was_lost_is_rung_when_its_lease_is_over(sessions: Sessions, post: Broker) -> None:
    job = submit(sessions)
    hear(sessions, post.messages.popleft())
    claim(sessions, job)
    later(sessions)
    assert sweep(sessions) == []

    with sessions.write() as session:
        session.execute(update(BlockRow).values(lease_until=now_s() - 1))
    assert sweep(sessions) == [job.id]


def test_a_job_whose_blocks_wait_for_better_weather_is_rung_when_it_is_time(sessions: Sessions, post: Broker) -> None:
    job = submit(sessions)
    hear(sessions, post.messages.popleft())
    with sessions.write() as session:
        session.execute(update(BlockRow).values(retry_at=now_s() + 60))
    later(sessions)
    jobs.ring(sessions, job.id)
    assert sweep(sessions) == []

    with sessions.write() as session:
        session.execute(update(BlockRow).values(retry_at=now_s() - 1))
    assert sweep(sessions) == [job.id]


def test_a_block_that_was_lost_too_often_ends_its_job_in_the_same_round(sessions: Sessions, post: Broker) -> None:
    job = submit(sessions)
    hear(sessions, post.messages.popleft())
    claim(sessions, job)
    with sessions.write() as session:
        session.execute(update(BlockRow).values(lease_until=0.0, attempts=3))

    swept = jobs.sweep(sessions)

    assert (len(swept.blocks_failed), swept.jobs_rung) == (1, [job.id])
    assert [bell.task for bell in post.messages] == [broker.FINALIZE]


def test_a_job_that_shares_its_only_block_with_another_s_worker_waits_for_it(sessions: Sessions, post: Broker) -> None:
    first, second = submit(sessions), submit(sessions)
    for bell in list(post.messages):
        hear(sessions, bell)
    post.messages.clear()
    held = claim(sessions, first)
    later(sessions)
    assert sweep(sessions) == []

    complete(sessions, held)
    assert sweep(sessions) == [first.id, second.id]


def test_a_clock_that_was_set_back_silences_no_bell(sessions: Sessions, post: Broker) -> None:
    job = submit(sessions)
    hear(sessions, post.messages.popleft()._replace(rung_at=jobs_time(sessions) + 7200))
    with sessions.write() as session:  # rung two hours from now, and never heard
        session.execute(update(JobRow).values(rung_at=now_s() + 7200, bells=1))

    assert sweep(sessions) == [job.id]


def jobs_time(sessions: Sessions) -> float:
    with sessions.read() as session:
        return session.scalar(now_s().select()) or 0.0


def test_nobody_is_rung_for_a_job_that_has_ended(sessions: Sessions, post: Broker) -> None:
    job = submit(sessions)
    bell = post.messages.popleft()
    jobs.dismiss(sessions, job.id)

    assert jobs.ring(sessions, job.id) == 0
    assert not hear(sessions, bell)


def test_workers_that_are_gone_are_not_rung_for(sessions: Sessions, post: Broker) -> None:
    start_workers(sessions, 3)
    with sessions.write() as session:
        session.execute(update(WorkerRow).where(WorkerRow.id != "w0").values(seen_at=now_s() - 60))

    assert post.of(submit(sessions, columns=9)) == 1
