"""The life of jobs and blocks explored by hypothesis: any order of what workers, callers and faults can do."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select, update

from app import blocks, broker, jobs, workers
from app.blocks import Claim
from app.database import BlockRow, JobBlockRow, JobRow, Sessions, WorkerRow, connect, now_s
from app.jobs import Limits
from tests import samples

LEASE_S = 60.0
ATTEMPTS = 3
WORKERS = 2
BBOX = (3.0, 43.0, 3.1, 43.1)


class Jobs(RuleBasedStateMachine):
    """Two workers, three overlapping areas, a queue of messages that can be lost and doubled."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.sessions = Sessions(connect(f"sqlite:///{shutil.copy(self.template, self.folder / 'cosia.sqlite')}"))
        self.messages: list[tuple[Any, ...]] = []
        self.claims: list[Claim] = []
        self.ends: list[JobRow] = []
        self.published: Counter[str] = Counter()
        self.recalled: Counter[str] = Counter()
        self.terminal: dict[str, tuple[str, int]] = {}
        self.patch = pytest.MonkeyPatch()
        numbers = count()  # ids in the order of asking: what hypothesis replays is the same each time
        self.patch.setattr("app.jobs.submission._new_id", lambda: f"{next(numbers):032x}")
        self.patch.setattr("app.broker.ring", self._send)
        self.patch.setattr("app.broker.waiting", lambda queue: sum(each[3] == queue for each in self.messages))
        with self.sessions.write() as session:
            for number in range(WORKERS):
                workers.register(session, f"w{number}", host="h", device="cpu", queues=("gpu", "cpu"))

    def teardown(self) -> None:
        self.patch.undo()
        self.sessions.engine.dispose()
        shutil.rmtree(self.folder)

    def _send(self, *message: Any) -> bool:
        self.messages.append(message)
        return True

    @rule(columns=st.integers(1, 3), gaps=st.booleans(), priority=st.integers(0, 2))
    def submit(self, columns: int, gaps: bool, priority: int) -> None:
        jobs.submit(
            self.sessions,
            samples.request(columns=columns, inputs={"gaps": gaps}, priority=priority),
            Limits(),
        )

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), times=st.integers(1, 3), lose=st.booleans(), limit=st.integers(1, 2))
    def deliver(self, data: st.DataObject, times: int, lose: bool, limit: int) -> None:
        """A worker hears a message, perhaps more than once; perhaps it dies before."""
        task, job_id, rung_at, queue, priority = self.messages.pop(0)
        if lose:
            return
        heard = [jobs.hear(self.sessions, job_id, rung_at, queue, priority) for _ in range(times)]
        if not any(heard):
            return
        owner = f"w{data.draw(st.integers(0, WORKERS - 1))}"
        with self.sessions.write() as session:
            if task == broker.PREDICT:
                self.claims += jobs.claim_blocks(
                    session, job_id, owner=owner, limit=limit, lease_s=LEASE_S, most_attempts=ATTEMPTS
                )
            else:
                job = jobs.begin_finalizing(session, job_id, most_attempts=ATTEMPTS, lease_s=LEASE_S)
                if job is not None:
                    session.expunge(job)
                    self.ends.append(job)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), how=st.sampled_from(["complete", "complete", "fail", "hand back", "postpone", "die"]))
    def end_block(self, data: st.DataObject, how: str) -> None:
        """A worker, perhaps one that lost its lease long ago, is through with a block."""
        claim = self.claims.pop(data.draw(st.integers(0, len(self.claims) - 1)))
        with self.sessions.write() as session:
            ended: list[str] = []
            if how == "complete" and blocks.complete(
                session, claim, href="a/a.tif", sha256="0" * 64, histogram={}, seconds=1.0
            ):
                self.published[claim.key] += 1
                ended = jobs.block_ended(session, claim.key, BBOX)
            elif how == "fail":
                final = claim.attempts >= ATTEMPTS
                if blocks.fail_attempt(session, claim, "no luck", final=final, wait_s=10) and final:
                    ended = jobs.block_ended(session, claim.key, BBOX, failed=True)
            elif how == "hand back":
                blocks.hand_back(session, claim)
            elif how == "postpone" and blocks.hand_back(session, claim, reason="rain", wait_s=10):
                jobs.postponed(session, self._job_of(session, claim), "rain")
        for job_id in ended:
            jobs.ring(self.sessions, job_id)

    @staticmethod
    def _job_of(session: Any, claim: Claim) -> str:
        return claim.owner.rpartition("/")[2]

    @precondition(lambda self: self.ends)
    @rule(data=st.data(), how=st.sampled_from(["succeed", "fail", "postpone", "die"]))
    def end_job(self, data: st.DataObject, how: str) -> None:
        job = self.ends.pop(data.draw(st.integers(0, len(self.ends) - 1)))
        with self.sessions.write() as session:
            if how == "succeed":
                jobs.succeed(session, job.id, {"classes": "x"}, fence=job.fence)
            elif how == "fail":
                jobs.fail_finalizing(session, job, "no luck", most_attempts=ATTEMPTS)
            elif how == "postpone":
                jobs.postpone_finalizing(session, job, "rain")

    @rule(data=st.data())
    def dismiss(self, data: st.DataObject) -> None:
        with self.sessions.read() as session:
            active = session.scalars(select(JobRow.id).where(JobRow.status.in_(jobs.ACTIVE)).order_by(JobRow.id)).all()
        if active:
            jobs.dismiss(self.sessions, data.draw(st.sampled_from(active)))

    @precondition(lambda self: self.published)
    @rule(data=st.data())
    def damage(self, data: st.DataObject) -> None:
        """A file of a block is found damaged."""
        key = data.draw(st.sampled_from(sorted(self.published)))
        with self.sessions.read() as session:
            done = session.get_one(BlockRow, key).status == "done"
        if done:
            jobs.damaged(self.sessions, [key])
            self.recalled[key] += 1

    @rule()
    def time_passes(self) -> None:
        """A minute: leases run out, waits are over, bells grow old."""
        with self.sessions.write() as session:
            minute = 61.0
            session.execute(update(BlockRow).values(lease_until=BlockRow.lease_until - minute))
            session.execute(update(BlockRow).values(retry_at=BlockRow.retry_at - minute))
            session.execute(
                update(JobRow).values(lease_until=JobRow.lease_until - minute, rung_at=JobRow.rung_at - minute)
            )

    @rule()
    def clock_is_set_back(self) -> None:
        with self.sessions.write() as session:
            session.execute(update(BlockRow).where(BlockRow.status == "claimed").values(lease_until=now_s() + 7200))
            session.execute(update(JobRow).values(rung_at=JobRow.rung_at + 7200))

    @rule()
    def sweep(self) -> None:
        self._keep_workers_alive()
        jobs.sweep(self.sessions)

    @rule()
    def broker_forgets(self) -> None:
        self.messages.clear()

    def _keep_workers_alive(self) -> None:
        with self.sessions.write() as session:
            session.execute(update(WorkerRow).values(seen_at=now_s()))

    @invariant()
    def no_terminal_state_is_left(self) -> None:
        with self.sessions.read() as session:
            ended = session.scalars(select(JobRow).where(JobRow.status.in_(jobs.TERMINAL))).all()
            now = {job.id: (job.status, job.last_event) for job in ended}
        assert self.terminal.items() <= now.items()
        self.terminal = now

    @invariant()
    def counters_are_the_sums_over_the_rows(self) -> None:
        with self.sessions.read() as session:
            for job in session.scalars(select(JobRow).where(JobRow.status.in_(jobs.ACTIVE), JobRow.lease_until == 0)):
                rows = session.execute(
                    select(BlockRow.status, JobBlockRow.ended)
                    .join(JobBlockRow, JobBlockRow.block_key == BlockRow.key)
                    .where(JobBlockRow.job_id == job.id)
                ).all()
                statuses = Counter(status for status, _ in rows)
                assert (job.blocks_total, job.blocks_done, job.blocks_failed) == (
                    len(rows),
                    statuses["done"],
                    statuses["failed"],
                )
                assert sum(ended for _, ended in rows) == statuses["done"] + statuses["failed"]

    @invariant()
    def a_block_is_published_once(self) -> None:
        with self.sessions.read() as session:
            done = set(session.scalars(select(BlockRow.key).where(BlockRow.status == "done")))
        for key, times in self.published.items():
            assert times == self.recalled[key] + (1 if key in done else 0)

    @invariant()
    def bells_are_bounded(self) -> None:
        with self.sessions.read() as session:
            for job in session.scalars(select(JobRow)):
                assert 0 <= job.bells <= WORKERS

    @invariant()
    def events_are_numbered_without_gaps(self) -> None:
        with self.sessions.read() as session:
            for job in session.scalars(select(JobRow)):
                numbers = [event.id for event in jobs.events_since(session, job.id, 0)]
                assert numbers == list(range(1, job.last_event + 1))


