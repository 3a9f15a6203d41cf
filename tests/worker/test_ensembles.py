"""Jobs of several networks and of augmentations, from claim to results, with real tiny networks on real rasters."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pypdf
import pytest
import rasterio
import safetensors.torch
import torch
from sqlalchemy import delete, select
from torch import Tensor

from app import imagery, jobs, models
from app.catalogue import Catalogue
from app.database import BlockRow, JobRow, ModelRow, Sessions
from app.definitions import Augmentation, Band, ImagerySource, ModelCard
from app.models import TrainedModel
from app.settings import Settings
from app.storage import FolderStorage, sha256
from tests import samples
from tests.imagery_files import write_raster
from tests.worker.watched import Watched
from worker.architectures import build
from worker.batch import Batch
from worker.finalize import finalize
from worker.presence import Presence

BLOCK = samples.GRID.block(samples.CELL)
SIDE_PX = 128
OFFSET_PX = (2048 - SIDE_PX) // 2  # in the middle: turned by a quarter, the imagery lies where it lay
HERE = np.s_[OFFSET_PX : OFFSET_PX + SIDE_PX, OFFSET_PX : OFFSET_PX + SIDE_PX]
PIXELS = np.random.default_rng(11).integers(1, 255, (5, SIDE_PX, SIDE_PX), np.uint8)


@pytest.fixture(autouse=True)
def _nobody_is_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.broker.ring", lambda *_, **__: True)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Of one kind: what differs between databases is tested with the rows (tests/test_blocks.py)."""
    return sqlite_url


def register(sessions: Sessions, folder: Path, source_id: str, pixels: np.ndarray) -> ImagerySource:
    path = folder / f"{source_id}.tif"
    corner = OFFSET_PX * BLOCK.resolution_m
    write_raster(path, pixels, left=BLOCK.left + corner, top=BLOCK.top - corner)
    return imagery.register(sessions, source_id=source_id, title=source_id, stack=[path], year=2021)


@pytest.fixture
def cards(card: ModelCard, five_band_card: ModelCard) -> tuple[ModelCard, ModelCard]:
    """Two that differ in bands, margin, and channels: the second has a channel never trained, and another order."""
    stretched = {"mean": (100.0, 110.0, 120.0), "std": (50.0, 60.0, 70.0)}
    first = card.model_copy(update={"id": "wide", "title": "Wide", "margin_px": 32, **stretched})
    second = five_band_card.model_copy(
        update={"id": "narrow", "title": "Narrow", "margin_px": 64, "values": (3, 0, 2, 16)}
    )
    return first, second


@pytest.fixture
def trained(sessions: Sessions, storage: FolderStorage, cards: Sequence[ModelCard]) -> dict[str, TrainedModel]:
    for seed, card in enumerate(cards):
        add(sessions, storage, card, seed)
    with sessions.read() as session:
        return models.trained_models(session, storage)


def add(sessions: Sessions, storage: FolderStorage, card: ModelCard, seed: int) -> None:
    """The card with random weights, by which the best class differs from pixel to pixel."""
    torch.manual_seed(seed)
    network = build(card).eval()
    state = network.state_dict()
    with torch.inference_mode():
        scores = network(normalised(card))[0]
    spread = 2 / scores.std(dim=(1, 2))
    state["segmentation_head.0.weight"] *= spread.view(-1, 1, 1, 1)
    state["segmentation_head.0.bias"] -= scores.mean(dim=(1, 2))
    state["segmentation_head.0.bias"] *= spread
    content = safetensors.torch.save(state)
    path = storage.folder / "new.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    completed = card.model_copy(update={"weights": "new.safetensors", "sha256": sha256(path)})
    with sessions.write() as session:
        models.add_model(session, storage, completed, content, sha256(path))


Submit = Callable[..., JobRow]


@pytest.fixture
def submit(sessions: Sessions, trained: dict[str, TrainedModel], tmp_path: Path) -> Submit:
    register(sessions, tmp_path, "upright", PIXELS)

    def submitted(
        *names: str, augmentation: Augmentation = Augmentation.NONE, source: str = "upright", **changes: Any
    ) -> JobRow:
        with sessions.read() as session:
            found = imagery.find(session, source)
        request = samples.request(
            source=found,
            ensemble=models.ensemble_of([trained[name] for name in names], augmentation),
            inputs={"ensemble": list(names[1:]), "augmentation": str(augmentation), "language": "en"},
            **changes,
        )
        return jobs.submit(sessions, request, jobs.Limits())

    return submitted


