"""A job in the hands of a worker, on both databases."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from sqlalchemy import update

from app import jobs
from app.database import JobRow, Sessions
from tests import samples
from worker.leases import JobLease


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def begin(sessions: Sessions, job_id: str, *, lease_s: float) -> JobRow | None:
    with sessions.write() as session:
        return jobs.begin_finalizing(session, job_id, most_attempts=9, lease_s=lease_s)


@pytest.fixture
def job(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> JobRow:
    """Held by this worker for a tenth of a second."""
    monkeypatch.setattr("app.broker.ring", lambda *_: True)
    asked = jobs.submit_count(sessions, samples.count(), samples.LIMITS)
    held = begin(sessions, asked.id, lease_s=0.1)
    assert held is not None
    return held


def lease_until(sessions: Sessions, job: JobRow) -> float:
    with sessions.read() as session:
        return jobs.get(session, job.id).lease_until


def test_a_held_job_stays_held_beyond_its_first_lease(sessions: Sessions, job: JobRow) -> None:
    at_first = job.lease_until

    with JobLease(sessions, job, lease_s=0.3, most_s=60.0) as lease:
        wait_until(lambda: lease_until(sessions, job) > at_first)
        assert lease.lost is False


@pytest.mark.parametrize("how", ["dismissed", "in other hands"])
def test_a_worker_learns_that_it_lost_the_job(sessions: Sessions, job: JobRow, how: str) -> None:
    with JobLease(sessions, job, lease_s=0.1, most_s=60.0) as lease:
        if how == "dismissed":
            jobs.dismiss(sessions, job.id)
        else:
            with sessions.write() as session:
                session.execute(update(JobRow).values(fence=JobRow.fence + 1))
        wait_until(lambda: lease.lost)


def test_a_worker_that_hangs_loses_the_job(sessions: Sessions, job: JobRow) -> None:
    with JobLease(sessions, job, lease_s=0.1, most_s=0.1):
        wait_until(lambda: begin(sessions, job.id, lease_s=60.0) is not None)