class JobsThatEnd(Jobs):
    """As above; at the end the weather is fine, workers are well, and every job comes to its end."""

    def teardown(self) -> None:
        try:
            self._finish()
        finally:
            super().teardown()

    def _finish(self) -> None:
        for _ in range(200):
            if not self._active():
                return
            self.time_passes()
            self._heal()
            self.sweep()
            while self.messages:
                self._work(self.messages.pop(0))
        raise AssertionError("a job did not come to its end")

    def _active(self) -> bool:
        with self.sessions.read() as session:
            return session.scalar(select(JobRow.id).where(JobRow.status.in_(jobs.ACTIVE)).limit(1)) is not None

    def _heal(self) -> None:
        """A clock that was set back an hour ago has caught up."""
        with self.sessions.write() as session:
            session.execute(update(JobRow).where(JobRow.rung_at > now_s()).values(rung_at=now_s() - 60))

    def _work(self, message: tuple[Any, ...]) -> None:
        task, job_id, *rung = message
        if not jobs.hear(self.sessions, job_id, *rung):
            return
        if task == broker.FINALIZE:
            with self.sessions.write() as session:
                job = jobs.begin_finalizing(session, job_id, most_attempts=ATTEMPTS, lease_s=LEASE_S)
                if job is not None:
                    jobs.succeed(session, job_id, {}, fence=job.fence)
            return
        with self.sessions.write() as session:
            claims = jobs.claim_blocks(session, job_id, owner="w0", limit=2, lease_s=LEASE_S, most_attempts=ATTEMPTS)
        for claim in claims:
            with self.sessions.write() as session:
                if blocks.complete(session, claim, href="a/a.tif", sha256="0" * 64, histogram={}, seconds=1.0):
                    self.published[claim.key] += 1
                    complete = jobs.block_ended(session, claim.key, BBOX)
            for each in complete:
                jobs.ring(self.sessions, each)
        jobs.ring(self.sessions, job_id)


def test_nothing_that_can_happen_to_jobs_breaks_what_is_promised(migrated_sqlite: Path) -> None:
    JobsThatEnd.template = migrated_sqlite
    run_state_machine_as_test(
        JobsThatEnd,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
