"""The life of a job, on both databases: submission, limits, events, ends, sweeps."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import func, select, text, update

from app import blocks, broker, jobs
from app.blocks import Claim
from app.database import BlockRow, JobRow, Sessions
from app.errors import Conflict, JobUnknown, LimitReached, QueueFull, Unavailable
from tests import samples


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What was rung: the bell itself is tried in test_broker."""
    bells: list[tuple[str, str]] = []
    monkeypatch.setattr("app.broker.ring", lambda task, job_id, *_: bells.append((task, job_id)) or True)
    monkeypatch.setattr("app.broker.waiting", lambda _: 1)
    return bells


pytestmark = pytest.mark.usefixtures("rung")


def submit(sessions: Sessions, **changes: object) -> JobRow:
    return jobs.submit(sessions, samples.request(**changes), samples.LIMITS)  # type: ignore[arg-type]  # forwarded


def claim(sessions: Sessions, job_id: str, *, limit: int = 10) -> list[Claim]:
    with sessions.write() as session:
        return jobs.claim_blocks(session, job_id, owner="a", limit=limit, lease_s=60, most_attempts=3)


def complete(sessions: Sessions, claimed: Claim) -> list[str]:
    with sessions.write() as session:
        blocks.complete(session, claimed, href="blocks/aa/a.tif", sha256="0" * 64, histogram={}, seconds=2.0)
        return jobs.block_ended(session, claimed.key, (3.0, 43.0, 3.1, 43.1))


def fail_block(sessions: Sessions, claimed: Claim, reason: str) -> list[str]:
    with sessions.write() as session:
        blocks.fail_attempt(session, claimed, reason, final=True)
        return jobs.block_ended(session, claimed.key, (3.0, 43.0, 3.1, 43.1), failed=True)


def status(sessions: Sessions, job_id: str) -> str:
    with sessions.read() as session:
        return jobs.get(session, job_id).status


def kinds_of_events(sessions: Sessions, job_id: str) -> list[str]:
    with sessions.read() as session:
        return [event.kind for event in jobs.events_since(session, job_id, 0)]


def count(sessions: Sessions, row: type[JobRow] | type[BlockRow]) -> int:
    with sessions.read() as session:
        return session.scalar(select(func.count()).select_from(row)) or 0


def test_a_submitted_job_is_accepted_with_its_blocks_and_rung(sessions: Sessions, rung: list[tuple[str, str]]) -> None:
    job = submit(sessions, columns=3)

    with sessions.read() as session:
        assert jobs.progress(session, job.id) == (3, 0, 0)
    assert job.status == "accepted"
    assert rung == [(broker.PREDICT, job.id)]


def test_a_job_s_id_is_unguessable_and_always_a_name_the_storage_takes(sessions: Sessions) -> None:
    job = submit(sessions)

    # 128 bits. Of ids in URL-safe base 64 one in 64 began with a dash, which is no name of a folder of ours.
    assert re.fullmatch(r"[0-9a-f]{32}", job.id)


def test_two_jobs_share_the_blocks_they_have_in_common(sessions: Sessions) -> None:
    submit(sessions, columns=2)
    submit(sessions, columns=3)

    assert count(sessions, BlockRow) == 3


def test_a_job_whose_blocks_are_all_there_is_only_finalized(sessions: Sessions, rung: list[tuple[str, str]]) -> None:
    first = submit(sessions)
    complete(sessions, claim(sessions, first.id)[0])
    rung.clear()

    second = submit(sessions)

    assert rung == [(broker.FINALIZE, second.id)]


def test_the_first_claim_sets_the_job_running(sessions: Sessions) -> None:
    job = submit(sessions)

    claim(sessions, job.id)

    assert status(sessions, job.id) == "running"
    assert kinds_of_events(sessions, job.id) == ["status", "status"]


def test_a_finished_block_is_told_to_every_active_job_that_holds_it(sessions: Sessions) -> None:
    small, large = submit(sessions), submit(sessions, columns=2)

    waiting_for_nothing = complete(sessions, claim(sessions, small.id)[0])

    assert waiting_for_nothing == [small.id]
    with sessions.read() as session:
        event = jobs.events_since(session, large.id, 0)[-1]
        key = session.scalar(select(BlockRow.key).where(BlockRow.status == "done"))
    assert event.kind == "block"
    assert event.data == {"key": key, "bbox": [3.0, 43.0, 3.1, 43.1], "done": 1, "total": 2}


