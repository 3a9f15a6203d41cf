"""Jobs of a network that needs a Sentinel-2 series, from claim to results, with a small U-T&T on real rasters."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import rasterio
import safetensors.torch
import torch
from click.testing import CliRunner
from pyproj import Transformer
from sqlalchemy import delete, select, update
from torch import Tensor

from app import imagery, jobs, models
from app.catalogue import Catalogue
from app.cli import main
from app.database import BlockRow, JobBlockRow, JobRow, Sessions
from app.database.migrate import migrate
from app.definitions import ExtraInput, ModelCard, Photographs, shipped_model_cards
from app.models import TrainedModel
from app.settings import Settings
from app.storage import FolderStorage, sha256
from tests import samples
from tests.imagery_files import random_bytes, write_raster
from tests.series_files import ground, write_image
from tests.worker.parity.seeding import seeded_state
from tests.worker.watched import Watched
from worker.architectures import build
from worker.architectures.metadata import Acquisition, encode
from worker.architectures.network import ExtraInputs, Series
from worker.batch import Batch
from worker.finalize import finalize
from worker.member import Member
from worker.presence import Presence

BLOCK = samples.GRID.block(samples.CELL)
SIDE_PX = 120
OFFSET_PX = 200
"""Imagery from row and column 200 of the block on: in the first and the second of its patches, which keep 256 px."""
HERE = np.s_[OFFSET_PX : OFFSET_PX + SIDE_PX, OFFSET_PX : OFFSET_PX + SIDE_PX]
PIXELS = random_bytes(5, SIDE_PX, SIDE_PX, seed=5)
SERIES_ALONE = (ExtraInput.SERIES,)
PHOTOGRAPHS = Photographs(taken=datetime(2020, 7, 22, 11, 42), camera="UCE-M3-f120-s06", altitude_m=1250)
APRIL, JULY = ground(seed=1), ground(seed=2)


@pytest.fixture(autouse=True)
def _nobody_is_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.broker.ring", lambda *_, **__: True)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Of one kind: what differs between databases is tested with the rows (tests/imagery)."""
    return sqlite_url


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    corner = OFFSET_PX * BLOCK.resolution_m
    return write_raster(tmp_path / "stack.tif", PIXELS, left=BLOCK.left + corner, top=BLOCK.top - corner)


def write_series(folder: Path) -> Path:
    """A date in April and one in July, and a third under clouds, which is left out."""
    write_image(folder, "20210412", APRIL)
    write_image(folder, "20210710", JULY)
    write_image(folder, "20210715", np.full((10, 120, 120), 9000, np.uint16), np.full((2, 120, 120), 80, np.uint8))
    return folder


def small_u_t_and_t(*, metadata: bool = False) -> ModelCard:
    """As the shipped card of U-T&T, of fewer channels; metadata: told how photographs were taken as well."""
    satellite = {"encoder": [16, 16], "decoder": [16, 16], "heads": 4, "model": 16, "keys": 2}
    unet = {"stem": 4, "encoder": [4, 4, 8, 8], "blocks": [1, 1, 1, 1], "decoder": [8, 8, 4, 4, 4]}
    parameters = {**unet, "satellite": satellite, "metadata": metadata}
    update = {"id": "fused", "parameters": parameters, "extra_inputs": tuple(ExtraInput) if metadata else SERIES_ALONE}
    return shipped_model_cards()["flair-2-ut-t"].model_copy(update=update)


@pytest.fixture
def small_card() -> ModelCard:
    return small_u_t_and_t()


@cache
def weights(*, metadata: bool = False) -> dict[str, Tensor]:
    """Random, such that the best class differs from pixel to pixel and hangs on what else the network is given."""
    network = build(small_u_t_and_t(metadata=metadata))
    state = seeded_state(network.state_dict(), seed=3)
    state |= {name: 5 * tensor for name, tensor in state.items() if name.startswith(("fm_utae_featmap_cropped", "mtd"))}
    network.load_state_dict(state)
    with torch.inference_mode():
        image = torch.from_numpy(random_bytes(5, 512, 512)[None] / 255).float()
        scores = network.eval()(image, **given_at(60, 60, metadata))[0, :, 128:-128, 128:-128]
    spread = 3 / scores.std(dim=(1, 2))
    state["arch_vhr.segmentation_head.0.weight"] *= spread.view(-1, 1, 1, 1)
    state["arch_vhr.segmentation_head.0.bias"] -= scores.mean(dim=(1, 2))
    state["arch_vhr.segmentation_head.0.bias"] *= spread
    return state


