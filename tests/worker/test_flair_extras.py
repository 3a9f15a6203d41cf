"""The extra inputs of patches, from files laid out as IGN publishes them."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.definitions import ExtraInput, ModelCard
from app.errors import CosiaError, ParameterInvalid, RasterRefused
from tests.worker.flair_folders import METADATA, write_flair_2_folder
from tests.worker.parity import ign_cases as cases
from worker.architectures.metadata import Acquisition
from worker.flair import FlairPatch, find_patches
from worker.flair_extras import FlairExtras

FIXTURES = Path(__file__).parent / "parity" / "fixtures"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_flair_2_folder(tmp_path)
    return tmp_path


def the_patch(folder: Path) -> FlairPatch:
    [patch] = find_patches(folder)
    return patch


def test_series_of_a_patch_is_that_of_the_published_data_set_code(folder: Path) -> None:
    prepared = FlairExtras(folder).series(the_patch(folder))

    np.testing.assert_allclose(prepared.images[:, :, ::3, ::3], np.load(FIXTURES / "ign_series.npy"), rtol=1e-6)
    assert prepared.positions.tolist() == np.load(FIXTURES / "ign_series_positions.npy").tolist()


def test_facts_of_the_photograph_are_those_of_its_record(folder: Path) -> None:
    taken = datetime.datetime(2020, 7, 22, 11, 42)

    acquisition = FlairExtras(folder).acquisition(the_patch(folder))

    assert acquisition == Acquisition(489_353.5, 6_587_552.25, 50.1, "UCE-M3-f120-s06", taken)


def test_only_what_the_card_states_is_read(folder: Path, card: ModelCard) -> None:
    (folder / "flair_aerial_metadata.json").unlink()
    series_only = card.model_copy(update={"extra_inputs": (ExtraInput.SERIES,)})

    extra = FlairExtras(folder).of(the_patch(folder), series_only)

    assert extra.keys() == {"series"}
    assert extra["series"].dates.shape == (1, 6, 10, 40, 40)
    assert extra["series"].positions.shape == (1, 6)
    assert extra["series"].lengths == (6,)


def test_metadata_come_as_45_numbers(folder: Path, card: ModelCard) -> None:
    both = card.model_copy(update={"extra_inputs": tuple(ExtraInput)})

    extra = FlairExtras(folder).of(the_patch(folder), both)

    # The first acquisition of the recorded cases is this patch's.
    np.testing.assert_allclose(extra["metadata"][0], np.load(FIXTURES / "ign_metadata.npy")[0], atol=1e-6)


def without_metadata(folder: Path) -> None:
    (folder / "flair_aerial_metadata.json").unlink()


def with_another_patch_in_the_metadata(folder: Path) -> None:
    (folder / "flair_aerial_metadata.json").write_text(json.dumps({"IMG_000001": METADATA["IMG_000826"]}))


def with_a_record_without_camera(folder: Path) -> None:
    record = {key: value for key, value in METADATA["IMG_000826"].items() if key != "camera"}
    (folder / "flair_aerial_metadata.json").write_text(json.dumps({"IMG_000826": record}))


def with_another_time_format(folder: Path) -> None:
    record = METADATA["IMG_000826"] | {"time": "11:42"}
    (folder / "flair_aerial_metadata.json").write_text(json.dumps({"IMG_000826": record}))


def with_two_centroid_files(folder: Path) -> None:
    (folder / "old_centroids.json").write_text("{}")


def without_the_patch_in_the_centroids(folder: Path) -> None:
    (folder / "flair-2_centroids_sp_to_patch.json").write_text("{}")


def without_series(folder: Path) -> None:
    next(folder.rglob("*data.npy")).unlink()


def without_masks(folder: Path) -> None:
    next(folder.rglob("*masks.npy")).unlink()


def with_a_series_cut_short(folder: Path) -> None:
    data = next(folder.rglob("*data.npy"))
    data.write_bytes(data.read_bytes()[:10_000])


def with_a_pickled_series(folder: Path) -> None:
    np.save(next(folder.rglob("*data.npy")), np.array([{"code": print}], dtype=object), allow_pickle=True)


def with_fewer_products(folder: Path) -> None:
    next(folder.rglob("*products.txt")).write_text(cases.PRODUCTS[0])


def with_products_of_another_form(folder: Path) -> None:
    next(folder.rglob("*products.txt")).write_text("first\nsecond\n")


def with_a_centre_at_the_border(folder: Path) -> None:
    (folder / "flair-2_centroids_sp_to_patch.json").write_text('{"IMG_000826.tif": [22, 30]}')


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (without_metadata, ParameterInvalid, r"holds 0 files \*metadata\*.json"),
        (with_another_patch_in_the_metadata, ParameterInvalid, "do not name IMG_000826"),
        (with_a_record_without_camera, ParameterInvalid, "IMG_000826.camera: Field required"),
        (with_another_time_format, ParameterInvalid, "time '11:42': expected 11h42"),
        (with_two_centroid_files, ParameterInvalid, r"holds 2 files \*centroids\*.json"),
        (without_the_patch_in_the_centroids, ParameterInvalid, r"do not name IMG_000826\.tif"),
        (without_series, ParameterInvalid, "no series of D004_2021/Z10_AU"),
        (without_masks, RasterRefused, r"masks\.npy is missing, damaged"),
        (with_a_series_cut_short, RasterRefused, r"data\.npy is missing, damaged"),
        (with_a_pickled_series, RasterRefused, r"data\.npy is missing, damaged or no array of numbers"),
        (with_fewer_products, RasterRefused, r"expected 1 dates of 10 bands"),
        (with_products_of_another_form, RasterRefused, "is not a list of Sentinel-2 products"),
        (with_a_centre_at_the_border, RasterRefused, r"does not cover the 40 px around row and column \(22, 30\)"),
    ],
)
def test_folder_that_lacks_something_is_told_what(
    folder: Path, card: ModelCard, spoil: Callable[[Path], None], error: type[CosiaError], message: str
) -> None:
    both = card.model_copy(update={"extra_inputs": tuple(ExtraInput)})
    spoil(folder)

    with pytest.raises(error, match=message):
        FlairExtras(folder).of(the_patch(folder), both)
