"""The registry of network architectures: to add one, its file and its line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import ValidationError

from app.definitions import BLOCK_PX, ModelCard
from app.errors import ParameterInvalid, Unknown
from worker.architectures.convnext_networks import (
    ConvNeXtUNet,
    ConvNeXtUNetParameters,
    ConvNeXtUPerNetParameters,
    convnext_upernet,
)
from worker.architectures.deeplabv3 import DeepLabV3, DeepLabV3Parameters
from worker.architectures.fpn import FPN, FPNParameters
from worker.architectures.metadata_unet import MetadataUNet
from worker.architectures.mit_unet import MiTUNet, MiTUNetParameters
from worker.architectures.network import Network, listed
from worker.architectures.parameters import NetworkParameters
from worker.architectures.swin_upernet import SwinUPerNetParameters, swin_upernet
from worker.architectures.unet import UNet, UNetParameters
from worker.architectures.ut_t import UTT, UTTParameters

Builder = Callable[[int, int, dict[str, Any]], Network]
P = TypeVar("P", bound=NetworkParameters)


def _builder(parameters: type[P], network: Callable[[P], Network]) -> Builder:
    return lambda bands, logits, chosen: network(parameters(in_channels=bands, logits=logits, **chosen))


ARCHITECTURES: dict[str, Builder] = {
    "deeplabv3-resnet": _builder(DeepLabV3Parameters, DeepLabV3),
    "fpn-resnet": _builder(FPNParameters, FPN),
    "unet-convnext": _builder(ConvNeXtUNetParameters, ConvNeXtUNet),
    "unet-mit": _builder(MiTUNetParameters, MiTUNet),
    "unet-resnet": _builder(UNetParameters, UNet),
    "unet-resnet-metadata": _builder(UNetParameters, MetadataUNet),
    "upernet-convnext": _builder(ConvNeXtUPerNetParameters, convnext_upernet),
    "upernet-swin": _builder(SwinUPerNetParameters, swin_upernet),
    "ut-t": _builder(UTTParameters, UTT),
}
"""Name in a model card -> builder of (bands, logits, the card's `parameters`)."""


def build(card: ModelCard) -> Network:
    """The network that a card describes, with untrained weights.

    Raises Unknown for an architecture that is not registered, ParameterInvalid for parameters it does not take, for
    patches in which it cannot cut a block, and for a card whose extra inputs are not those of the network.
    """
    builder = ARCHITECTURES.get(card.architecture)
    if builder is None:
        known = ", ".join(sorted(ARCHITECTURES))
        raise Unknown(
            f"model card {card.id}: architecture {card.architecture!r} is not known; there are: {known}",
            "architecture",
        )
    for given in ("in_channels", "logits"):
        if given in card.parameters:
            raise ParameterInvalid(
                f"model card {card.id}: parameter {given} of {card.architecture} follows from the card's bands and "
                "values: leave it out",
                "parameters",
            )
    try:
        network = builder(len(card.bands), len(card.values), card.parameters)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ParameterInvalid(
            f"model card {card.id}: parameter {name} of {card.architecture}: {first['msg']}", "parameters"
        ) from error
    if network.depends_on_patch and BLOCK_PX % card.window_px:
        raise ParameterInvalid(
            f"model card {card.id}: {card.architecture} gives other classes in patches of other sizes: window_px must "
            f"divide the {BLOCK_PX} px of a block",
            "window_px",
        )
    if network.extra_inputs != frozenset(card.extra_inputs):
        raise ParameterInvalid(
            f"model card {card.id}: {card.architecture} with these parameters needs the extra inputs "
            f"{listed(network.extra_inputs)}; the card states {listed(card.extra_inputs)}",
            "extra_inputs",
        )
    return network
