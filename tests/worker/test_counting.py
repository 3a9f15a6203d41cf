"""Jobs that count, in turns, on both databases; nobody is rung."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapely
from sqlalchemy import update

from app import aoi, jobs
from app.catalogue import Catalogue
from app.database import JobRow, Sessions
from app.definitions import Grid
from app.publish import unpublish
from app.settings import Settings
from app.storage import FolderStorage
from tests import published, samples
from tests.worker.watched import Watched
from worker.finalize import finalize

# Two and a half windows wide: three of them.
GRID = Grid(2154, published.LEFT, published.TOP, 0.2, 5120, 64)

Finish = Callable[..., bool]


@pytest.fixture
def layers(sessions: Sessions, storage: FolderStorage, tmp_path: Path) -> None:
    """`town`: deciduous. `later`: the same, with a building in the first 1000 columns."""
    values = np.full((GRID.height, GRID.width), published.DECIDUOUS, np.uint8)
    published.publish_layer(sessions, storage, published.write_classes(tmp_path / "town.tif", values, GRID))
    values[:, :1000] = published.BUILDING
    raster = published.write_classes(tmp_path / "later.tif", values, GRID)
    published.publish_layer(sessions, storage, raster, layer_id="later", vintage=2024)


@pytest.fixture
def finish(sessions: Sessions, storage: FolderStorage, tmp_path: Path) -> Finish:
    """One turn at a job, as a worker takes it."""
    catalogue = Catalogue(sessions, storage, 2.0)

    def turn(job: JobRow, *, stop: threading.Event | None = None, turn_s: float = 60.0) -> bool:
        settings = Settings(data=str(tmp_path / "data"), attempts=2, turn_s=turn_s)
        return finalize(
            sessions, storage, settings, job.id, catalogue=catalogue, stop=stop or threading.Event(), watchdog=Watched()
        )

    return turn


@pytest.fixture(autouse=True)
def _nobody_is_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.broker.ring", lambda *_: True)
    monkeypatch.setattr("app.broker.waiting", lambda _: 0)


def submit(sessions: Sessions, **changes: object) -> JobRow:
    area = aoi.from_grid_crs(shapely.box(*GRID.bounds), 2154, step_m=1.0)
    return jobs.submit_count(sessions, samples.count(aoi=area, **changes), samples.LIMITS)


def state(sessions: Sessions, job: JobRow) -> JobRow:
    with sessions.read() as session:
        return jobs.get(session, job.id)


@pytest.mark.usefixtures("layers")
def test_a_job_counts_to_its_end_and_leaves_the_document(
    sessions: Sessions, storage: FolderStorage, finish: Finish
) -> None:
    job = submit(sessions)

    assert finish(job) is False

    ended = state(sessions, job)
    assert (ended.status, ended.progress, ended.results) == (
        "successful",
        100,
        {"areas": f"jobs/{job.id}/areas.json"},
    )
    document = json.loads(storage.path(f"jobs/{job.id}/areas.json").read_text())
    assert [(c["code"], c["area_m2"]) for c in document["classes"]] == [("feuillu", 5120 * 64 * 0.04)]


@pytest.mark.usefixtures("layers")
def test_a_comparison_gives_the_transition_matrix(sessions: Sessions, storage: FolderStorage, finish: Finish) -> None:
    job = submit(sessions, process=jobs.COMPARE_LAYERS, inputs={"from": "town", "to": "later"}, output="changes")

    finish(job)

    assert state(sessions, job).status == "successful"
    document = json.loads(storage.path(f"jobs/{job.id}/changes.json").read_text())
    assert document["changed_m2"] == pytest.approx(1000 * 64 * 0.04)
    assert [(t["from_code"], t["to_code"]) for t in document["transitions"]] == [
        ("feuillu", "batiment"),
        ("feuillu", "feuillu"),
    ]


@pytest.mark.usefixtures("layers")
def test_a_turn_ends_after_its_time_and_the_next_goes_on(
    sessions: Sessions, storage: FolderStorage, finish: Finish
) -> None:
    job = submit(sessions)

    more = [finish(job, turn_s=1e-9), finish(job, turn_s=1e-9), finish(job, turn_s=1e-9)]

    assert more == [True, True, False]
    ended = state(sessions, job)
    assert (ended.status, ended.finalize_attempts) == ("successful", 1)
    document = json.loads(storage.path(f"jobs/{job.id}/areas.json").read_text())
    assert document["area_m2"] == 5120 * 64 * 0.04


@pytest.mark.usefixtures("layers")
def test_progress_is_told_while_it_counts(sessions: Sessions, finish: Finish) -> None:
    job = submit(sessions)

    finish(job, turn_s=1e-9)

    waiting = state(sessions, job)
    assert (waiting.status, waiting.progress) == ("running", 33)
    assert waiting.checkpoint is not None
    assert waiting.checkpoint["windows_done"] == 1
    with sessions.read() as session:
        assert len(jobs.events_since(session, job.id, 0)) >= 3  # accepted, running, 33 %


@pytest.mark.usefixtures("layers")
def test_a_worker_that_has_to_stop_keeps_what_it_counted(sessions: Sessions, finish: Finish) -> None:
    job, stop = submit(sessions), threading.Event()
    stop.set()

    assert finish(job, stop=stop) is True
    assert state(sessions, job).progress == 33


@pytest.mark.usefixtures("layers")
def test_a_turn_whose_worker_was_killed_is_taken_again(
    sessions: Sessions, storage: FolderStorage, finish: Finish
) -> None:
    job = submit(sessions)
    finish(job, turn_s=1e-9)
    with sessions.write() as session:  # a worker begins its turn and is never heard of again
        assert jobs.begin_finalizing(session, job.id, most_attempts=2, lease_s=60) is not None
    assert finish(job) is False
    assert state(sessions, job).status == "running"  # the lease holds
    with sessions.write() as session:
        session.execute(update(JobRow).values(lease_until=0.0))

    finish(job)

    assert state(sessions, job).status == "successful"
    document = json.loads(storage.path(f"jobs/{job.id}/areas.json").read_text())
    assert document["area_m2"] == 5120 * 64 * 0.04


KILLED_AT_THE_SECOND_WINDOW = """
import os, signal, sys, threading
from app import jobs
from app.catalogue import Catalogue
from app.database import Sessions, connect
from app.settings import Settings
from app.storage import FolderStorage
from pathlib import Path
from tests.worker.watched import Watched
from worker.finalize import finalize

