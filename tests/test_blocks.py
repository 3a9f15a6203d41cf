"""The life of a block, on both databases: claims, leases, fences, attempts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import update

from app import blocks, jobs
from app.blocks import Claim
from app.database import BlockRow, Sessions, now_s
from app.definitions import Augmentation, Ensemble, Member
from tests import samples

LEASE_S = 60.0


@pytest.fixture
def job_id(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> str:
    """A job of two blocks; nobody is rung."""
    monkeypatch.setattr("app.broker.ring", lambda *_: True)
    return jobs.submit(sessions, samples.request(columns=2), samples.LIMITS).id


def claim(sessions: Sessions, job_id: str, *, owner: str = "a", limit: int = 10, most_attempts: int = 3) -> list[Claim]:
    with sessions.write() as session:
        return blocks.claim(session, job_id, owner=owner, limit=limit, lease_s=LEASE_S, most_attempts=most_attempts)


def let_leases_run_out(sessions: Sessions) -> None:
    with sessions.write() as session:
        session.execute(update(BlockRow).values(lease_until=0.0))


def row(sessions: Sessions, key: str) -> BlockRow:
    with sessions.read() as session:
        return session.get_one(BlockRow, key)


def complete(sessions: Sessions, claimed: Claim) -> bool:
    with sessions.write() as session:
        return blocks.complete(
            session, claimed, href="blocks/aa/aa.tif", sha256="0" * 64, histogram={"1": 4}, seconds=1.5
        )


def test_claim_gives_a_block_to_one_worker_only(sessions: Sessions, job_id: str) -> None:
    first = claim(sessions, job_id, owner="a")
    second = claim(sessions, job_id, owner="b")

    assert len(first) == 2
    assert second == []


def test_claim_takes_no_more_than_asked(sessions: Sessions, job_id: str) -> None:
    assert len(claim(sessions, job_id, limit=1)) == 1
    assert len(claim(sessions, job_id, limit=5)) == 1


def test_a_block_whose_lease_ran_out_can_be_claimed_again_with_a_higher_fence(sessions: Sessions, job_id: str) -> None:
    (first,) = claim(sessions, job_id, owner="a", limit=1)
    let_leases_run_out(sessions)

    (again,) = [c for c in claim(sessions, job_id, owner="b") if c.key == first.key]

    assert again.fence == first.fence + 1
    assert again.attempts == 2


def test_a_worker_that_wakes_up_late_publishes_nothing(sessions: Sessions, job_id: str) -> None:
    (late,) = claim(sessions, job_id, owner="a", limit=1)
    let_leases_run_out(sessions)
    claim(sessions, job_id, owner="b")

    assert not complete(sessions, late)
    assert row(sessions, late.key).status == "claimed"
    assert row(sessions, late.key).owner == "b"


def test_a_completed_block_is_done_with_its_file(sessions: Sessions, job_id: str) -> None:
    (claimed,) = claim(sessions, job_id, limit=1)

    assert complete(sessions, claimed)
    done = row(sessions, claimed.key)
    assert (done.status, done.href, done.histogram, done.seconds) == ("done", "blocks/aa/aa.tif", {"1": 4}, 1.5)


def test_a_block_is_published_once(sessions: Sessions, job_id: str) -> None:
    (claimed,) = claim(sessions, job_id, limit=1)

    assert [complete(sessions, claimed), complete(sessions, claimed)] == [True, False]


def test_renewing_prolongs_a_lease_on_the_database_clock(sessions: Sessions, job_id: str) -> None:
    (claimed,) = claim(sessions, job_id, limit=1)
    before = row(sessions, claimed.key).lease_until

    with sessions.write() as session:
        renewed = blocks.renew(session, claimed, lease_s=LEASE_S * 10)

    assert renewed
    assert row(sessions, claimed.key).lease_until > before + LEASE_S


def test_a_lost_lease_cannot_be_renewed(sessions: Sessions, job_id: str) -> None:
    (claimed,) = claim(sessions, job_id, limit=1)

    with sessions.write() as session:
        assert not blocks.renew(session, replace(claimed, fence=claimed.fence - 1), lease_s=LEASE_S)


def test_handing_back_burns_no_attempt(sessions: Sessions, job_id: str) -> None:
    (claimed,) = claim(sessions, job_id, limit=1)

    with sessions.write() as session:
        blocks.hand_back(session, claimed)

    assert (row(sessions, claimed.key).status, row(sessions, claimed.key).attempts) == ("waiting", 0)


def test_a_failed_attempt_waits_for_another_until_it_is_final(sessions: Sessions, job_id: str) -> None:
    (first,) = claim(sessions, job_id, limit=1)
    with sessions.write() as session:
        blocks.fail_attempt(session, first, "no luck", final=False)
    assert row(sessions, first.key).status == "waiting"

    (second,) = claim(sessions, job_id, limit=1)
    with sessions.write() as session:
        blocks.fail_attempt(session, second, "no luck again", final=True)

    assert (row(sessions, first.key).status, row(sessions, first.key).reason) == ("failed", "no luck again")


def test_a_block_lost_too_often_is_not_claimed_but_failed_with_its_reason(sessions: Sessions, job_id: str) -> None:
    for _ in range(3):  # both, then each alone
        claim(sessions, job_id, most_attempts=2)
        let_leases_run_out(sessions)

    assert claim(sessions, job_id, most_attempts=2) == []
    with sessions.write() as session:
        keys = blocks.lost(session, lease_s=LEASE_S, most_attempts=2, limit=10)
        failed = [blocks.expire(session, key, lease_s=LEASE_S) for key in keys]

    assert len(failed) == 2
    assert {each.status for each in failed if each} == {"failed"}
    assert "lost 2 times" in str(row(sessions, keys[0]).reason)


def test_a_block_that_was_lost_once_is_not_failed(sessions: Sessions, job_id: str) -> None:
    claim(sessions, job_id)
    let_leases_run_out(sessions)

    with sessions.write() as session:
        assert blocks.lost(session, lease_s=LEASE_S, most_attempts=2, limit=10) == []


def test_a_block_that_was_tried_before_is_taken_alone(sessions: Sessions, job_id: str) -> None:
    (first,) = claim(sessions, job_id, limit=1)
    let_leases_run_out(sessions)

    again, others = claim(sessions, job_id), claim(sessions, job_id)

    # Should it kill its worker once more, no other block has an attempt less.
    assert [one.key for one in again] == [first.key]
    assert len(others) == 1
    assert others[0].attempts == 1


def test_a_lost_block_that_is_in_hand_again_is_not_failed(sessions: Sessions, job_id: str) -> None:
    claim(sessions, job_id, limit=1)
    let_leases_run_out(sessions)
    with sessions.write() as session:
        (key,) = blocks.lost(session, lease_s=LEASE_S, most_attempts=1, limit=10)
    claim(sessions, job_id)

    with sessions.write() as session:
        assert blocks.expire(session, key, lease_s=LEASE_S) is None
    assert row(sessions, key).status == "claimed"


def test_a_lease_from_before_the_clock_was_set_back_holds_nothing(sessions: Sessions, job_id: str) -> None:
    (first,) = claim(sessions, job_id, limit=1)
    with sessions.write() as session:
        session.execute(update(BlockRow).where(BlockRow.key == first.key).values(lease_until=now_s() + 3600))

    assert first.key in {each.key for each in claim(sessions, job_id, owner="b")}


def test_a_block_is_not_claimed_before_its_time_for_another_try(sessions: Sessions, job_id: str) -> None:
    with sessions.write() as session:
        session.execute(update(BlockRow).values(retry_at=now_s() + 60))
    assert claim(sessions, job_id) == []

    with sessions.write() as session:  # as after the clock was set back: no wait is that long
        session.execute(update(BlockRow).values(retry_at=now_s() + 3600))
    assert len(claim(sessions, job_id)) == 2


def test_a_claim_names_all_models_in_one_order_with_their_weights_and_the_augmentation(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.broker.ring", lambda *_: True)
    a, b = Member(samples.card(id="a"), "1" * 64), Member(samples.card(id="b"), "2" * 64)
    plain = jobs.submit(sessions, samples.request(ensemble=Ensemble((b,))), samples.LIMITS)
    both = jobs.submit(sessions, samples.request(ensemble=Ensemble((b, a), Augmentation.D4)), samples.LIMITS)

    (alone,), (together,) = claim(sessions, plain.id), claim(sessions, both.id)

    assert (alone.models, alone.augmentation, alone.predicted_by) == ((("b", "2" * 64),), "none", "b")
    assert together.models == (("a", "1" * 64), ("b", "2" * 64))
    assert (together.augmentation, together.predicted_by) == ("d4", "a+b@d4")