def run(sessions: Sessions, storage: FolderStorage, settings: Settings, job: JobRow) -> Presence:
    presence = Presence(sessions, device="cpu", queues=("gpu", "cpu"))
    presence.come_back()
    Batch(sessions, storage, settings, job.id, presence, threading.Event(), Watched()).run()
    return presence


def predicted(sessions: Sessions, storage: FolderStorage, settings: Settings, job: JobRow) -> np.ndarray:
    """(2, 2048, 2048) uint8: classes and confidence of the job's block."""
    run(sessions, storage, settings, job)
    with sessions.read() as session:
        (row,) = jobs.done_blocks(session, job.id)
    with rasterio.open(storage.path(row.href or "")) as dataset:
        array: np.ndarray = dataset.read()
    return array


def normalised(card: ModelCard) -> Tensor:
    """(1, bands, SIDE_PX + 2 margin, SIDE_PX + 2 margin): PIXELS as the card has them, and 0 around."""
    bands = [list(Band).index(band) for band in card.bands]
    mean, std = (np.array(figures, np.float32).reshape(-1, 1, 1) for figures in (card.mean, card.std))
    around = (card.margin_px, card.margin_px)
    return torch.from_numpy(np.pad((PIXELS[bands] - mean) / std, ((0, 0), around, around)))[None].float()


def shares(model: TrainedModel) -> np.ndarray:
    """(17, SIDE_PX, SIDE_PX) float64 softmax per class value, by the network alone as its card has it."""
    card = model.card
    network = build(card)
    with model.weights() as path:
        network.load_state_dict(safetensors.torch.load_file(path))
    margin = card.margin_px
    with torch.inference_mode():
        scores = network.eval()(normalised(card))[0, :, margin:-margin, margin:-margin]
    by_channel = {value: scores[channel].double() for channel, value in enumerate(card.values) if value}
    softmax = torch.softmax(torch.stack(list(by_channel.values())), dim=0).numpy()
    found = np.zeros((17, SIDE_PX, SIDE_PX))
    found[list(by_channel)] = softmax
    return found


def test_a_block_of_an_ensemble_is_the_mean_of_the_members_softmax(
    sessions: Sessions,
    storage: FolderStorage,
    settings: Settings,
    submit: Submit,
    trained: dict[str, TrainedModel],
) -> None:
    classes, confidence = predicted(sessions, storage, settings, submit("wide", "narrow"))

    alone = [shares(trained[name]) for name in ("wide", "narrow")]
    mean = (alone[0] + alone[1]) / 2
    second, first = np.sort(mean, axis=0)[-2:]
    clear = first - second > 1e-4
    assert clear.mean() > 0.95
    np.testing.assert_array_equal(classes[HERE][clear], mean.argmax(axis=0)[clear])
    np.testing.assert_allclose(confidence[HERE], 255 * first, atol=0.6)
    assert set(np.unique(classes[HERE])) <= {1, 2, 3, 16}
    outside = np.ones((2048, 2048), bool)
    outside[HERE] = False
    assert not classes[outside].any()
    # Neither member alone would have given it.
    assert all((each.argmax(axis=0) != mean.argmax(axis=0)).mean() > 0.02 for each in alone)


def test_the_order_in_which_members_are_named_changes_no_byte_and_costs_nothing(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit
) -> None:
    first, second = submit("wide", "narrow"), submit("narrow", "wide")

    run(sessions, storage, settings, first)

    with sessions.read() as session:
        assert jobs.progress(session, second.id).done == 1
        assert len(session.scalars(select(BlockRow)).all()) == 1


