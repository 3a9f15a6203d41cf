"""The registry of network architectures: to add one, its file and its line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from app.definitions import ModelCard
from app.errors import ParameterInvalid, Unknown
from worker.architectures.metadata_unet import MetadataUNet
from worker.architectures.network import Network
from worker.architectures.unet import UNet, UNetParameters
from worker.architectures.ut_t import UTT, UTTParameters


def _unet(in_channels: int, logits: int, parameters: dict[str, Any]) -> Network:
    return UNet(UNetParameters(in_channels=in_channels, logits=logits, **parameters))


def _metadata_unet(in_channels: int, logits: int, parameters: dict[str, Any]) -> Network:
    return MetadataUNet(UNetParameters(in_channels=in_channels, logits=logits, **parameters))


def _ut_t(in_channels: int, logits: int, parameters: dict[str, Any]) -> Network:
    return UTT(UTTParameters(in_channels=in_channels, logits=logits, **parameters))


ARCHITECTURES: dict[str, Callable[[int, int, dict[str, Any]], Network]] = {
    "unet-resnet": _unet,
    "unet-resnet-metadata": _metadata_unet,
    "ut-t": _ut_t,
}
"""Name in a model card -> builder of (bands, logits, the card's `parameters`)."""


def build(card: ModelCard) -> Network:
    """The network that a card describes, with untrained weights.

    Raises Unknown for an architecture that is not registered, ParameterInvalid for parameters it does not take.
    """
    builder = ARCHITECTURES.get(card.architecture)
    if builder is None:
        known = ", ".join(sorted(ARCHITECTURES))
        raise Unknown(
            f"model card {card.id}: architecture {card.architecture!r} is not known; there are: {known}",
            "architecture",
        )
    try:
        return builder(len(card.bands), len(card.values), card.parameters)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ParameterInvalid(
            f"model card {card.id}: parameter {name} of {card.architecture}: {first['msg']}", "parameters"
        ) from error
