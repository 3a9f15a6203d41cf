"""What every registered architecture promises, and what a wrong card is told."""

from __future__ import annotations

from typing import cast

import pytest
import torch

from app.definitions import Band, ExtraInput, ModelCard
from app.errors import ParameterInvalid, Unknown
from worker.architectures import ARCHITECTURES, build
from worker.architectures.folding import fold_batch_norms
from worker.architectures.metadata_unet import METADATA_ROWS
from worker.architectures.network import ExtraInputs, Network, Series
from worker.forward import Forward

SMALL_UNET: dict[str, object] = {
    "stem": 4, "encoder": [4, 8, 8, 8], "blocks": [2, 1, 1, 1], "decoder": [8, 8, 4, 4, 4],
}  # fmt: skip
SMALL_RESNET: dict[str, object] = {key: SMALL_UNET[key] for key in ("stem", "encoder", "blocks")}
SMALL_CONVNEXT: dict[str, object] = {"widths": [4, 4, 8, 8], "blocks": [1, 1, 2, 1]}
SMALL: dict[str, dict[str, object]] = {
    "deeplabv3-resnet": {**SMALL_RESNET, "pyramid": 8, "rates": [1, 2, 3]},
    "fpn-resnet": {**SMALL_RESNET, "pyramid": 8, "segmentation": 32},
    "unet-convnext": {**SMALL_CONVNEXT, "decoder": [8, 8, 4, 4, 4]},
    "unet-mit": {"widths": [4, 4, 10, 8], "blocks": [1, 1, 2, 1], "decoder": [8, 8, 4, 4, 4]},
    "upernet-convnext": {**SMALL_CONVNEXT, "pyramid": 8, "segmentation": 4},
    "upernet-swin": {
        "embedding": 4,
        "blocks": [2, 2, 2, 2],
        "heads": [1, 2, 2, 4],
        "attention_window": 3,
        "pyramid": 8,
    },
    "unet-resnet": SMALL_UNET,
    "unet-resnet-metadata": SMALL_UNET,
    "ut-t": {
        **SMALL_UNET,
        "satellite": {"bands": 2, "encoder": [16, 16], "decoder": [16, 16], "heads": 4, "model": 16, "keys": 2},
    },
}
"""Parameters of each architecture that make a small network of it."""


EXTRA_INPUTS = {"unet-resnet-metadata": (ExtraInput.METADATA,), "ut-t": (ExtraInput.SERIES,)}
"""What each of these small networks needs beside its bands."""


def imagery_of(network: Network, batch: int) -> torch.Tensor:
    """Random imagery of the smallest size that every layer can halve; metadata is defined at one height only."""
    side = network.stride_px * 2
    return torch.randn(batch, 3, METADATA_ROWS * 32 if "metadata" in network.extra_inputs else side, side)


def extra_inputs_of(network: Network, batch: int) -> ExtraInputs:
    """Random values of what the network needs beside the imagery."""
    series = Series(torch.randn(batch, 3, 2, 16, 16), torch.zeros(batch, 3), (3,) * batch)
    known: ExtraInputs = {"metadata": torch.randn(batch, 45), "series": series}
    return cast(ExtraInputs, {name: value for name, value in known.items() if name in network.extra_inputs})


