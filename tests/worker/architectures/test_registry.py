"""What every registered architecture promises, and what a wrong card is told."""

from __future__ import annotations

import pytest
import torch

from app.definitions import Band, ModelCard
from app.errors import ParameterInvalid, Unknown
from worker.architectures import ARCHITECTURES, build
from worker.architectures.folding import fold_batch_norms

SMALL: dict[str, dict[str, object]] = {
    "unet-resnet": {"stem": 4, "encoder": [4, 8, 8, 8], "blocks": [2, 1, 1, 1], "decoder": [8, 8, 4, 4, 4]},
}
"""Parameters of each architecture that make a small network of it."""


def card_of(architecture: str, **parameters: object) -> ModelCard:
    return ModelCard(
        id="tried",
        title="Tried",
        description="",
        architecture=architecture,
        parameters=parameters,
        bands=(Band.R, Band.G, Band.B),
        mean=(0, 0, 0),
        std=(1, 1, 1),
        values=(1, 2, 0, 4),
        margin_px=0,
        training="none",
        licence="MIT",
    )


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_network_gives_one_map_of_the_input_size_per_logit(architecture: str) -> None:
    network = build(card_of(architecture, **SMALL[architecture])).eval()
    side = network.stride_px * 2

    with torch.inference_mode():
        logits = network(torch.zeros(1, 3, side, side))

    assert logits.shape == (1, 4, side, side)


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_folded_network_has_no_batch_norm_left_and_gives_the_same_logits(architecture: str) -> None:
    torch.manual_seed(1)
    network = build(card_of(architecture, **SMALL[architecture]))
    side = network.stride_px * 2
    network.train()(torch.randn(2, 3, side, side))  # statistics other than the initial 0 and 1
    imagery = torch.randn(1, 3, side, side)

    folded = fold_batch_norms(network)

    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())
    with torch.inference_mode():
        torch.testing.assert_close(folded(imagery), network.eval()(imagery), atol=1e-4, rtol=1e-4)


def test_unknown_architecture_is_named_with_those_there_are() -> None:
    with pytest.raises(Unknown, match="'perceptron' is not known; there are: unet-resnet"):
        build(card_of("perceptron"))


@pytest.mark.parametrize("parameters", [{"depth": 5}, {"encoder": [64, 128]}, {"stem": 0}])
def test_wrong_parameter_is_named(parameters: dict[str, object]) -> None:
    with pytest.raises(ParameterInvalid, match=f"parameter {next(iter(parameters))}"):
        build(card_of("unet-resnet", **parameters))