url, data, job_id = sys.argv[1:]
sessions, storage = Sessions(connect(url)), FolderStorage(Path(data))
tell = jobs.tell_progress
def told(session, job, percent):
    if percent > 33:
        os.kill(os.getpid(), signal.SIGKILL)
    return tell(session, job, percent)
jobs.tell_progress = told
catalogue = Catalogue(sessions, storage, 2.0)
stop, config = threading.Event(), Settings(data=data)
finalize(sessions, storage, config, job_id, catalogue=catalogue, stop=stop, watchdog=Watched())
"""


@pytest.mark.usefixtures("layers")
def test_a_job_whose_worker_is_killed_while_it_counts_is_finished_by_another(
    sessions: Sessions, storage: FolderStorage, finish: Finish, database_url: str
) -> None:
    job = submit(sessions)

    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT_THE_SECOND_WINDOW, database_url, str(storage.folder), job.id], check=False
    )

    assert killed.returncode == -signal.SIGKILL
    assert state(sessions, job).status == "running"
    with sessions.write() as session:  # as time would
        session.execute(update(JobRow).values(lease_until=0.0, rung_at=0.0))
    assert jobs.sweep(sessions).jobs_rung == [job.id]
    finish(job)
    document = json.loads(storage.path(f"jobs/{job.id}/areas.json").read_text())
    assert (state(sessions, job).status, document["area_m2"]) == ("successful", 5120 * 64 * 0.04)


@pytest.mark.usefixtures("layers")
def test_a_dismissed_job_stops_between_windows_and_leaves_nothing(
    sessions: Sessions, storage: FolderStorage, finish: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(sessions)
    tell = jobs.tell_progress

    def dismiss_at_the_second_window(session: object, told: JobRow, percent: int) -> bool:
        if percent > 33:
            session.execute(update(JobRow).values(status="dismissed"))  # type: ignore[attr-defined]  # a Session
        return tell(session, told, percent)  # type: ignore[arg-type]  # a Session

    monkeypatch.setattr("app.jobs.tell_progress", dismiss_at_the_second_window)

    finish(job)

    ended = state(sessions, job)
    assert (ended.status, ended.progress, ended.checkpoint, ended.results) == ("dismissed", 33, None, None)
    assert storage.names("jobs") == []


@pytest.mark.usefixtures("layers")
def test_a_layer_published_anew_between_two_turns_is_counted_from_its_beginning(
    sessions: Sessions, storage: FolderStorage, finish: Finish, tmp_path: Path
) -> None:
    job = submit(sessions)
    finish(job, turn_s=1e-9)
    water = np.full((GRID.height, GRID.width), published.WATER, np.uint8)
    published.publish_layer(sessions, storage, published.write_classes(tmp_path / "new.tif", water, GRID))

    finish(job)

    document = json.loads(storage.path(f"jobs/{job.id}/areas.json").read_text())
    assert [(c["code"], c["area_m2"]) for c in document["classes"]] == [("surface_eau", 5120 * 64 * 0.04)]


@pytest.mark.usefixtures("layers")
def test_a_layer_withdrawn_since_fails_the_job_with_that_reason(
    sessions: Sessions, storage: FolderStorage, finish: Finish
) -> None:
    job = submit(sessions)
    unpublish(sessions, storage, "town")

    finish(job)

    ended = state(sessions, job)
    assert (ended.status, ended.message) == ("failed", "a layer was withdrawn since the job was asked")


@pytest.mark.usefixtures("layers")
def test_a_damaged_raster_fails_the_job_after_its_attempts(
    sessions: Sessions, storage: FolderStorage, finish: Finish
) -> None:
    job = submit(sessions)
    for name in storage.names("layers/town"):
        if name.endswith(".tif"):
            storage.path(name).write_bytes(b"II*\0")

    finish(job)
    assert state(sessions, job).status == "running"
    finish(job)  # the second of two attempts

    ended = state(sessions, job)
    assert (ended.status, "cannot be read" in ended.message) == ("failed", True)