def test_d4_of_a_network_turns_with_the_imagery(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit, tmp_path: Path
) -> None:
    register(sessions, tmp_path, "turned", np.ascontiguousarray(np.rot90(PIXELS, axes=(1, 2))))
    seen = {
        (source, augmentation): predicted(
            sessions, storage, settings, submit("narrow", source=source, augmentation=augmentation)
        )
        for source in ("upright", "turned")
        for augmentation in (Augmentation.NONE, Augmentation.D4)
    }

    def agreement(augmentation: Augmentation) -> float:
        upright, turned = seen["upright", augmentation][0], seen["turned", augmentation][0]
        return float((np.rot90(upright)[HERE] == turned[HERE]).mean())

    assert agreement(Augmentation.D4) >= 0.999  # sums of floats in another order decide the closest pixels
    assert agreement(Augmentation.NONE) < 0.99
    turned_confidence = np.rot90(seen["upright", Augmentation.D4][1])[HERE].astype(int)
    assert np.abs(turned_confidence - seen["turned", Augmentation.D4][1][HERE]).max() <= 1


def test_the_pace_of_an_ensemble_is_noted_under_all_its_members_and_the_augmentation(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit
) -> None:
    presence = run(sessions, storage, settings, submit("wide", "narrow", augmentation=Augmentation.FLIPS))

    assert list(presence.paces()) == ["narrow+wide@flips"]


def test_results_name_all_members_and_the_augmentation(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit
) -> None:
    outputs = ("areas", "report", "stac", "picture")
    alone = submit("wide", outputs=outputs)
    both = submit("wide", "narrow", augmentation=Augmentation.FLIPS, outputs=outputs)
    results = {job.id: finished(sessions, storage, settings, job) for job in (alone, both)}

    areas = json.loads(results[both.id]["areas"].read_text())
    properties = json.loads(results[both.id]["stac"].read_text())["properties"]
    text = " ".join(pypdf.PdfReader(results[both.id]["report"]).pages[0].extract_text().split())
    expected = {"model": "wide", "ensemble": ["narrow"], "augmentation": "flips"}
    assert {name: areas[name] for name in expected} == expected
    assert {name: properties[f"cosia:{name}"] for name in expected} == expected
    for told in (
        "Wide",
        "Narrow",
        "Mean of the softmax of 2 networks.",
        "Each network sees the image 4 times, mirrored along both axes.",
        "with a margin of 12.8 m",  # 64 px of 0.2 m, of the second
    ):
        assert told in text
    plain = json.loads(results[alone.id]["areas"].read_text())
    assert (plain["model"], plain["ensemble"], plain["augmentation"]) == ("wide", [], "none")
    assert plain["classes"] != areas["classes"]
    with sessions.read() as session:
        assert jobs.get(session, alone.id).results_key != jobs.get(session, both.id).results_key


def finished(sessions: Sessions, storage: FolderStorage, settings: Settings, job: JobRow) -> dict[str, Path]:
    run(sessions, storage, settings, job)
    finalize(
        sessions,
        storage,
        settings,
        job.id,
        catalogue=Catalogue(sessions, storage, settings.refresh_s),
        stop=threading.Event(),
        watchdog=Watched(),
    )
    with sessions.read() as session:
        row = jobs.get(session, job.id)
    assert row.status == "successful", row.message
    return {name: storage.path(href) for name, href in (row.results or {}).items()}


def test_a_member_whose_weights_were_replaced_is_not_predicted_with_under_the_old_key(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit, cards: Sequence[ModelCard]
) -> None:
    job = submit("wide", "narrow")
    add(sessions, storage, cards[1], seed=99)

    run(sessions, storage, settings, job)

    with sessions.read() as session:
        row = session.scalars(select(BlockRow)).one()
    assert row.status == "failed"
    assert row.reason == "the weights of model narrow were replaced since the job was asked: ask again"


def test_a_member_whose_weights_are_gone_puts_the_worker_out_of_service_and_not_the_block(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit
) -> None:
    job = submit("wide", "narrow", augmentation=Augmentation.D4)
    with sessions.write() as session:
        session.execute(delete(ModelRow).where(ModelRow.id == "narrow"))

    presence = run(sessions, storage, settings, job)

    assert "the weights of model narrow+wide@d4: there is no model 'narrow'" in str(presence.out_of_service)
    with sessions.read() as session:
        row = session.scalars(select(BlockRow)).one()
    assert (row.status, row.attempts) == ("waiting", 0)
