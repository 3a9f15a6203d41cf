"""Blocks from claim to file, and the end of a job, with a real network on real rasters; nobody is rung."""

from __future__ import annotations

import json
import os
import pickle
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import safetensors.torch
import shapely
import torch
from rasterio.transform import from_origin
from sqlalchemy import select, update

from app import aoi, blocks, imagery, jobs, models
from app.blocks import Claim
from app.catalogue import Catalogue
from app.database import BlockRow, JobRow, Sessions
from app.definitions import Augmentation, BlockCell, ImagerySource, ModelCard, prediction_grid
from app.errors import Unavailable
from app.outputs import write_block
from app.settings import Settings
from app.storage import FolderStorage, sha256
from tests import samples
from tests.worker.watched import Watched
from worker.architectures import build
from worker.batch import Batch
from worker.devices import DeviceBroken
from worker.finalize import finalize
from worker.fitness import weights_fault
from worker.materials import Imagery, Materials
from worker.pipeline import Prediction, Predictor, _predictors
from worker.prediction_outputs import PredictionOutputs
from worker.presence import Presence
from worker.watchdog import STALLED

BLOCK = prediction_grid().block(samples.CELL)
PATCH_PX = 400
OFFSET_PX = 300


def finish(sessions: Sessions, storage: FolderStorage, settings: Settings, job_id: str) -> bool:
    catalogue = Catalogue(sessions, storage, settings.refresh_s)
    return finalize(
        sessions, storage, settings, job_id, catalogue=catalogue, stop=threading.Event(), watchdog=Watched()
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=str(tmp_path / "data"), attempts=2)


@pytest.fixture
def source(sessions: Sessions, tmp_path: Path) -> ImagerySource:
    """400 × 400 px of imagery inside the first block and as many across the border to the next."""
    stacks = []
    for name, left in (("a", BLOCK.left + OFFSET_PX * 0.2), ("b", BLOCK.left + (2048 - 200) * 0.2)):
        path = tmp_path / f"{name}.tif"
        pixels = np.random.default_rng(7).integers(1, 255, (5, PATCH_PX, PATCH_PX), np.uint8)
        with rasterio.open(
            path, "w", driver="GTiff", width=PATCH_PX, height=PATCH_PX, count=5, dtype="uint8", crs="EPSG:2154",
            transform=from_origin(left, BLOCK.top - OFFSET_PX * 0.2, 0.2, 0.2),
        ) as dataset:  # fmt: skip
            dataset.write(pixels)
        stacks.append(path)
    return imagery.register(sessions, source_id="ortho", title="Ortho", stack=stacks)


@pytest.fixture
def model(sessions: Sessions, storage: FolderStorage, card: ModelCard) -> models.TrainedModel:
    torch.manual_seed(3)
    content = safetensors.torch.save(build(card).state_dict())
    path = storage.folder / "new.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    digest = sha256(path)
    completed = card.model_copy(update={"weights": "new.safetensors", "sha256": digest})
    with sessions.write() as session:
        models.add_model(session, storage, completed, content, digest)
        return models.find_model(session, storage, card.id)


def forget_networks() -> None:
    """As a process that was just started."""
    _predictors.clear()


Submit = Callable[..., JobRow]


