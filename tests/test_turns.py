"""How jobs share workers, on both databases: sizes of batches, and turns. A batch takes one beat of a clock of ours."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from app import blocks, broker, jobs, workers
from app.blocks import Claim
from app.database import JobRow, Sessions
from app.definitions import Augmentation, BlockCell
from app.jobs import Limits
from tests import samples

BATCH_S = 10.0
LEASE_S = 60.0


@pytest.fixture(autouse=True)
def messages(monkeypatch: pytest.MonkeyPatch) -> deque[tuple[Any, ...]]:
    """What is on its way, the oldest first."""
    queue: deque[tuple[Any, ...]] = deque()
    monkeypatch.setattr("app.broker.ring", lambda *message: queue.append(message) or True)
    return queue


def start_workers(sessions: Sessions, count: int) -> None:
    with sessions.write() as session:
        for number in range(count):
            workers.register(session, f"w{number}", host="h", device="cpu", queues=("gpu", "cpu"))


def submit(sessions: Sessions, **changes: object) -> JobRow:
    return jobs.submit(sessions, samples.request(**changes), Limits())


def size(sessions: Sessions, job: JobRow, pace_s: float | None, **fetch_seconds: float) -> int:
    paces = {} if pace_s is None else {"tiny": pace_s}
    times = {"batch_s": BATCH_S, "lease_s": LEASE_S}
    with sessions.read() as session:
        return jobs.batch_size(session, job.id, seconds_per_block=paces, fetch_seconds=fetch_seconds, **times)


@pytest.mark.parametrize(
    ("pace_s", "blocks_at_a_time"), [(None, 1), (30.0, 1), (6.0, 1), (5.0, 2), (2.0, 5), (0.1, 64)]
)
def test_a_batch_holds_what_this_worker_predicts_in_its_time(
    sessions: Sessions, pace_s: float | None, blocks_at_a_time: int
) -> None:
    start_workers(sessions, 1)

    assert size(sessions, submit(sessions, columns=10, rows=10), pace_s) == blocks_at_a_time


def test_a_batch_holds_what_a_map_server_gives_in_its_time_where_that_is_less(sessions: Sessions) -> None:
    start_workers(sessions, 1)
    job = submit(sessions, columns=10, rows=10, source=samples.source(id="remote"))

    assert size(sessions, job, 1.0, remote=5.0) == 2  # ten seconds
    assert size(sessions, job, 1.0, remote=0.1) == 10
    assert size(sessions, job, 1.0, other=5.0) == 10


def test_a_batch_of_what_was_never_measured_holds_what_its_parts_let_expect(sessions: Sessions) -> None:
    start_workers(sessions, 1)
    job = submit(sessions, columns=10, rows=10, ensemble=samples.ensemble(augmentation=Augmentation.FLIPS))

    assert size(sessions, job, 0.5) == 5  # four passes of half a second each, in ten seconds


def test_a_batch_leaves_their_share_to_the_other_workers(sessions: Sessions) -> None:
    start_workers(sessions, 4)

    assert size(sessions, submit(sessions, columns=9), 0.1) == 3  # nine blocks for four
    assert size(sessions, submit(sessions, columns=2), 0.1) == 1


class Fleet:
    """Workers that take a message each, work for one beat, and then ring for what comes next."""

    def __init__(self, sessions: Sessions, messages: deque[tuple[Any, ...]], count: int, *, pace_s: float) -> None:
        start_workers(sessions, count)
        self._sessions = sessions
        self._messages = messages
        self._pace_s = pace_s
        self._busy: dict[int, tuple[str, list[Claim]]] = {}
        self._latest_queue: dict[int, str] = {}
        self._count = count

    def beat(self) -> None:
        """Batches at hand end; whoever is idle takes a message."""
        for job_id, claims in list(self._busy.values()):
            self._end(job_id, claims)
        self._busy.clear()
        for number in range(self._count):
            while self._messages and number not in self._busy:
                self._take(number, *self._next(number))

    def _next(self, number: int) -> tuple[Any, ...]:
        """As Kombu does on Redis: the most urgent, then the other queue than the last time, then the oldest."""
        latest = self._latest_queue.get(number)
        found = min(self._messages, key=lambda each: (each[4], each[3] == latest))
        self._messages.remove(found)
        self._latest_queue[number] = found[3]
        return found

    def _take(self, number: int, task: str, job_id: str, rung_at: float, queue: str, priority: int) -> None:
        if not jobs.hear(self._sessions, job_id, rung_at, queue, priority):
            return
        with self._sessions.write() as session:
            if task == broker.FINALIZE:
                jobs.begin_finalizing(session, job_id, most_attempts=3, lease_s=LEASE_S)
                jobs.succeed(session, job_id, {})
                return
            limit = jobs.batch_size(
                session,
                job_id,
                seconds_per_block={"tiny": self._pace_s},
                fetch_seconds={},
                batch_s=BATCH_S,
                lease_s=LEASE_S,
            )
            claims = jobs.claim_blocks(
                session, job_id, owner=f"w{number}", limit=limit, lease_s=LEASE_S, most_attempts=3
            )
        self._busy[number] = (job_id, claims)

    def _end(self, job_id: str, claims: list[Claim]) -> None:
        complete = [job_id]
        with self._sessions.write() as session:
            for claim in claims:
                blocks.complete(session, claim, href="a/a.tif", sha256="0" * 64, histogram={}, seconds=1.0)
                complete += jobs.block_ended(session, claim.key, (3.0, 43.0, 3.1, 43.1))
        for each in complete:
            jobs.ring(self._sessions, each)


def beats_until_done(sessions: Sessions, fleet: Fleet, job: JobRow) -> int:
    for beat in range(1, 60):
        fleet.beat()
        with sessions.read() as session:
            if jobs.get(session, job.id).status == "successful":
                return beat
    raise AssertionError("not done")


@pytest.mark.parametrize("count", [1, 4])
def test_a_job_of_one_block_behind_one_of_500_is_done_within_two_batches(
    sessions: Sessions, messages: deque[tuple[Any, ...]], count: int
) -> None:
    fleet = Fleet(sessions, messages, count, pace_s=0.5)
    large = submit(sessions, columns=25, rows=20)
    fleet.beat()  # every worker has a batch of the large one in hand
    small = submit(sessions, cells=[BlockCell(1700, 13900)])

    assert beats_until_done(sessions, fleet, small) <= 2
    with sessions.read() as session:
        assert jobs.progress(session, large.id).done < 500


def test_the_large_job_is_not_starved_by_a_stream_of_small_ones(
    sessions: Sessions, messages: deque[tuple[Any, ...]]
) -> None:
    fleet = Fleet(sessions, messages, 1, pace_s=0.5)
    large = submit(sessions, columns=10, rows=4)
    for number in range(3):
        submit(sessions, cells=[BlockCell(1700 + number, 13900)])

    for _ in range(8):
        fleet.beat()
        submit(sessions, cells=[BlockCell(1700, 13901 + len(messages))])

    with sessions.read() as session:
        assert jobs.progress(session, large.id).done >= 40


def test_an_urgent_job_goes_before_all_that_wait(sessions: Sessions, messages: deque[tuple[Any, ...]]) -> None:
    fleet = Fleet(sessions, messages, 1, pace_s=10.0)
    for number in range(5):
        submit(sessions, cells=[BlockCell(1700 + number, 13900)])
    urgent = submit(sessions, cells=[BlockCell(1800, 13900)], priority=0)

    assert beats_until_done(sessions, fleet, urgent) <= 2