def series_at(middle_row: int, middle_column: int) -> Series:
    """Of a corner of pixels of the images: their means in April and July, at 30 and -61 days to 15 May."""
    rows, columns = (slice(middle - 20, middle + 20) for middle in (middle_row, middle_column))
    dates = np.stack([APRIL[:, rows, columns], JULY[:, rows, columns]]).astype(np.float32)
    return Series(torch.from_numpy(dates)[None], torch.tensor([[30.0, -61.0]]), (2,))


def given_at(middle_row: int, middle_column: int, metadata: bool, place: tuple[float, float] = (0, 0)) -> ExtraInputs:
    """What is given to the patch whose middle is that place, as `worker.architectures.metadata` encodes it."""
    given: ExtraInputs = {"series": series_at(middle_row, middle_column)}
    if metadata:
        told = Acquisition(*place, PHOTOGRAPHS.altitude_m, PHOTOGRAPHS.camera, PHOTOGRAPHS.taken)
        given["metadata"] = torch.from_numpy(encode(told))[None]
    return given


def trained(sessions: Sessions, storage: FolderStorage, card: ModelCard) -> TrainedModel:
    content = safetensors.torch.save(weights(metadata=ExtraInput.METADATA in card.extra_inputs))
    path = storage.folder / "new.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    completed = card.model_copy(update={"weights": "new.safetensors", "sha256": sha256(path)})
    with sessions.write() as session:
        models.add_model(session, storage, completed, content, sha256(path))
        return models.find_model(session, storage, card.id)


Submit = Callable[..., JobRow]


@pytest.fixture
def submit(sessions: Sessions, storage: FolderStorage, small_card: ModelCard, stack: Path) -> Submit:
    model = trained(sessions, storage, small_card)

    def submitted(series: Path, columns: int = 1) -> JobRow:
        source = imagery.register(sessions, source_id="ortho", title="Ortho", stack=[stack], series=[series], year=2021)
        request = samples.request(
            columns=columns,
            source=source,
            ensemble=models.ensemble_of([model]),
            inputs={"ensemble": [], "augmentation": "none", "language": "en"},
        )
        return jobs.submit(sessions, request, jobs.Limits())

    return submitted


def run(sessions: Sessions, storage: FolderStorage, settings: Settings, job: JobRow) -> None:
    presence = Presence(sessions, device="cpu", queues=("gpu", "cpu"))
    presence.come_back()
    Batch(sessions, storage, settings, job.id, presence, threading.Event(), Watched()).run()


def predicted(sessions: Sessions, storage: FolderStorage, settings: Settings, job: JobRow) -> np.ndarray:
    """(2, 2048, 2048) uint8: classes and confidence of the first block."""
    for _ in range(job.blocks_total):
        run(sessions, storage, settings, job)
    with sessions.read() as session:
        (row,) = (row for row in jobs.done_blocks(session, job.id) if row.grid_column == samples.CELL.column)
    with rasterio.open(storage.path(row.href or "")) as dataset:
        array: np.ndarray = dataset.read()
    return array


