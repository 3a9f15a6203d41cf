"""Workers as rows, on both databases: who is alive, who sweeps, what they count, and what pace promises."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from app import jobs, workers
from app.database import JobRow, Sessions, WorkerRow, now_s
from app.definitions import Augmentation
from tests import samples

PX = 2048 * 2048


def start(sessions: Sessions, worker_id: str, *, queues: tuple[str, ...] = ("gpu", "cpu"), **paces: float) -> None:
    with sessions.write() as session:
        workers.register(session, worker_id, host="h", device="cpu", queues=queues)
        workers.beat(session, worker_id, seconds_per_block=paces, tallies={}, out_of_service=None)


def silence(sessions: Sessions, worker_id: str, seconds: float) -> None:
    with sessions.write() as session:
        session.execute(update(WorkerRow).where(WorkerRow.id == worker_id).values(seen_at=now_s() - seconds))


def live(sessions: Sessions, queue: str = "gpu") -> int:
    with sessions.read() as session:
        return workers.count_live(session, queue)


def test_a_worker_counts_while_it_gives_signs_of_life(sessions: Sessions) -> None:
    start(sessions, "a")
    start(sessions, "b")
    assert live(sessions) == 2

    silence(sessions, "a", 16)  # three rounds of 5 s, and a little
    assert live(sessions) == 1


def test_a_worker_counts_for_the_queues_it_takes_from(sessions: Sessions) -> None:
    start(sessions, "a", queues=("gpu-large",))

    assert (live(sessions, "gpu"), live(sessions, "gpu-large")) == (0, 1)


def test_a_worker_out_of_service_or_stopped_takes_nothing(sessions: Sessions) -> None:
    start(sessions, "a")
    start(sessions, "b")
    with sessions.write() as session:
        workers.beat(session, "a", seconds_per_block={}, tallies={}, out_of_service="the GPU is gone")
        workers.stopped(session, "b", reason="no progress for 120 s")

    assert live(sessions) == 0
    with sessions.read() as session:
        assert [(row.state, row.reason) for row in workers.listed(session)] == [
            ("out of service", "the GPU is gone"),
            ("stopped", "no progress for 120 s"),
        ]


def test_the_oldest_that_is_alive_sweeps_and_another_when_it_is_not(sessions: Sessions) -> None:
    start(sessions, "b")
    start(sessions, "a")
    with sessions.write() as session:
        session.execute(update(WorkerRow).where(WorkerRow.id == "b").values(started_at=1.0))
        assert workers.leader(session) == "b"

    silence(sessions, "b", 60)
    with sessions.read() as session:
        assert workers.leader(session) == "a"


def test_tallies_outlive_their_worker(sessions: Sessions) -> None:
    for worker_id, blocks in (("a", 3), ("b", 4)):
        start(sessions, worker_id)
        with sessions.write() as session:
            tallies = {"blocks_computed": blocks}
            workers.beat(session, worker_id, seconds_per_block={"tiny": 2.0}, tallies=tallies, out_of_service=None)
    silence(sessions, "a", 3600)

    with sessions.write() as session:
        workers.fold(session)
        workers.fold(session)

    with sessions.read() as session:
        assert workers.tallies(session) == {"blocks_computed": 7}
        assert session.scalars(select(WorkerRow.id).order_by(WorkerRow.id)).all() == ["b", "past"]


def test_a_worker_whose_row_was_folded_is_told_so(sessions: Sessions) -> None:
    start(sessions, "a")
    silence(sessions, "a", 3600)
    with sessions.write() as session:
        workers.fold(session)

    with sessions.write() as session:
        assert not workers.beat(session, "a", seconds_per_block={}, tallies={"sweeps": 9}, out_of_service=None)


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.broker.ring", lambda *_: True)


def submit(sessions: Sessions, **changes: object) -> JobRow:
    return jobs.submit(sessions, samples.request(**changes), samples.LIMITS)


def outlook(sessions: Sessions, **asked: object) -> jobs.Outlook:
    with sessions.read() as session:
        return jobs.outlook(session, **{"predicted_by": "tiny", **asked})  # type: ignore[arg-type]  # forwarded


def test_a_job_alone_takes_its_blocks_over_the_pace_of_all_workers(sessions: Sessions) -> None:
    start(sessions, "a", tiny=2.0)
    start(sessions, "b", tiny=1.0)

    seen = outlook(sessions, blocks=6)

    assert (seen.workers, seen.px_per_s, seen.seconds) == (2, 1.5 * PX, 4.0)


def test_a_small_job_waits_for_turns_of_a_large_one_and_not_for_all_of_it(sessions: Sessions) -> None:
    start(sessions, "a", tiny=2.0)
    large, small = submit(sessions, columns=10), submit(sessions, columns=2)

    assert outlook(sessions, blocks=1)[2:] == (2, 2, (1 + 1 + 1) * 2.0)
    assert outlook(sessions, blocks=2, before=small)[2:] == (1, 2, (2 + 2) * 2.0)
    assert outlook(sessions, blocks=10, before=large)[2:] == (0, 2, (10 + 2) * 2.0)


def test_more_urgent_jobs_go_first_and_less_urgent_ones_wait(sessions: Sessions) -> None:
    start(sessions, "a", tiny=1.0)
    submit(sessions, columns=5, priority=0)
    submit(sessions, columns=5, priority=2)

    assert outlook(sessions, blocks=1)[2:] == (1, 5, 6.0)


def test_nothing_is_promised_without_a_worker_or_a_measured_pace(sessions: Sessions) -> None:
    assert outlook(sessions, blocks=1) == (0, None, 0, 0, None)
    start(sessions, "a", other=1.0)
    assert outlook(sessions, blocks=1) == (1, None, 0, 0, None)


def test_an_ensemble_is_reckoned_from_its_members_until_it_is_measured(sessions: Sessions) -> None:
    start(sessions, "a", tiny=2.0, other=1.0)
    start(sessions, "b", tiny=4.0)  # of `other` it is given the pace of the first

    assert outlook(sessions, predicted_by="other+tiny", blocks=8).seconds == 8 / (1 / 3.0 + 1 / 5.0)
    assert outlook(sessions, predicted_by="tiny@flips", blocks=8).seconds == 8 / (1 / 8.0 + 1 / 16.0)
    assert outlook(sessions, predicted_by="tiny+unknown", blocks=8).seconds is None
    with sessions.write() as session:
        for worker in ("a", "b"):
            workers.beat(session, worker, seconds_per_block={"other+tiny": 2.5}, tallies={}, out_of_service=None)
    assert outlook(sessions, predicted_by="other+tiny", blocks=8).seconds == 8 * 2.5 / 2


def test_jobs_ahead_cost_what_each_is_predicted_by(sessions: Sessions) -> None:
    start(sessions, "a", tiny=1.0)
    submit(sessions, columns=2)
    submit(sessions, columns=2, ensemble=samples.ensemble(augmentation=Augmentation.D4))

    assert outlook(sessions, blocks=2).seconds == 2 * 1.0 + 2 * 1.0 + 2 * 8.0


def test_a_worker_that_has_not_measured_a_model_is_given_the_pace_of_others(sessions: Sessions) -> None:
    start(sessions, "a", tiny=4.0)
    start(sessions, "b")
    silence(sessions, "a", 60)

    assert outlook(sessions, blocks=3).seconds == 12.0


def test_a_job_s_queue_is_that_of_the_first_rule_that_fits_its_model(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.conftest import forget_settings

    monkeypatch.setenv("COSIA_QUEUES", "flair-*=gpu-large,ti*=gpu-small,*=gpu-rest")
    forget_settings()

    assert submit(sessions).queue == "gpu-small"
    assert submit(sessions, ensemble=samples.ensemble(samples.card(id="flair-inc"))).queue == "gpu-large"


def fetched(sessions: Sessions, worker_id: str, tiny: float, **fetch_seconds: float) -> None:
    with sessions.write() as session:
        workers.beat(
            session,
            worker_id,
            seconds_per_block={"tiny": tiny},
            fetch_seconds=fetch_seconds,
            tallies={},
            out_of_service=None,
        )


def test_the_slower_of_fetching_and_predicting_is_the_pace_of_a_worker(sessions: Sessions) -> None:
    start(sessions, "a")
    start(sessions, "b")
    fetched(sessions, "a", 2.0, remote=8.0)
    fetched(sessions, "b", 4.0, remote=2.0)

    asked = outlook(sessions, blocks=3, fetches=[jobs.Fetch("remote", least_s=1.0)])

    assert asked.seconds == 3 / (1 / 8.0 + 1 / 4.0)
    assert asked.px_per_s == (1 / 8.0 + 1 / 4.0) * PX
    assert outlook(sessions, blocks=3).seconds == 3 / (1 / 2.0 + 1 / 4.0)  # imagery in files


def test_what_a_map_server_allows_counts_before_and_beside_what_was_measured(sessions: Sessions) -> None:
    start(sessions, "a", tiny=1.0)
    asked = [jobs.Fetch("remote", least_s=5.0)]
    assert outlook(sessions, blocks=2, fetches=asked).seconds == 10.0

    fetched(sessions, "a", 1.0, remote=0.2)  # from the cache
    assert outlook(sessions, blocks=2, fetches=asked).seconds == 10.0
    with sessions.read() as session:
        assert jobs.fetch_pace(session, asked[0]) == (5.0, False)

    fetched(sessions, "a", 1.0, remote=7.0)
    assert outlook(sessions, blocks=2, fetches=asked).seconds == 14.0
    with sessions.read() as session:
        assert jobs.fetch_pace(session, asked[0]) == (7.0, True)


def test_two_sources_of_a_job_are_fetched_in_turn(sessions: Sessions) -> None:
    start(sessions, "a", tiny=1.0)

    asked = outlook(sessions, blocks=2, fetches=[jobs.Fetch("remote", least_s=5.0), jobs.Fetch("files")])

    assert asked.seconds == 2 * 2.5


def test_jobs_ahead_and_under_way_cost_what_their_imagery_takes(sessions: Sessions) -> None:
    start(sessions, "a")
    fetched(sessions, "a", 1.0, remote=4.0)
    far = submit(sessions, columns=2, source=samples.source(id="remote"))

    assert outlook(sessions, blocks=2).seconds == 2 * 1.0 + 2 * 4.0
    assert outlook(sessions, blocks=2, before=far).seconds == 2 * 4.0


def test_paces_of_map_servers_outlive_the_worker_that_measured_them(sessions: Sessions) -> None:
    start(sessions, "a")
    fetched(sessions, "a", 1.0, remote=4.0)
    silence(sessions, "a", 3600)
    with sessions.write() as session:
        workers.fold(session)
    start(sessions, "b", tiny=1.0)

    assert outlook(sessions, blocks=1, fetches=[jobs.Fetch("remote")]).seconds == 4.0
