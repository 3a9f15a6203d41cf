"""Blocks from claim to file, and the end of a job, with a real network on real rasters; nobody is rung."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import safetensors.torch
import shapely
import torch
from rasterio.transform import from_origin
from sqlalchemy import select, update

from app import aoi, imagery, jobs, models
from app.catalogue import Catalogue
from app.database import BlockRow, JobRow, Sessions
from app.definitions import ImagerySource, ModelCard, prediction_grid
from app.errors import Unavailable
from app.settings import Settings
from app.storage import FolderStorage, sha256
from tests import samples
from worker.architectures import build
from worker.batch import Batch
from worker.finalize import finalize
from worker.presence import Presence

BLOCK = prediction_grid().block(samples.CELL)
PATCH_PX = 400
OFFSET_PX = 300


def finish(sessions: Sessions, storage: FolderStorage, settings: Settings, job_id: str) -> bool:
    catalogue = Catalogue(sessions, storage, settings.refresh_s)
    return finalize(sessions, storage, settings, job_id, catalogue=catalogue, stop=threading.Event())


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "data")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=str(tmp_path / "data"), batch_blocks=4, attempts=2)


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


Submit = Callable[..., JobRow]


@pytest.fixture
def submit(
    sessions: Sessions, source: ImagerySource, model: models.TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> Submit:
    monkeypatch.setattr("app.broker.ring", lambda *_: True)

    def submitted(columns: int = 1) -> JobRow:
        request = samples.request(columns=columns, source=source, card=model.card, weights_sha256=model.sha256)
        return jobs.submit(sessions, request, samples.LIMITS)

    return submitted


def run_batch(
    sessions: Sessions, storage: FolderStorage, settings: Settings, job: JobRow, stop: threading.Event | None = None
) -> list[str]:
    presence = Presence(sessions, device="cpu", queues=("gpu", "cpu"))
    return Batch(sessions, storage, settings, job.id, presence, stop or threading.Event()).run()


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


def test_a_storage_that_cannot_be_written_leaves_the_block_for_another_try(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit
) -> None:
    job = submit()
    (storage.folder / "blocks").write_text("a file where a folder is needed")

    run_batch(sessions, storage, settings, job)

    (row,) = rows(sessions)
    assert row.status == "waiting"
    assert "storage cannot be written" in str(row.reason)


def test_after_the_last_allowed_attempt_the_block_fails(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit
) -> None:
    job = submit()
    (storage.folder / "blocks").write_text("a file where a folder is needed")

    run_batch(sessions, storage, settings, job)
    complete = run_batch(sessions, storage, settings, job)

    assert complete == [job.id]
    assert rows(sessions)[0].status == "failed"


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
