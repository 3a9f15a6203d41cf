"""What goes, what stays, and in which order: on both databases, in a folder and in a bucket."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select, update

from app import blocks, expiry, jobs
from app.blocks import block_href
from app.database import BlockRow, EventRow, JobRow, LayerRow, RasterRow, Sessions
from app.definitions import nomenclature
from app.errors import ResultExpired, Unavailable
from app.expiry import Expired, Expiry
from app.publish.results import layer_id_of, publish_result, withdraw_result
from app.settings import Settings
from app.storage import FolderStorage, Storage
from app.storage import storage as configured_storage
from tests import samples
from tests.published import GRID, write_classes

DAY_S = 86_400.0
pytestmark = pytest.mark.usefixtures("nobody_is_rung")


@pytest.fixture
def nobody_is_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.broker.ring", lambda *_, **__: True)


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return FolderStorage(tmp_path / "data")
    request.getfixturevalue("s3_settings")
    return configured_storage()


@pytest.fixture
def folder(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "data")


def put(storage: Storage, href: str, size: int = 10) -> None:
    with storage.writing(href) as path:
        path.write_bytes(b"x" * size)


def round_of(sessions: Sessions, storage: Storage, *, grace_s: float = DAY_S, **settings: float) -> Expired:
    return Expiry(sessions, storage, Settings(**settings), grace_s=grace_s).round()  # type: ignore[arg-type]


def audit(sessions: Sessions, storage: Storage, *, grace_s: float = DAY_S) -> None:
    Expiry(sessions, storage, Settings(result_days=0), grace_s=grace_s).all_at_once()


def predicted(
    sessions: Sessions, storage: Storage, *, columns: int = 1, size: int = 10, used_days_ago: float = 0.0
) -> JobRow:
    """A successful job with its block files (10 bytes each) and one result of `size` bytes."""
    job = jobs.submit(sessions, samples.request(columns=columns), samples.LIMITS)
    with sessions.write() as session:
        for claimed in jobs.claim_blocks(session, job.id, owner="a", limit=99, lease_s=60, most_attempts=3):
            put(storage, block_href(claimed.key))
            blocks.complete(session, claimed, href=block_href(claimed.key), sha256="0" * 64, histogram={}, seconds=1.0)
            jobs.block_ended(session, claimed.key, (3.0, 43.0, 3.1, 43.1))
    href = f"jobs/{job.id}/areas.json"
    put(storage, href, size)
    with sessions.write() as session:
        assert jobs.succeed(session, job.id, {"areas": href})
    made_older(sessions, days=used_days_ago, job_id=job.id)
    return job_of(sessions, job.id)


def made_older(sessions: Sessions, *, days: float, job_id: str | None = None) -> None:
    """Lets a job have ended, and been used last, so many days before now; its blocks too."""
    then = time.time() - days * DAY_S
    with sessions.write() as session:
        job = update(JobRow).where(JobRow.id == job_id) if job_id else update(JobRow)
        session.execute(job.values(used_at=then, finished_at=then))
        session.execute(update(BlockRow).where(BlockRow.used_at > then).values(used_at=then))


def job_of(sessions: Sessions, job_id: str) -> JobRow:
    with sessions.read() as session:
        return jobs.get(session, job_id)


def block_rows(sessions: Sessions) -> list[BlockRow]:
    with sessions.read() as session:
        return list(session.scalars(select(BlockRow).order_by(BlockRow.grid_column)))


# --- Results


def test_results_that_nobody_has_used_for_so_long_go(sessions: Sessions, storage: Storage) -> None:
    old = predicted(sessions, storage, used_days_ago=31)
    young = predicted(sessions, storage, used_days_ago=29)

    assert round_of(sessions, storage, result_days=30).results == 1

    gone = job_of(sessions, old.id)
    assert (gone.status, gone.expired_at is not None, gone.results) == ("successful", True, old.results)
    assert storage.names(f"jobs/{old.id}") == []
    assert storage.names(f"jobs/{young.id}") == [f"jobs/{young.id}/areas.json"]
    assert job_of(sessions, young.id).expired_at is None


def test_results_are_kept_for_ever_where_no_age_is_set(sessions: Sessions, folder: FolderStorage) -> None:
    predicted(sessions, folder, used_days_ago=4000)

    assert round_of(sessions, folder, result_days=0, job_days=1) == (0, 0)


def test_a_job_that_was_just_made_is_in_use(sessions: Sessions, folder: FolderStorage) -> None:
    job = jobs.submit(sessions, samples.request(), samples.LIMITS)
    with sessions.write() as session:
        jobs.succeed(session, job.id, {})

    assert abs(job_of(sessions, job.id).used_at - time.time()) < 60
    assert round_of(sessions, folder, result_bytes=1) == (0, 0)


def test_beyond_the_quota_the_least_recently_used_results_go_first(sessions: Sessions, storage: Storage) -> None:
    ages = {predicted(sessions, storage, size=100, used_days_ago=days).id: days for days in (2, 5, 1, 4)}

    # 400 bytes of at most 250: two have to go.
    assert round_of(sessions, storage, result_bytes=250).results == 2

    kept = [age for job_id, age in ages.items() if job_of(sessions, job_id).expired_at is None]
    assert kept == [2, 1]
    assert round_of(sessions, storage, result_bytes=250).results == 0


def test_what_was_used_within_the_hour_goes_by_no_quota(sessions: Sessions, folder: FolderStorage) -> None:
    predicted(sessions, folder, size=100, used_days_ago=0.5 / 24)

    assert round_of(sessions, folder, result_bytes=50).results == 0


def test_taking_a_result_keeps_it_and_is_noted_once_an_hour(sessions: Sessions, folder: FolderStorage) -> None:
    job = predicted(sessions, folder, used_days_ago=31)
    expiry.note_use(sessions, job)
    noted = job_of(sessions, job.id)
    expiry.note_use(sessions, noted)

    assert abs(noted.used_at - time.time()) < 60
    assert job_of(sessions, job.id).used_at == noted.used_at
    assert round_of(sessions, folder).results == 0


def test_an_expired_result_is_said_to_be(sessions: Sessions, folder: FolderStorage) -> None:
    job = predicted(sessions, folder, used_days_ago=31)
    round_of(sessions, folder)

    with pytest.raises(ResultExpired, match="ask for the same again"):
        expiry.note_use(sessions, job_of(sessions, job.id))


def as_a_layer(sessions: Sessions, storage: Storage, job: JobRow, scratch: Path) -> JobRow:
    with storage.writing(f"jobs/{job.id}/classes.tif") as path:
        write_classes(path, np.full((GRID.height, GRID.width), 9, np.uint8))
    with sessions.write() as session:
        row = session.get_one(JobRow, job.id)
        row.results = {**(row.results or {}), "classes": f"jobs/{job.id}/classes.tif"}
    job = job_of(sessions, job.id)
    publish_result(
        sessions,
        storage,
        job,
        nomenclature=nomenclature(),
        title="My fields",
        vintage=None,
        attribution="",
        demonstration=False,
    )
    return job


def test_a_result_that_is_a_layer_stays_until_it_is_withdrawn_and_then_as_long_as_others(
    sessions: Sessions, folder: FolderStorage, tmp_path: Path
) -> None:
    job = as_a_layer(sessions, folder, predicted(sessions, folder, used_days_ago=400), tmp_path)
    assert round_of(sessions, folder, result_bytes=1, result_days=30).results == 0

    withdraw_result(sessions, job.id)

    assert round_of(sessions, folder, result_days=30).results == 0
    made_older(sessions, days=31)
    assert round_of(sessions, folder, result_days=30).results == 1


def test_an_expired_result_is_not_published(sessions: Sessions, folder: FolderStorage, tmp_path: Path) -> None:
    job = as_a_layer(sessions, folder, predicted(sessions, folder, used_days_ago=31), tmp_path)
    withdraw_result(sessions, job.id)
    made_older(sessions, days=31)
    before = job_of(sessions, job.id)
    round_of(sessions, folder)

    for seen in (before, job_of(sessions, job.id)):
        with pytest.raises((ResultExpired, Unavailable)):
            publish_result(
                sessions,
                folder,
                seen,
                nomenclature=nomenclature(),
                title="x",
                vintage=None,
                attribution="",
                demonstration=False,
            )
    with sessions.read() as session:
        assert session.scalars(select(RasterRow)).all() == []


def test_a_crash_between_row_and_file_leaves_litter_that_the_audit_removes(
    sessions: Sessions, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = predicted(sessions, storage, used_days_ago=31)
    kept = predicted(sessions, storage)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(storage), "remove", die)
        with pytest.raises(KeyboardInterrupt):
            round_of(sessions, storage)
    assert job_of(sessions, job.id).expired_at is not None
    assert storage.names(f"jobs/{job.id}") != []

    audit(sessions, storage, grace_s=-1)

    assert storage.names(f"jobs/{job.id}") == []
    assert storage.names(f"jobs/{kept.id}") != []


def test_results_without_their_size_are_measured_for_the_quota(sessions: Sessions, storage: Storage) -> None:
    job = predicted(sessions, storage, size=1234)
    with sessions.write() as session:
        session.execute(update(JobRow).values(result_bytes=None))

    round_of(sessions, storage)

    assert job_of(sessions, job.id).result_bytes == 1234


# --- Blocks


def test_beyond_the_quota_the_least_recently_used_blocks_go_and_can_be_asked_for_anew(
    sessions: Sessions, storage: Storage
) -> None:
    predicted(sessions, storage, columns=3)
    made_older(sessions, days=1)
    old, *others = block_rows(sessions)
    with sessions.write() as session:
        session.execute(update(BlockRow).where(BlockRow.key == old.key).values(used_at=time.time() - 9 * DAY_S))

    # Three of ten bytes each, of at most 25.
    assert round_of(sessions, storage, block_bytes=25).blocks == 1

    assert storage.names("blocks") == sorted(block_href(row.key) for row in others)
    again = jobs.submit(sessions, samples.request(columns=3), samples.LIMITS)
    with sessions.write() as session:
        claimed = jobs.claim_blocks(session, again.id, owner="a", limit=9, lease_s=60, most_attempts=3)
    assert [(claim.key, claim.attempts) for claim in claimed] == [(old.key, 1)]
    assert claimed[0].fence > old.fence


def test_a_round_goes_on_until_the_quota_is_kept(
    sessions: Sessions, folder: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.expiry.blocks._AT_ONCE", 2)  # as if there were many batches
    predicted(sessions, folder, columns=7)
    made_older(sessions, days=1)

    assert round_of(sessions, folder, block_bytes=15).blocks == 6


def test_a_block_that_an_active_job_holds_stays(sessions: Sessions, folder: FolderStorage) -> None:
    predicted(sessions, folder)
    waiting = jobs.submit(sessions, samples.request(columns=2), samples.LIMITS)
    made_older(sessions, days=1)

    assert round_of(sessions, folder, block_bytes=1).blocks == 0

    jobs.dismiss(sessions, waiting.id)
    assert round_of(sessions, folder, block_bytes=1).blocks == 1


def test_a_block_is_not_computed_while_its_file_is_removed(
    sessions: Sessions, folder: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    predicted(sessions, folder)
    made_older(sessions, days=1)
    claims_meanwhile: list[object] = []

    def remove(_: FolderStorage, href: str) -> None:
        job = jobs.submit(sessions, samples.request(), samples.LIMITS)
        with sessions.write() as session:
            claims_meanwhile.extend(jobs.claim_blocks(session, job.id, owner="b", limit=9, lease_s=60, most_attempts=3))

    with monkeypatch.context() as patched:
        patched.setattr(FolderStorage, "remove", remove)
        round_of(sessions, folder, block_bytes=1)

    assert claims_meanwhile == []
    assert [row.status for row in block_rows(sessions)] == ["waiting"]


def test_a_storage_that_fails_keeps_no_block_in_hand(
    sessions: Sessions, folder: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    predicted(sessions, folder, columns=2)
    made_older(sessions, days=1)

    def refuse(*_: object) -> None:
        raise Unavailable("read-only")

    monkeypatch.setattr(FolderStorage, "remove", refuse)
    with pytest.raises(Unavailable):
        round_of(sessions, folder, block_bytes=1)

    assert [row.status for row in block_rows(sessions)] == ["waiting", "waiting"]


# --- Litter


def older(path: Path, *, hours: float) -> None:
    then = time.time() - hours * 3600
    os.utime(path, (then, then))


def unfinished(folder: FolderStorage, href: str, *, hours: float) -> Path:
    target = folder.path(href)
    target.parent.mkdir(parents=True, exist_ok=True)
    path = target.with_name(f".{target.stem}.{'0' * 32}.tmp{target.suffix}")
    path.write_bytes(b"half")
    older(path, hours=hours)
    return path


def test_only_what_was_left_unfinished_long_ago_goes(sessions: Sessions, folder: FolderStorage) -> None:
    job = predicted(sessions, folder)
    hrefs = ("blocks/ab/x.tif", f"jobs/{job.id}/classes.tif", "layers/town/y.tif", "models/z.safetensors")
    old = [unfinished(folder, href, hours=48) for href in hrefs]
    young = [unfinished(folder, href.replace(".", "2."), hours=0.02) for href in hrefs]

    audit(sessions, folder)

    assert [path.exists() for path in old] == [False] * 4
    assert [path.exists() for path in young] == [True] * 4


def test_results_of_no_job_and_blocks_of_no_row_go_after_a_grace(sessions: Sessions, storage: Storage) -> None:
    job = predicted(sessions, storage)
    kept = [*storage.names("jobs"), *storage.names("blocks")]
    for href in ("jobs/0123/classes.tif", "jobs/zz/classes.tif", "blocks/ab/abcd.tif"):
        put(storage, href)

    audit(sessions, storage, grace_s=DAY_S)
    assert len([*storage.names("jobs"), *storage.names("blocks")]) == len(kept) + 3

    audit(sessions, storage, grace_s=-1)
    assert [*storage.names("jobs"), *storage.names("blocks")] == kept
    assert job_of(sessions, job.id).expired_at is None


def test_what_a_failed_job_had_begun_goes_and_what_an_active_one_writes_stays(
    sessions: Sessions, folder: FolderStorage
) -> None:
    predicted(sessions, folder)
    failed = jobs.submit(sessions, samples.request(columns=2), samples.LIMITS)
    active = jobs.submit(sessions, samples.request(columns=2), samples.LIMITS)
    with sessions.write() as session:
        jobs.fail(session, failed.id, "no")
    for job in (failed, active):
        put(folder, f"jobs/{job.id}/classes.tif")

    audit(sessions, folder, grace_s=-1)

    assert folder.names(f"jobs/{failed.id}") == []
    assert folder.names(f"jobs/{active.id}") != []


def test_a_file_that_a_worker_is_about_to_publish_is_no_litter(sessions: Sessions, folder: FolderStorage) -> None:
    predicted(sessions, folder)
    job = jobs.submit(sessions, samples.request(columns=2), samples.LIMITS)
    with sessions.write() as session:
        (claimed,) = jobs.claim_blocks(session, job.id, owner="a", limit=9, lease_s=60, most_attempts=3)
    put(folder, block_href(claimed.key))

    audit(sessions, folder, grace_s=-1)

    assert folder.exists(block_href(claimed.key))


def test_a_result_whose_file_is_missing_is_gone(sessions: Sessions, storage: Storage) -> None:
    lost, kept = predicted(sessions, storage), predicted(sessions, storage)
    storage.remove(f"jobs/{lost.id}/areas.json")

    audit(sessions, storage)

    assert job_of(sessions, lost.id).expired_at is not None
    assert job_of(sessions, kept.id).expired_at is None


def test_whoever_asks_for_a_lost_result_is_told_so_at_once(sessions: Sessions, folder: FolderStorage) -> None:
    job = predicted(sessions, folder)
    folder.remove(f"jobs/{job.id}/areas.json")

    assert isinstance(expiry.lost(sessions, folder, job), ResultExpired)
    assert job_of(sessions, job.id).expired_at is not None


def test_a_block_whose_file_is_missing_can_be_computed_again(sessions: Sessions, storage: Storage) -> None:
    predicted(sessions, storage, columns=2)
    lost, kept = block_rows(sessions)
    storage.remove(block_href(lost.key))

    audit(sessions, storage)

    assert [(row.key, row.status) for row in block_rows(sessions)] == [(lost.key, "waiting"), (kept.key, "done")]


def test_nothing_is_lost_with_a_folder_that_is_not_mounted(
    sessions: Sessions, folder: FolderStorage, tmp_path: Path
) -> None:
    job = predicted(sessions, folder, columns=2)
    unmounted = FolderStorage(tmp_path / "mount-point")
    unmounted.folder.mkdir()

    audit(sessions, unmounted)

    assert isinstance(expiry.lost(sessions, unmounted, job), Unavailable)
    assert job_of(sessions, job.id).expired_at is None
    assert [row.status for row in block_rows(sessions)] == ["done", "done"]


def test_a_storage_that_is_away_leaves_the_audit_for_later(
    sessions: Sessions, folder: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    predicted(sessions, folder)
    round_of(sessions, folder)  # measures what is there

    def away(*_: object) -> Iterator[None]:
        raise Unavailable("away")

    monkeypatch.setattr(FolderStorage, "listing", away)
    rounds = Expiry(sessions, folder, Settings())

    assert [rounds.round() for _ in range(3)] == [(0, 0)] * 3


# --- Rows


def test_events_of_ended_jobs_go_after_a_day(sessions: Sessions, folder: FolderStorage) -> None:
    old, young = predicted(sessions, folder, used_days_ago=2), predicted(sessions, folder)
    active = jobs.submit(sessions, samples.request(columns=2), samples.LIMITS)

    round_of(sessions, folder)

    with sessions.read() as session:
        told = set(session.scalars(select(EventRow.job_id)))
    assert told == {young.id, active.id}
    assert old.id not in told


def test_old_jobs_are_forgotten_once_they_promise_nothing(sessions: Sessions, folder: FolderStorage) -> None:
    promising = predicted(sessions, folder, columns=2)
    expired, failed = predicted(sessions, folder), jobs.submit(sessions, samples.request(), samples.LIMITS)
    with sessions.write() as session:
        jobs.fail(session, failed.id, "no")
        session.execute(update(JobRow).where(JobRow.id == expired.id).values(expired_at=1.0))
    made_older(sessions, days=366)

    round_of(sessions, folder, result_days=0)

    with sessions.read() as session:
        assert list(session.scalars(select(JobRow.id))) == [promising.id]


def test_blocks_without_file_that_no_job_refers_to_are_forgotten(sessions: Sessions, folder: FolderStorage) -> None:
    kept = predicted(sessions, folder)
    dismissed = jobs.submit(sessions, samples.request(columns=3), samples.LIMITS)
    jobs.dismiss(sessions, dismissed.id)
    audit(sessions, folder)
    assert len(block_rows(sessions)) == 3

    with sessions.write() as session:
        session.delete(session.get_one(JobRow, dismissed.id))
    audit(sessions, folder)

    assert [row.status for row in block_rows(sessions)] == ["done"]
    with sessions.read() as session:
        assert len(jobs.done_blocks(session, kept.id)) == 1


def test_a_layer_row_alone_protects_the_files_it_shows(sessions: Sessions, folder: FolderStorage) -> None:
    predicted(sessions, folder)
    put(folder, "jobs/abcd/classes.tif")
    with sessions.write() as session:
        session.add(
            LayerRow(
                id=layer_id_of("abcd"),
                title="",
                description="",
                nomenclature="cosia",
                attribution="",
                version="1",
            )
        )

    audit(sessions, folder, grace_s=-1)

    assert folder.exists("jobs/abcd/classes.tif")