def by_hand(card: ModelCard) -> tuple[np.ndarray, np.ndarray]:
    """Classes and confidence where there is imagery, by the network alone on four patches cut out here."""
    metadata = ExtraInput.METADATA in card.extra_inputs
    network = build(card)
    network.load_state_dict(weights(metadata=metadata))
    block = np.zeros((5, 768, 768), np.float32)  # from 128 px above and left of the block's corner
    first = OFFSET_PX + 128
    block[:, first : first + SIDE_PX, first : first + SIDE_PX] = PIXELS / 255
    found = np.zeros((2, 512, 512))
    # The block's corner is (720 896, 6 273 792). Middles of patches lie 25.6 m and 76.8 m from it, at 720 921.6 and
    # 720 972.8, 6 273 766.4 and 6 273 715.2; the nearest corners of 10 m pixels are at 720 920 and 720 970, 6 273 770
    # and 6 273 720: columns 62 and 67, rows 73 and 78 of the images, whose corner is (720 300, 6 274 500).
    for row, middle_row in ((0, 73), (256, 78)):
        for column, middle_column in ((0, 62), (256, 67)):
            patch = torch.from_numpy(block[:, row : row + 512, column : column + 512])[None]
            with torch.inference_mode():
                given = given_at(middle_row, middle_column, metadata, (720_921.6 + column / 5, 6_273_766.4 - row / 5))
                logits = network.eval()(patch, **given)[0, :12, 128:-128, 128:-128]
            share, winner = logits.softmax(dim=0).max(dim=0)
            found[0, row : row + 256, column : column + 256] = np.array(card.values)[winner]
            found[1, row : row + 256, column : column + 256] = share * 255
    return found[0][HERE], found[1][HERE]


def test_block_is_predicted_with_the_series_around_each_of_its_patches(
    sessions: Sessions,
    storage: FolderStorage,
    settings: Settings,
    submit: Submit,
    small_card: ModelCard,
    tmp_path: Path,
) -> None:
    classes, confidence = predicted(sessions, storage, settings, submit(write_series(tmp_path / "s2")))

    expected, certain = by_hand(small_card)
    assert (classes[HERE] == expected).mean() > 0.999
    np.testing.assert_allclose(confidence[HERE], certain, atol=1)
    assert len(np.unique(expected)) > 6
    assert np.ptp(certain) > 50
    outside = np.ones((2048, 2048), bool)
    outside[HERE] = False
    assert not classes[outside].any()


def test_block_is_predicted_with_the_facts_of_the_photographs_as_well(
    sessions: Sessions, storage: FolderStorage, settings: Settings, stack: Path, tmp_path: Path
) -> None:
    card = small_u_t_and_t(metadata=True)
    model = trained(sessions, storage, card)
    series = [write_series(tmp_path / "s2")]
    source = imagery.register(
        sessions, source_id="ortho", title="Ortho", stack=[stack], series=series, photographs=PHOTOGRAPHS
    )
    job = jobs.submit(sessions, samples.request(source=source, ensemble=models.ensemble_of([model])), jobs.Limits())

    classes, confidence = predicted(sessions, storage, settings, job)

    expected, certain = by_hand(card)
    assert (classes[HERE] == expected).mean() > 0.999
    np.testing.assert_allclose(confidence[HERE], certain, atol=1)
    assert np.abs(certain - by_hand(small_u_t_and_t())[1]).max() > 5


def test_other_series_gives_other_classes_under_another_key(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit, tmp_path: Path
) -> None:
    one = submit(write_series(tmp_path / "s2"))
    first = predicted(sessions, storage, settings, one)
    write_image(tmp_path / "s2", "20210710", 4 * ground(seed=9))
    other = submit(tmp_path / "s2")
    second = predicted(sessions, storage, settings, other)

    with sessions.read() as session:
        assert len(session.scalars(select(BlockRow.key)).all()) == 2
    assert (first[0][HERE] != second[0][HERE]).mean() > 0.05


def utm_series(folder: Path) -> Path:
    x, y = Transformer.from_crs(2154, 32631, always_xy=True).transform(BLOCK.left - 500, BLOCK.top + 500)
    for day, seed in (("20210412", 1), ("20210710", 2)):
        write_image(folder, day, ground(200, 200, seed), left=round(x, -1), top=round(y, -1), crs="EPSG:32631")
    return folder