@pytest.fixture
def submit(
    sessions: Sessions, source: ImagerySource, model: models.TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> Submit:
    monkeypatch.setattr("app.broker.ring", lambda *_: True)

    def submitted(columns: int = 1) -> JobRow:
        request = samples.request(columns=columns, source=source, ensemble=models.ensemble_of([model]))
        return jobs.submit(sessions, request, samples.LIMITS)

    return submitted


def run_batch(
    sessions: Sessions, storage: FolderStorage, settings: Settings, job: JobRow, stop: threading.Event | None = None
) -> list[str]:
    presence = Presence(sessions, device="cpu", queues=("gpu", "cpu"))
    presence.come_back()
    presence.measured(job.predicted_by or "", 1.0)
    return Batch(sessions, storage, settings, job.id, presence, stop or threading.Event(), Watched()).run()


def rows(sessions: Sessions) -> list[BlockRow]:
    with sessions.read() as session:
        return list(session.scalars(select(BlockRow).order_by(BlockRow.grid_column)))


def test_a_batch_writes_each_block_and_its_row(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit
) -> None:
    job = submit(columns=2)

    complete = run_batch(sessions, storage, settings, job)

    assert complete == [job.id]
    for row in rows(sessions):
        path = storage.path(row.href or "")
        assert (row.status, row.sha256) == ("done", sha256(path))
        with rasterio.open(path) as dataset:
            classes, confidence = dataset.read()
            assert (dataset.shape, dataset.crs.to_epsg()) == ((2048, 2048), 2154)
        values, counts = np.unique(classes, return_counts=True)
        assert row.histogram == {str(v): int(n) for v, n in zip(values, counts, strict=True)}
        assert ((classes == 0) == (confidence == 0)).all()


def test_pixels_without_imagery_are_nodata_and_the_others_are_classes(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit
) -> None:
    run_batch(sessions, storage, settings, submit())

    with rasterio.open(storage.path(rows(sessions)[0].href or "")) as dataset:
        classes = dataset.read(1)

    expected = np.zeros((2048, 2048), bool)
    expected[OFFSET_PX : OFFSET_PX + PATCH_PX, OFFSET_PX : OFFSET_PX + PATCH_PX] = True
    expected[OFFSET_PX : OFFSET_PX + PATCH_PX, -200:] = True
    np.testing.assert_array_equal(classes > 0, expected)
    assert set(np.unique(classes)) <= {0, 1, 2, 3}


def test_a_block_computed_twice_has_the_same_bytes(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit
) -> None:
    run_batch(sessions, storage, settings, submit())
    (first,) = rows(sessions)
    with sessions.write() as session:
        session.execute(update(BlockRow).values(status="waiting", attempts=0))

    run_batch(sessions, storage, settings, submit())

    assert [row.sha256 for row in rows(sessions)] == [first.sha256]


def test_a_stopping_worker_hands_its_blocks_back(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit
) -> None:
    stop = threading.Event()
    stop.set()

    assert run_batch(sessions, storage, settings, submit(columns=2), stop) == []
    assert [(row.status, row.attempts) for row in rows(sessions)] == [("waiting", 0)] * 2


def test_a_storage_that_cannot_be_written_is_no_fault_of_the_block(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit
) -> None:
    job = submit()
    (storage.folder / "blocks").write_text("a file where a folder is needed")

    run_batch(sessions, storage, settings, job)

    (row,) = rows(sessions)
    assert (row.status, row.attempts) == ("waiting", 0)
    assert row.retry_at > time.time() + 5
    with sessions.read() as session:
        asked = jobs.get(session, job.id)
        assert (asked.status, asked.message) == ("running", "postponed: the storage cannot be written: Not a directory")


def test_what_postponed_a_job_is_not_said_any_more_once_a_block_is_done(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit
) -> None:
    job = submit()
    (storage.folder / "blocks").write_text("a file where a folder is needed")
    run_batch(sessions, storage, settings, job)
    (storage.folder / "blocks").unlink()
    assert run_batch(sessions, storage, settings, job) == []  # not yet time for another try

    make_it_time(sessions)
    run_batch(sessions, storage, settings, job)

    with sessions.read() as session:
        assert jobs.get(session, job.id).message == ""


def make_it_time(sessions: Sessions) -> None:
    with sessions.write() as session:
        session.execute(update(BlockRow).values(retry_at=0.0))


def test_a_poison_block_fails_after_its_attempts_with_waits_between_and_its_neighbour_is_done(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(columns=2)
    predict = Predictor.predict

    def poisoned(self: Predictor, pixels: np.ndarray, valid: np.ndarray, *more: Any, **named: Any) -> Prediction:
        if valid[OFFSET_PX, OFFSET_PX]:  # the first block
            raise ZeroDivisionError
        return predict(self, pixels, valid, *more, **named)

    monkeypatch.setattr(Predictor, "predict", poisoned)
    first = run_batch(sessions, storage, settings, job)
    bad = rows(sessions)[0]
    assert (first, bad.status, bad.attempts) == ([], "waiting", 1)
    assert bad.retry_at > time.time() + 5

    make_it_time(sessions)
    assert run_batch(sessions, storage, settings, job) == [job.id]
    assert [row.status for row in rows(sessions)] == ["failed", "done"]
    assert rows(sessions)[0].reason == "this block could not be predicted because of an internal error"


@pytest.mark.parametrize("harm", ["missing", "truncated", "wrong", "pickle"])
def test_weights_that_cannot_be_used_take_the_worker_out_of_service_and_cost_no_attempt(
    sessions: Sessions,
    storage: FolderStorage,
    settings: Settings,
    submit: Submit,
    model: models.TrainedModel,
    harm: str,
) -> None:
    job = submit()
    (path,) = (storage.folder / "models").iterdir()
    good = path.read_bytes()
    forget_networks()
    if harm == "missing":
        path.unlink()
    else:
        bad = {"truncated": good[:100], "wrong": good + b"x", "pickle": pickle.dumps(Touch(storage.folder / "pwn"))}
        path.write_bytes(bad[harm])

    presence = Presence(sessions, device="cpu", queues=("gpu",))
    presence.come_back()
    Batch(sessions, storage, settings, job.id, presence, threading.Event(), Watched()).run()

    (row,) = rows(sessions)
    assert (row.status, row.attempts) == ("waiting", 0)
    if harm == "missing":  # a file that is not there may as well be a storage that is away
        assert "not in the storage" in str(row.reason)
    else:
        assert str(presence.out_of_service).startswith("the weights of model tiny: ")
    assert not (storage.folder / "pwn").exists()
    assert "weights of model tiny" in str(weights_fault(sessions, storage, ("gpu",)))


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.path}",)


def test_a_gpu_that_fails_ends_the_process_and_gives_the_blocks_back(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(columns=2)

    def broken(*_: object, **_named: object) -> Prediction:
        raise DeviceBroken("the GPU failed: CUDA error: unspecified launch failure")

    monkeypatch.setattr(Predictor, "predict", broken)
    watchdog = Watched()
    presence = Presence(sessions, device="cuda", queues=("gpu",))
    presence.come_back()
    presence.measured("tiny", 1.0)
    Batch(sessions, storage, settings, job.id, presence, threading.Event(), watchdog).run()

    assert watchdog.codes == [STALLED]
    assert watchdog.last_words == ["the GPU failed: CUDA error: unspecified launch failure"]
    assert [(row.status, row.attempts) for row in rows(sessions)] == [("waiting", 0)] * 2


def test_a_block_is_written_while_the_next_is_predicted(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(columns=2)
    predict, write, second_begun, predicted = Predictor.predict, write_block, threading.Event(), []

    def noticed(self: Predictor, *given: Any, **named: Any) -> Prediction:
        predicted.append(self)
        if len(predicted) == 2:
            second_begun.set()
        return predict(self, *given, **named)

    def late(*given: Any) -> None:
        assert second_begun.wait(20)
        write(*given)

    monkeypatch.setattr(Predictor, "predict", noticed)
    monkeypatch.setattr("worker.batch.write_block", late)

    assert run_batch(sessions, storage, settings, job) == [job.id]
    assert [row.status for row in rows(sessions)] == ["done", "done"]


def test_beside_a_gpu_several_blocks_are_read_and_written_at_a_time(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(columns=2)
    read, write = Materials.read, write_block
    both_read, both_written = threading.Barrier(2), threading.Barrier(2)

    def read_together(self: Materials, claim: Claim) -> Imagery:
        both_read.wait(20)
        return read(self, claim)

    def write_together(*given: Any) -> None:
        both_written.wait(20)
        write(*given)

    monkeypatch.setattr("worker.batch.threads_beside", lambda device: 2)
    monkeypatch.setattr(Materials, "read", read_together)
    monkeypatch.setattr("worker.batch.write_block", write_together)

    assert run_batch(sessions, storage, settings, job) == [job.id]
    assert [row.status for row in rows(sessions)] == ["done", "done"]


def test_a_map_server_is_asked_for_one_block_at_a_time(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(columns=2)
    read, one, second_came = Materials.read, threading.Lock(), []

    def read_alone(self: Materials, claim: Claim) -> Imagery:
        second_came.append(not one.acquire(blocking=False))
        try:
            return read(self, claim)
        finally:
            one.release()

    monkeypatch.setattr("worker.batch.threads_beside", lambda device: 2)
    monkeypatch.setattr(Materials, "are_fetched", lambda self, claim: True)
    monkeypatch.setattr(Materials, "read", read_alone)

    assert run_batch(sessions, storage, settings, job) == [job.id]
    assert second_came == [False, False]


def test_imagery_is_fetched_where_a_map_server_gives_it(
    sessions: Sessions, storage: FolderStorage, source: ImagerySource
) -> None:
    service = {"url": "http://127.0.0.1:9/wms", "layers": [{"role": "rgb", "layer": "ortho"}]}
    town = {"id": "town", "title": "Town", "epsg": 2154, "bbox": [3.25, 43.56, 3.26, 43.57], "service": service}
    imagery.register_service(sessions, imagery.define_service(town))
    fetched = Materials(sessions, storage).are_fetched
    claim = Claim("key", 1, "me", BlockCell(1800, 14000), 2154, source.id, source.version, (), Augmentation.NONE, 1)

    assert not fetched(claim)
    assert fetched(replace(claim, source_id="town"))
    assert not fetched(replace(claim, source_id="gone"))


def test_a_block_that_is_predicted_is_written_before_a_broken_gpu_ends_the_process(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(columns=2)
    predict, write, works, broken = Predictor.predict, write_block, iter([True]), threading.Event()
    at_the_end: list[str] = []

    def breaking(self: Predictor, *given: Any, **named: Any) -> Prediction:
        if next(works, False):
            return predict(self, *given, **named)
        broken.set()
        raise DeviceBroken("the GPU failed")

    def late(*given: Any) -> None:
        assert broken.wait(20)
        write(*given)

    class Ending(Watched):
        def end(self, reason: str) -> None:
            at_the_end.extend(row.status for row in rows(sessions))

    monkeypatch.setattr(Predictor, "predict", breaking)
    monkeypatch.setattr("worker.batch.write_block", late)
    presence = Presence(sessions, device="cuda", queues=("gpu",))
    presence.come_back()
    presence.measured("tiny", 1.0)
    Batch(sessions, storage, settings, job.id, presence, threading.Event(), Ending()).run()

    assert sorted(at_the_end) == ["done", "waiting"]


def test_a_block_that_cannot_be_written_goes_back_and_its_neighbour_is_done(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(columns=2)
    write, refusals = write_block, iter([True])

    def full(*given: Any) -> None:
        if next(refusals, False):
            raise Unavailable("the storage is full")
        write(*given)

    monkeypatch.setattr("worker.batch.write_block", full)

    assert run_batch(sessions, storage, settings, job) == []
    assert sorted((row.status, row.attempts, row.reason) for row in rows(sessions) if row.status != "done") == [
        ("waiting", 0, "the storage is full")
    ]


def test_a_stopping_worker_gives_a_long_block_back_within_it(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, stop = submit(), threading.Event()
    monkeypatch.setattr("worker.batch._FINISH_WITHIN_S", 0.0)

    def long(_: Predictor, _pixels: object, _valid: object, between: Callable[[], None], **_named: Any) -> Prediction:
        stop.set()
        for _ in range(1000):
            between()
            time.sleep(0.001)
        raise AssertionError

    monkeypatch.setattr(Predictor, "predict", long)
    run_batch(sessions, storage, settings, job, stop)

    assert [(row.status, row.attempts) for row in rows(sessions)] == [("waiting", 0)]


def test_a_database_that_goes_away_before_the_row_is_written_costs_nothing(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit()
    monkeypatch.setattr("worker.persisting._PAUSE_S", 0.0)
    complete, refusals = blocks.complete, iter([True] * 3)

    def away(*args: Any, **values: Any) -> bool:
        if next(refusals, False):
            raise Unavailable("the database does not answer")
        return complete(*args, **values)

    monkeypatch.setattr("app.blocks.complete", away)

    assert run_batch(sessions, storage, settings, job) == [job.id]
    assert (rows(sessions)[0].status, rows(sessions)[0].attempts) == ("done", 1)


@pytest.mark.parametrize("harm", ["flipped", "truncated"])
def test_a_damaged_block_file_is_computed_again_before_results_are_made(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit, harm: str
) -> None:
    job = submit(columns=2)
    run_batch(sessions, storage, settings, job)
    victim = rows(sessions)[0]
    path = storage.path(victim.href or "")
    good = path.read_bytes()
    path.write_bytes(good[:-100] if harm == "truncated" else good[:2000] + bytes([good[2000] ^ 1]) + good[2001:])

    assert finish(sessions, storage, settings, job.id)  # there is more to do
    with sessions.read() as session:
        assert jobs.progress(session, job.id) == (2, 1, 0)
    assert run_batch(sessions, storage, settings, job) == [job.id]
    finish(sessions, storage, settings, job.id)

    assert path.read_bytes() == good
    with sessions.read() as session:
        ended = jobs.get(session, job.id)
    assert (ended.status, ended.finalize_attempts) == ("successful", 1)


def test_results_of_a_job_that_is_dismissed_meanwhile_are_removed(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit()
    run_batch(sessions, storage, settings, job)
    write = PredictionOutputs.write

    def dismissed(self: PredictionOutputs) -> dict[str, str]:
        hrefs = write(self)
        jobs.dismiss(sessions, job.id)
        return hrefs

    monkeypatch.setattr(PredictionOutputs, "write", dismissed)
    finish(sessions, storage, settings, job.id)

    assert not (storage.folder / "jobs" / job.id).exists()
    with sessions.read() as session:
        assert (jobs.get(session, job.id).status, jobs.get(session, job.id).results) == ("dismissed", None)


def test_imagery_that_was_replaced_since_is_not_predicted_under_the_old_key(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit, tmp_path: Path
) -> None:
    job = submit()
    imagery.register(sessions, source_id="ortho", title="Ortho", stack=[tmp_path / "a.tif"], replace=True)

    run_batch(sessions, storage, settings, job)

    (row,) = rows(sessions)
    assert (row.status, "was replaced" in str(row.reason)) == ("failed", True)


def test_a_finished_job_has_its_outputs_clipped_to_the_aoi(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit
) -> None:
    job = submit(columns=2)
    run_batch(sessions, storage, settings, job)

    finish(sessions, storage, settings, job.id)

    with sessions.read() as session:
        ended = jobs.get(session, job.id)
    assert (ended.status, sorted(ended.results or {})) == (
        "successful",
        ["areas", "classes"],
    )
    with rasterio.open(storage.path(f"jobs/{job.id}/classes.tif")) as dataset:
        classes, transform = dataset.read(1), dataset.transform
        assert dataset.colormap(1)[1] == (206, 112, 121, 255)
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    column, row = np.meshgrid(np.arange(classes.shape[1]) + 0.5, np.arange(classes.shape[0]) + 0.5)
    x, y = transform @ (column, row)
    inside = shapely.contains_xy(aoi.to_grid_crs(ended.aoi, 2154), x, y)
    assert (classes[~inside] == 0).all()
    table = json.loads(storage.path(f"jobs/{job.id}/areas.json").read_text())
    counted = {each["value"]: each["area_m2"] for each in table["classes"]}
    expected = {int(v): int((classes == v).sum()) * 0.04 for v in np.unique(classes[inside]) if v}
    assert counted == pytest.approx(expected)


def test_finalizing_again_changes_nothing(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit
) -> None:
    job = submit()
    run_batch(sessions, storage, settings, job)
    finish(sessions, storage, settings, job.id)
    before = sha256(storage.path(f"jobs/{job.id}/classes.tif"))

    finish(sessions, storage, settings, job.id)

    assert sha256(storage.path(f"jobs/{job.id}/classes.tif")) == before


def test_a_storage_that_is_away_postpones_the_end_and_costs_no_attempt(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit
) -> None:
    job = submit()
    run_batch(sessions, storage, settings, job)
    (storage.folder / "jobs").write_text("a file where a folder is needed")

    finish(sessions, storage, settings, job.id)

    with sessions.read() as session:
        waiting = jobs.get(session, job.id)
    assert (waiting.status, waiting.finalize_attempts) == ("running", 0)


def test_a_surprise_is_tried_again_and_leaves_a_neutral_reason_in_the_end(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit()
    run_batch(sessions, storage, settings, job)
    monkeypatch.setattr("worker.finalize.PredictionOutputs", lambda *_: 1 // 0)

    finish(sessions, storage, settings, job.id)
    with sessions.read() as session:
        assert jobs.get(session, job.id).status == "running"
    finish(sessions, storage, settings, job.id)  # the second of two attempts

    with sessions.read() as session:
        ended = jobs.get(session, job.id)
    assert (ended.status, ended.message) == (
        "failed",
        "the results could not be made because of an internal error",
    )


def test_a_batch_of_a_dismissed_job_does_nothing(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit
) -> None:
    job = submit()
    jobs.dismiss(sessions, job.id)

    assert run_batch(sessions, storage, settings, job) == []
    assert rows(sessions)[0].status == "waiting"


def test_writing_leaves_nothing_behind_when_it_fails(storage: FolderStorage) -> None:
    def write_half() -> None:
        with storage.writing("blocks/aa/a.tif") as path:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(Unavailable, match="No space left"):
        write_half()

    assert [p for p in storage.folder.rglob("*") if p.is_file()] == []
