"""Prediction of patches by networks that need more than imagery."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from app.definitions import Band, ExtraInput, ModelCard
from app.errors import ParameterInvalid
from tests.worker.flair_folders import write_flair_2_folder
from tests.worker.parity.seeding import seeded_state
from worker.architectures import build
from worker.architectures.network import Network
from worker.flair import find_patches, read_image
from worker.flair_extras import FlairExtras
from worker.fused import FusedPredictor


@pytest.fixture
def fused_card(card: ModelCard) -> ModelCard:
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
        }
    )


def network_of(card: ModelCard) -> Network:
    network = build(card)
    network.load_state_dict(seeded_state(network.state_dict(), seed=3))
    return network.eval()


def test_patch_is_predicted_with_the_series_of_its_place(fused_card: ModelCard, tmp_path: Path) -> None:
    write_flair_2_folder(tmp_path)
    [patch] = find_patches(tmp_path)
    image, extra = read_image(patch, fused_card.bands), FlairExtras(tmp_path).of(patch, fused_card)
    network = network_of(fused_card)

    prediction = FusedPredictor(fused_card, network, torch.device("cpu")).predict(image, extra)

    with torch.inference_mode():
        logits = network(torch.from_numpy(image)[None] / 255, **extra)[0, [0, 2]]  # the second was never trained
    shares, winner = logits.softmax(dim=0).max(dim=0)
    assert np.mean(prediction.classes == np.array([5, 9])[winner]) > 0.999
    np.testing.assert_allclose(prediction.confidence, shares.numpy() * 255, atol=0.6)
    assert set(np.unique(prediction.classes)) == {5, 9}


def test_missing_extra_input_is_named(fused_card: ModelCard) -> None:
    predictor = FusedPredictor(fused_card, network_of(fused_card), torch.device("cpu"))

    with pytest.raises(ParameterInvalid, match="takes series beside the imagery; it was given nothing"):
        predictor.predict(np.zeros((5, 64, 64), np.uint8), {})
