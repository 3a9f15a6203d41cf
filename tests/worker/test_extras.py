"""What networks are given beside the imagery of a patch."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import torch

from app.definitions import Augmentation, Band, BlockCell, ExtraInput, ModelCard, Photographs, prediction_grid
from tests.worker.flair_folders import write_flair_2_folder
from tests.worker.parity.seeding import seeded_state
from worker.architectures import build
from worker.architectures.metadata import Acquisition, encode
from worker.architectures.network import ExtraInputs, Network
from worker.extras import BlockExtras, GivenExtras, needed, turned
from worker.flair import find_patches, read_image
from worker.flair_extras import FlairExtras
from worker.pipeline import Predictor
from worker.symmetries import Symmetry
from worker.windows import Centre

CPU = torch.device("cpu")


@pytest.fixture
def fused_card(card: ModelCard) -> ModelCard:
    """U-T&T that sees a patch of 64 px whole, and never learnt its second channel."""
    satellite = {"encoder": [16, 16], "decoder": [16, 16], "heads": 4, "model": 16, "keys": 2}
    return card.model_copy(
        update={
            "architecture": "ut-t",
            "parameters": card.parameters | {"satellite": satellite},
            "extra_inputs": (ExtraInput.SERIES,),
            "bands": tuple(Band),
            "mean": (0.0,) * 5,
            "std": (255.0,) * 5,
            "values": (5, 0, 9),
            "window_px": 64,
        }
    )


def network_of(card: ModelCard) -> Network:
    """Random, with scores that hang on the series as much as on the image."""
    network = build(card)
    state = seeded_state(network.state_dict(), seed=3)
    network.load_state_dict(
        {name: 8 * tensor if name.startswith("fm_utae_featmap_cropped") else tensor for name, tensor in state.items()}
    )
    return network.eval()


def patch_of(folder: Path, card: ModelCard) -> tuple[np.ndarray, ExtraInputs]:
    write_flair_2_folder(folder)
    [patch] = find_patches(folder)
    return read_image(patch, card.bands), FlairExtras(folder).of(patch, card)


def test_patch_is_predicted_with_the_series_of_its_place(fused_card: ModelCard, tmp_path: Path) -> None:
    image, extra = patch_of(tmp_path, fused_card)
    network = network_of(fused_card)

    predictor = Predictor([(fused_card, network)], Augmentation.NONE, CPU)
    prediction = predictor.predict(image, extras=GivenExtras(extra))

    with torch.inference_mode():
        logits = network(torch.from_numpy(image)[None] / 255, **extra)[0, [0, 2]]  # the second was never trained
    shares, winner = logits.softmax(dim=0).max(dim=0)
    assert np.mean(prediction.classes == np.array([5, 9])[winner]) > 0.999
    np.testing.assert_allclose(prediction.confidence, shares.numpy() * 255, atol=0.6)


class FirstPatchOnly:
    """A block that only a part of a series shows."""

    def __init__(self, extra: ExtraInputs) -> None:
        self._extra = extra

    def of(self, centre: Centre) -> ExtraInputs:
        return self._extra if centre == Centre(64, 64) else {}


def test_patch_without_series_is_nodata_in_an_ensemble_too(
    fused_card: ModelCard, five_band_card: ModelCard, tmp_path: Path
) -> None:
    image, extra = patch_of(tmp_path, fused_card)
    other = five_band_card.model_copy(update={"id": "other"})
    members = [(fused_card, network_of(fused_card)), (other, build(other).eval())]

    found = Predictor(members, Augmentation.NONE, CPU).predict(
        np.concatenate([image, image], axis=2), extras=FirstPatchOnly(extra)
    )

    assert (found.classes[:, :64] > 0).all()
    assert not found.classes[:, 64:].any()
    assert not found.confidence[:, 64:].any()


def test_series_is_turned_with_the_imagery(fused_card: ModelCard, tmp_path: Path) -> None:
    image, extra = patch_of(tmp_path, fused_card)
    quarter = np.ascontiguousarray(np.rot90(image, axes=(1, 2)))
    series = extra["series"]
    turned_series: ExtraInputs = {"series": series._replace(dates=torch.rot90(series.dates, dims=(-2, -1)))}
    predictor = Predictor([(fused_card, network_of(fused_card))], Augmentation.D4, CPU)

    upright = predictor.predict(image, extras=GivenExtras(extra))
    along = predictor.predict(quarter, extras=GivenExtras(turned_series))
    askew = predictor.predict(quarter, extras=GivenExtras(extra))

    assert np.abs(np.rot90(upright.confidence).astype(int) - along.confidence).max() <= 1
    assert np.abs(np.rot90(upright.confidence).astype(int) - askew.confidence).max() > 1


def test_turned_leaves_positions_and_metadata_as_they_are(fused_card: ModelCard, tmp_path: Path) -> None:
    _, extra = patch_of(tmp_path, fused_card)
    both: ExtraInputs = {**extra, "metadata": torch.arange(45.0)[None]}

    found = turned(both, Symmetry(transposed=True, mirrored_rows=False, mirrored_columns=True))

    assert torch.equal(found["metadata"], both["metadata"])
    assert torch.equal(found["series"].positions, both["series"].positions)
    assert torch.equal(found["series"].dates[0, 0, 0, 3], both["series"].dates[0, 0, 0].T[3].flip(0))


def test_patch_is_told_its_own_place_and_how_the_source_was_photographed(card: ModelCard) -> None:
    told = card.model_copy(update={"extra_inputs": (ExtraInput.METADATA,), "window_px": 256, "margin_px": 128})
    photographs = Photographs(taken=datetime(2020, 7, 22, 11, 42), camera="UCE-M3-f120-s06", altitude_m=50.1)
    block = prediction_grid().block(BlockCell(1760, 13980))  # its corner is (720 896, 6 273 792)
    inside = np.zeros((2048, 2048), bool)
    inside[300, 10] = True  # the second patch from the north, the first from the west

    extras = BlockExtras(block, [told], inside, None, photographs)

    place = Acquisition(720_921.6, 6_273_715.2, 50.1, "UCE-M3-f120-s06", datetime(2020, 7, 22, 11, 42))
    metadata = extras.of(Centre(2 * 384, 2 * 128))["metadata"]
    np.testing.assert_allclose(metadata, torch.from_numpy(encode(place))[None], rtol=1e-6)
    with pytest.raises(KeyError):
        extras.of(Centre(2 * 128, 2 * 128))


def test_network_is_given_what_its_card_states_and_nothing_else(fused_card: ModelCard, tmp_path: Path) -> None:
    _, extra = patch_of(tmp_path, fused_card)
    both: ExtraInputs = {**extra, "metadata": torch.zeros(1, 45)}
    told = fused_card.model_copy(update={"extra_inputs": tuple(ExtraInput)})

    assert needed(both, fused_card) == extra
    assert (needed(both, told) or {}).keys() == {"metadata", "series"}
    assert needed(extra, told) is None
