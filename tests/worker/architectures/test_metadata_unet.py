"""FLAIR#1's U-Net with metadata: the published format, and parity with the published code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from app.errors import BandMismatch, ParameterInvalid
from tests.worker.parity import ign_cases as cases
from tests.worker.parity.seeding import seeded_state
from worker import weights
from worker.architectures.metadata_unet import MetadataUNet, add_metadata
from worker.architectures.unet import UNet, UNetParameters

FIXTURES = Path(__file__).parents[1] / "parity" / "fixtures"
ENCODER = {
    "enc.enc_mlp.0.weight": (64, 45), "enc.enc_mlp.0.bias": (64,),
    "enc.enc_mlp.3.weight": (32, 64), "enc.enc_mlp.3.bias": (32,),
    "enc.enc_mlp.6.weight": (16, 32), "enc.enc_mlp.6.bias": (16,),
}  # fmt: skip


def test_state_dict_is_that_of_the_unet_and_six_tensors_of_the_encoder() -> None:
    parameters = UNetParameters(in_channels=5, logits=13)
    with torch.device("meta"):
        network, unet = MetadataUNet(parameters), UNet(parameters)

    shapes = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}

    assert shapes == {key: tuple(tensor.shape) for key, tensor in unet.state_dict().items()} | ENCODER
    assert len(shapes) == 284
    assert sum(p.numel() for p in network.parameters()) - sum(p.numel() for p in unet.parameters()) == 5552


def test_logits_are_those_of_the_published_code() -> None:
    with torch.device("meta"):
        network = MetadataUNet(UNetParameters(in_channels=5, logits=13))
    network.load_state_dict(seeded_state(network.state_dict(), cases.SEED), assign=True)

    with torch.inference_mode():
        logits = network.eval()(cases.aerial(cases.METADATA_SIDE_PX), metadata=cases.metadata())

    np.testing.assert_allclose(cases.kept(logits), np.load(FIXTURES / "ign_metadata_unet.npy"), atol=1e-4, rtol=0)


def test_checkpoint_with_the_published_prefixes_loads_strictly(tmp_path: Path) -> None:
    state = seeded_state(small_network().state_dict(), seed=5)
    published = {f"model.{'' if key.startswith('enc.') else 'seg_model.'}{key}": value for key, value in state.items()}
    torch.save({"state_dict": published | {"criterion.weight": torch.ones(13)}}, tmp_path / "flair.ckpt")
    network = small_network()

    weights.load(network, weights.read(tmp_path / "flair.ckpt"), name="flair.ckpt")

    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())


def test_number_of_each_row_is_added_in_all_its_columns_and_channels() -> None:
    numbers = torch.arange(32.0).view(2, 16)

    added = add_metadata(torch.ones(2, 3, 16, 5), numbers)

    assert added.shape == (2, 3, 16, 5)
    assert torch.equal(added, 1 + numbers.view(2, 1, 16, 1).expand(2, 3, 16, 5))


def test_patch_of_another_height_is_refused() -> None:
    with pytest.raises(BandMismatch, match="takes patches of 512 px in height, not 64"):
        small_network()(torch.zeros(1, 5, 64, 512), metadata=torch.zeros(1, 45))


def test_call_without_metadata_is_refused() -> None:
    with pytest.raises(ParameterInvalid, match="this network takes metadata beside the imagery; it was given nothing"):
        small_network()(torch.zeros(1, 5, 512, 64))


def small_network() -> MetadataUNet:
    parameters = UNetParameters(
        in_channels=5, logits=13, stem=4, encoder=(4, 8, 8, 8), blocks=(1, 1, 1, 1), decoder=(8, 8, 4, 4, 4)
    )
    return MetadataUNet(parameters).eval()