def test_events_resume_after_the_last_one_seen(sessions: Sessions) -> None:
    job = submit(sessions)
    with sessions.read() as session:
        seen = jobs.events_since(session, job.id, 0)[-1].id
    claim(sessions, job.id)

    with sessions.read() as session:
        later = jobs.events_since(session, job.id, seen)

    assert [event.kind for event in later] == ["status"]


def test_the_same_key_and_request_give_the_same_job(sessions: Sessions) -> None:
    first = submit(sessions, idempotency_key="k")
    second = submit(sessions, idempotency_key="k")

    assert second.id == first.id
    assert count(sessions, JobRow) == 1


def test_the_same_key_with_another_request_is_a_conflict(sessions: Sessions) -> None:
    submit(sessions, idempotency_key="k")

    with pytest.raises(Conflict, match="Idempotency-Key"):
        submit(sessions, idempotency_key="k", sha256="c" * 64)


def test_the_same_key_sent_twenty_times_at_once_makes_one_job(sessions: Sessions) -> None:
    with ThreadPoolExecutor(8) as senders:
        ids = set(senders.map(lambda _: submit(sessions, idempotency_key="k").id, range(20)))

    assert len(ids) == 1


def test_of_many_requests_at_once_exactly_the_limit_is_accepted(sessions: Sessions) -> None:
    def accepted(_: int) -> bool:
        try:
            submit(sessions)
        except LimitReached:
            return False
        return True

    with ThreadPoolExecutor(8) as senders:
        assert sum(senders.map(accepted, range(12))) == samples.LIMITS.active_jobs


def test_the_limit_counts_for_each_owner(sessions: Sessions) -> None:
    for _ in range(samples.LIMITS.active_jobs):
        submit(sessions)

    with pytest.raises(LimitReached, match="limit is 3"):
        submit(sessions)
    assert submit(sessions, owner="address:192.0.2.1").status == "accepted"


def test_a_full_queue_refuses_and_keeps_nothing(sessions: Sessions) -> None:
    limits = replace(samples.LIMITS, queue_length=4)

    with pytest.raises(QueueFull, match="at most 4"):
        jobs.submit(sessions, samples.request(columns=5), limits)
    assert count(sessions, JobRow) == 0


def test_an_unknown_job_is_named_so(sessions: Sessions) -> None:
    with sessions.read() as session, pytest.raises(JobUnknown):
        jobs.get(session, "none")


def test_a_dismissed_job_gives_no_more_blocks(sessions: Sessions) -> None:
    job = submit(sessions, columns=2)
    claim(sessions, job.id, limit=1)

    assert jobs.dismiss(sessions, job.id).status == "dismissed"
    assert claim(sessions, job.id) == []


def test_dismissing_twice_is_dismissing_once(sessions: Sessions) -> None:
    job = submit(sessions)
    jobs.dismiss(sessions, job.id)

    assert jobs.dismiss(sessions, job.id).status == "dismissed"
    assert kinds_of_events(sessions, job.id) == ["status", "status"]


@pytest.mark.parametrize("end", ["successful", "failed"])
def test_an_ended_job_is_never_left(sessions: Sessions, end: str) -> None:
    job = submit(sessions)
    with sessions.write() as session:
        assert jobs.succeed(session, job.id, {}) if end == "successful" else jobs.fail(session, job.id, "no")

    with pytest.raises(Conflict, match=end):
        jobs.dismiss(sessions, job.id)
    with sessions.write() as session:
        assert not jobs.succeed(session, job.id, {})
        assert not jobs.fail(session, job.id, "no")
    assert status(sessions, job.id) == end


def test_outputs_are_begun_only_when_no_block_is_left(sessions: Sessions) -> None:
    job = submit(sessions, columns=2)
    first, second = claim(sessions, job.id)
    complete(sessions, first)
    with sessions.write() as session:
        assert jobs.begin_finalizing(session, job.id, most_attempts=3, lease_s=60) is None

    complete(sessions, second)

    with sessions.write() as session:
        assert jobs.begin_finalizing(session, job.id, most_attempts=3, lease_s=60) is not None


def test_a_job_with_a_failed_block_fails_with_its_reason(sessions: Sessions) -> None:
    job = submit(sessions)
    with sessions.write() as session:
        (claimed,) = jobs.claim_blocks(session, job.id, owner="a", limit=1, lease_s=60, most_attempts=3)
    fail_block(sessions, claimed, "the imagery is damaged")

    with sessions.write() as session:
        assert jobs.begin_finalizing(session, job.id, most_attempts=3, lease_s=60) is None

    with sessions.read() as session:
        ended = jobs.get(session, job.id)
    assert (ended.status, ended.message) == ("failed", "1 of 1 blocks failed: the imagery is damaged")