def card_of(architecture: str, **parameters: object) -> ModelCard:
    return ModelCard(
        id="tried",
        title="Tried",
        description="",
        architecture=architecture,
        parameters=parameters,
        bands=(Band.R, Band.G, Band.B),
        extra_inputs=EXTRA_INPUTS.get(architecture, ()),
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
    imagery = imagery_of(network, 1)

    with torch.inference_mode():
        logits = network(imagery, **extra_inputs_of(network, 1))

    assert logits.shape == (1, 4, *imagery.shape[2:])


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_folded_network_has_no_batch_norm_left_and_gives_the_same_logits(architecture: str) -> None:
    torch.manual_seed(1)
    network = build(card_of(architecture, **SMALL[architecture]))
    # Statistics other than the initial 0 and 1:
    network.train()(imagery_of(network, 2), **extra_inputs_of(network, 2))
    imagery, extra = imagery_of(network, 1), extra_inputs_of(network, 1)

    folded = fold_batch_norms(network)

    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())
    with torch.inference_mode():
        torch.testing.assert_close(folded(imagery, **extra), network.eval()(imagery, **extra), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_forward_pass_leaves_out_the_margin_and_gives_the_same_logits_inside(architecture: str) -> None:
    torch.manual_seed(5)
    network = build(card_of(architecture, **SMALL[architecture])).eval()
    imagery, extra = imagery_of(network, 1), extra_inputs_of(network, 1)

    with torch.inference_mode():
        inside = Forward(network, torch.device("cpu"), margin_px=24)(imagery, extra)

        torch.testing.assert_close(inside, network(imagery, **extra)[..., 24:-24, 24:-24], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES.keys() - EXTRA_INPUTS.keys()))
def test_network_says_whether_its_logits_depend_on_the_patch(architecture: str) -> None:
    """In the middle of two patches, 192 px from the ends of the smaller one, which the small U-Net does not see."""
    torch.manual_seed(2)
    network = build(card_of(architecture, **SMALL[architecture])).eval()
    imagery = torch.randn(1, 3, 64, 1024)
    smaller, middle = slice(320, 736), slice(512, 544)

    with torch.inference_mode():
        logits = network(imagery)[..., middle]
        again = network(imagery[..., smaller])[..., 192:224]

    differs = bool((logits - again).abs().max() > 1e-5 * logits.std())
    assert differs == network.depends_on_patch


def test_patches_that_do_not_divide_a_block_are_refused_where_logits_depend_on_them() -> None:
    architectures = ("unet-resnet", "fpn-resnet")
    local, bound = (card_of(each, **SMALL[each]).model_copy(update={"window_px": 1000}) for each in architectures)

    build(local)
    with pytest.raises(ParameterInvalid, match=r"window_px must divide the 2048 px of a block"):
        build(bound)


def test_unknown_architecture_is_named_with_those_there_are() -> None:
    with pytest.raises(Unknown, match=r"'perceptron' is not known; there are: .*unet-resnet, unet-resnet-metadata"):
        build(card_of("perceptron"))


@pytest.mark.parametrize(
    ("architecture", "parameters"),
    [
        ("unet-resnet", {"depth": 5}),
        ("unet-resnet", {"encoder": [64, 128]}),
        ("unet-resnet", {"stem": 0}),
        ("fpn-resnet", {"segmentation": 100}),
        ("upernet-swin", {"heads": [3, 6, 12, 24]}),
        ("upernet-swin", {"attention_window": 1}),
        ("unet-mit", {"heads": [1, 2, 5, 7]}),
    ],
)
def test_wrong_parameter_is_named(architecture: str, parameters: dict[str, object]) -> None:
    with pytest.raises(ParameterInvalid, match=f"parameter {next(iter(parameters))}"):
        build(card_of(architecture, **parameters))


@pytest.mark.parametrize("given", ["in_channels", "logits"])
def test_card_does_not_repeat_its_bands_and_values_as_parameters(given: str) -> None:
    with pytest.raises(ParameterInvalid, match=f"parameter {given} of unet-resnet follows from"):
        build(card_of("unet-resnet", **{given: 3}))


@pytest.mark.parametrize(
    ("architecture", "stated", "message"),
    [
        ("ut-t", (), "ut-t with these parameters needs the extra inputs series; the card states nothing"),
        ("unet-resnet", (ExtraInput.SERIES,), "needs the extra inputs nothing; the card states series"),
    ],
)
def test_card_must_state_the_extra_inputs_of_its_network(
    architecture: str, stated: tuple[ExtraInput, ...], message: str
) -> None:
    card = card_of(architecture, **SMALL[architecture]).model_copy(update={"extra_inputs": stated})

    with pytest.raises(ParameterInvalid, match=message):
        build(card)