def test_bytes_of_a_block_do_not_depend_on_the_area_that_was_asked(
    sessions: Sessions,
    storage: FolderStorage,
    settings: Settings,
    submit: Submit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    series = utm_series(tmp_path / "s2")
    alone = predicted(sessions, storage, settings, submit(series))
    with sessions.write() as session:
        for rows in (JobBlockRow, BlockRow):
            session.execute(delete(rows))
    # The same place in a larger area, and four patches of a pass where it was one.
    monkeypatch.setattr(Member, "fill", 4)
    beside = predicted(sessions, storage, settings, submit(series, columns=2))

    assert np.array_equal(alone[0], beside[0])
    assert np.abs(alone[1].astype(int) - beside[1]).max() <= 1
    assert len(np.unique(alone[0][HERE])) > 6


def test_patch_that_no_date_shows_is_not_predicted(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit, tmp_path: Path
) -> None:
    # The first column of patches sees the ground to 721 120 m, the second to 721 170 m; the image begins at 721 130 m.
    gap = APRIL.copy()
    gap[:, :, :83] = 0
    write_image(tmp_path / "s2", "20210412", gap)

    classes, confidence = predicted(sessions, storage, settings, submit(tmp_path / "s2"))

    assert not classes[:, :256].any()
    assert not confidence[:, :256].any()
    assert (classes[HERE][:, 256 - OFFSET_PX :] > 0).all()


def test_results_have_the_twelve_classes_of_flair_2(
    sessions: Sessions,
    storage: FolderStorage,
    settings: Settings,
    submit: Submit,
    small_card: ModelCard,
    tmp_path: Path,
) -> None:
    job = submit(write_series(tmp_path / "s2"))
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
    assert row.results is not None
    areas = json.loads(storage.path(row.results["areas"]).read_text())
    expected = by_hand(small_card)[0]
    values, counts = np.unique(expected, return_counts=True)
    found = {each["value"]: each["area_m2"] for each in areas["classes"] if each["area_m2"]}
    assert set(found) == set(values) <= {1, 2, 3, 5, 6, 8, 9, 10, 11, 12, 13, 14}
    for value, count in zip(values, counts, strict=True):
        assert found[value] == pytest.approx(count * 0.04, abs=0.04 * 20)


def test_gone_series_postpones_a_block_and_a_damaged_one_counts_against_it(
    sessions: Sessions, storage: FolderStorage, settings: Settings, submit: Submit, tmp_path: Path
) -> None:
    job = submit(write_series(tmp_path / "s2"))
    (tmp_path / "s2").rename(tmp_path / "away")
    run(sessions, storage, settings, job)
    with sessions.read() as session:
        row = session.scalars(select(BlockRow)).one()
        assert (row.status, row.attempts, row.reason) == ("waiting", 0, "the imagery of ortho is away")

    (tmp_path / "away").rename(tmp_path / "s2")
    (tmp_path / "s2" / "S2_20210710.tif").unlink()
    with sessions.write() as session:
        session.execute(update(BlockRow).values(retry_at=0))
    run(sessions, storage, settings, job)
    with sessions.read() as session:
        row = session.scalars(select(BlockRow)).one()
    assert row.attempts == 1
    assert "the image of 2021-07-10 in the series of imagery source ortho" in str(row.reason)


def test_command_predicts_a_source_with_its_series(small_card: ModelCard, stack: Path, tmp_path: Path) -> None:
    from app.database import sessions as configured
    from app.storage import storage as configured_storage

    migrate(configured().engine)
    store = configured_storage()
    assert isinstance(store, FolderStorage)
    trained(configured(), store, small_card)
    imagery.register(
        configured(), source_id="town", title="Town", stack=[stack], series=[write_series(tmp_path / "s2")]
    )
    imagery.register(configured(), source_id="bare", title="Bare", stack=[stack])
    out = tmp_path / "map.tif"

    done = CliRunner().invoke(main, ["predict", "--source", "town", "--model", "fused", "--out", str(out)])
    refused = CliRunner().invoke(main, ["predict", "--source", "bare", "--model", "fused", "--out", str(out)])

    assert done.exit_code == 0, done.output
    with rasterio.open(out) as raster:
        assert (raster.read(1) == by_hand(small_card)[0]).mean() > 0.999
    assert refused.exit_code == 1
    assert "model 'fused' needs a Sentinel-2 series beside the imagery, which imagery source 'bare' cannot" in (
        refused.output
    )