@pytest.fixture
def predicted(sessions: Sessions) -> JobRow:
    """A job whose only block is done."""
    job = submit(sessions)
    complete(sessions, claim(sessions, job.id)[0])
    return job


def begin(sessions: Sessions, job_id: str, *, most_attempts: int = 3) -> JobRow | None:
    with sessions.write() as session:
        return jobs.begin_finalizing(session, job_id, most_attempts=most_attempts, lease_s=60)


def lose_the_worker(sessions: Sessions) -> None:
    with sessions.write() as session:
        session.execute(update(JobRow).values(lease_until=0.0))


def sweep_later(sessions: Sessions) -> list[str]:
    """A round of the sweeper a minute after the last bell; gives the jobs that were rung."""
    with sessions.write() as session:
        session.execute(update(JobRow).values(rung_at=JobRow.rung_at - 60))
    return jobs.sweep(sessions).jobs_rung


def test_the_end_of_a_job_is_in_the_hands_of_one_worker(sessions: Sessions, predicted: JobRow) -> None:
    with ThreadPoolExecutor(4) as workers:
        begun = [job for job in workers.map(lambda _: begin(sessions, predicted.id), range(8)) if job]

    assert [(job.fence, job.finalize_attempts) for job in begun] == [(1, 1)]


def test_the_sweeper_leaves_a_job_alone_whose_end_is_in_hand(sessions: Sessions, predicted: JobRow) -> None:
    begin(sessions, predicted.id)
    assert sweep_later(sessions) == []

    lose_the_worker(sessions)
    assert sweep_later(sessions) == [predicted.id]


def test_a_worker_that_lost_the_job_can_neither_end_nor_renew_it(sessions: Sessions, predicted: JobRow) -> None:
    late = begin(sessions, predicted.id)
    lose_the_worker(sessions)
    holder = begin(sessions, predicted.id)
    assert late is not None
    assert holder is not None

    with sessions.write() as session:
        assert not jobs.renew_finalizing(session, late, lease_s=60)
        assert not jobs.tell_progress(session, late, 50)
        assert not jobs.succeed(session, late.id, {}, fence=late.fence)
        assert not jobs.fail(session, late.id, "late", fence=late.fence)
        assert jobs.renew_finalizing(session, holder, lease_s=60)
        assert jobs.succeed(session, holder.id, {}, fence=holder.fence)


def test_a_job_that_loses_its_worker_too_often_at_its_end_fails(sessions: Sessions, predicted: JobRow) -> None:
    for _ in range(2):
        begin(sessions, predicted.id, most_attempts=2)
        lose_the_worker(sessions)

    assert begin(sessions, predicted.id, most_attempts=2) is None
    with sessions.read() as session:
        ended = jobs.get(session, predicted.id)
    assert (ended.status, ended.message) == ("failed", "the worker was lost 2 times while it made the results")


def test_a_turn_that_went_well_keeps_what_is_counted_and_costs_no_attempt(
    sessions: Sessions, predicted: JobRow
) -> None:
    held = begin(sessions, predicted.id)
    assert held is not None
    with sessions.write() as session:
        jobs.set_aside(session, held, percent=40, checkpoint={"windows_done": 4})

    again = begin(sessions, predicted.id)

    assert again is not None
    assert (again.progress, again.checkpoint, again.finalize_attempts) == (40, {"windows_done": 4}, 1)


def test_a_dismissed_job_is_lost_to_the_worker_that_ends_it(sessions: Sessions, predicted: JobRow) -> None:
    held = begin(sessions, predicted.id)
    jobs.dismiss(sessions, predicted.id)

    assert held is not None
    with sessions.write() as session:
        assert not jobs.tell_progress(session, held, 50)
        assert not jobs.set_aside(session, held, percent=50, checkpoint={})
    assert status(sessions, predicted.id) == "dismissed"


def counting(sessions: Sessions, **changes: object) -> JobRow:
    return jobs.submit_count(sessions, samples.count(**changes), samples.LIMITS)


def test_a_job_that_counts_is_rung_for_its_end_at_once(sessions: Sessions, rung: list[tuple[str, str]]) -> None:
    job = counting(sessions)

    assert (job.process, job.status, job.source_id, job.model_id) == ("measure-areas", "accepted", None, None)
    assert rung == [(broker.FINALIZE, job.id)]


def test_jobs_that_count_share_the_limit_and_the_keys_of_their_owner(sessions: Sessions) -> None:
    first = counting(sessions, idempotency_key="k")
    assert counting(sessions, idempotency_key="k").id == first.id
    with pytest.raises(Conflict, match="Idempotency-Key"):
        submit(sessions, idempotency_key="k", sha256="d" * 64)
    for _ in range(samples.LIMITS.active_jobs - 1):
        counting(sessions)

    with pytest.raises(LimitReached, match="limit is 3"):
        submit(sessions)
    with pytest.raises(LimitReached, match="limit is 3"):
        counting(sessions)


def test_a_job_that_counts_runs_once_a_worker_has_begun(sessions: Sessions) -> None:
    job = counting(sessions)

    begun = begin(sessions, job.id)

    assert begun is not None
    assert (begun.status, begun.started_at is not None) == ("running", True)
    assert kinds_of_events(sessions, job.id) == ["status", "status"]


def test_asking_again_lets_a_failed_block_be_tried_afresh(sessions: Sessions) -> None:
    job = submit(sessions)
    with sessions.write() as session:
        (claimed,) = jobs.claim_blocks(session, job.id, owner="a", limit=1, lease_s=60, most_attempts=3)
    fail_block(sessions, claimed, "no luck")

    again = submit(sessions)

    assert [c.attempts for c in claim(sessions, again.id)] == [1]


def test_blocks_done_before_are_counted_when_the_job_is_asked_for(sessions: Sessions) -> None:
    first = submit(sessions)
    complete(sessions, claim(sessions, first.id)[0])

    job = submit(sessions, columns=3)

    assert (job.blocks_total, job.blocks_done, job.blocks_reused) == (3, 1, 1)


def test_no_end_of_a_block_is_missed_while_another_job_for_it_is_asked_for(sessions: Sessions) -> None:
    """Blocks end in one thread while jobs for them are asked for in others."""
    first = submit(sessions, columns=6)
    claims = claim(sessions, first.id)

    with ThreadPoolExecutor(4) as threads:
        ended = [threads.submit(complete, sessions, each) for each in claims]
        asked = [threads.submit(submit, sessions, columns=6, owner=f"address:{i}") for i in range(4)]
        later = [each.result() for each in asked]
        assert [job_id for each in ended for job_id in each.result()].count(first.id) == 1

    with sessions.read() as session:
        assert [jobs.progress(session, job.id) for job in later] == [(6, 6, 0)] * 4


def test_a_failed_block_asked_for_again_is_waited_for_again_by_the_jobs_that_had_counted_it(sessions: Sessions) -> None:
    job = submit(sessions, columns=2)
    first, _ = claim(sessions, job.id)
    fail_block(sessions, first, "no luck")

    submit(sessions, columns=2)

    with sessions.read() as session:
        assert jobs.progress(session, job.id) == (2, 0, 0)
    complete(sessions, claim(sessions, job.id)[0])
    with sessions.read() as session:
        assert jobs.progress(session, job.id) == (2, 1, 0)


def test_blocks_of_a_compared_source_are_part_of_the_same_job(sessions: Sessions) -> None:
    job = submit(sessions, columns=2, compared=samples.source(id="ortho-2024"))

    sources = [(each.source_id, each.cell.column) for each in claim(sessions, job.id)]

    assert sorted(sources) == [(s, column) for s in ("ortho-2021", "ortho-2024") for column in (1760, 1761)]
    assert {sources[0][1], sources[1][1]} == {sources[0][1]}  # the two of a cell one after the other


def test_a_job_that_may_have_gaps_goes_on_to_its_end_with_them(sessions: Sessions) -> None:
    job = submit(sessions, columns=2, inputs={"gaps": True})
    first, second = claim(sessions, job.id)
    fail_block(sessions, first, "the imagery is damaged")
    assert complete(sessions, second) == [job.id]

    assert begin(sessions, job.id) is not None


def test_a_job_of_nothing_but_gaps_fails(sessions: Sessions) -> None:
    job = submit(sessions, inputs={"gaps": True})
    fail_block(sessions, claim(sessions, job.id)[0], "the imagery is damaged")

    assert begin(sessions, job.id) is None
    assert status(sessions, job.id) == "failed"


def test_claiming_reads_open_blocks_only_from_their_index(sessions: Sessions) -> None:
    job = submit(sessions, columns=2)
    with sessions.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        statement = f"SELECT block_key FROM job_block WHERE job_id = :id AND {blocks.open_()} ORDER BY position"
        plan = str(connection.execute(text(f"{explain} {statement}"), {"id": job.id}).all())

    assert "ix_job_block_job_id_position" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


def test_a_database_that_is_away_is_said_to_be() -> None:
    from app.database import connect

    away = Sessions(connect("postgresql+psycopg://nobody@127.0.0.1:1/none"))

    with pytest.raises(Unavailable, match="database does not answer"), away.read() as session:
        jobs.get(session, "x")
