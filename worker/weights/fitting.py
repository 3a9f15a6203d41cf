"""Tensors into a network: every one of them, each of its shape, and no other."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from app.definitions import ModelCard, shipped_model_cards
from app.definitions.model_card import CheckpointPart
from app.errors import WeightsMismatch, WeightsUnreadable
from worker.architectures import build
from worker.architectures.network import Network
from worker.weights.files import file_sha256, tensors_of
from worker.weights.naming import in_our_names

_NAMED_IN_A_MESSAGE = 3


def network_of(card: ModelCard, weights: Path) -> Network:
    """The network of a card with its weights, on the CPU, ready to predict.

    Raises WeightsUnreadable, also where the file is not the one whose sha256 the card states; WeightsMismatch.
    """
    require_sha256(weights, card.sha256, f"model card {card.id}")
    network = build(card)
    load(network, read(weights, card.part), name=weights.name)
    return network.eval()


def without_numbers(card: ModelCard) -> Network:
    """The network of a card as names, shapes and types only (on the meta device). Raises as `build`."""
    with torch.device("meta"):
        return build(card)


def require_sha256(path: Path, stated: str | None, by: str) -> None:
    """Nothing where none is stated. by: who states it, for the message of WeightsUnreadable."""
    if stated is None:
        return
    found = file_sha256(path)
    if found != stated:
        raise WeightsUnreadable(
            f"{path.name} is not the file that {by} was made for (its sha256 differs: {found}, expected {stated})"
        )


def read(path: Path, part: CheckpointPart | None = None) -> dict[str, Tensor]:
    """The tensors of a weights file under the names of the architecture, on the CPU; what is beside them left out.

    part: which part of a checkpoint with several. Raises WeightsUnreadable, WeightsMismatch.
    """
    return in_our_names(tensors_of(path), path.name, part).state


def load(network: Network, state: Mapping[str, Tensor], name: str) -> None:
    """Give a network its tensors. Raises as `require_fit`."""
    require_fit(network, state, name)
    network.load_state_dict(dict(state), strict=True)


def require_fit(network: Network, state: Mapping[str, Tensor], name: str) -> None:
    """network: may be one without numbers (on the meta device). name: of the file, for messages.

    Raises WeightsMismatch, which names the first tensors that differ and a shipped card that they fit, if one does;
    WeightsUnreadable for a tensor with NaN or infinite values.
    """
    expected = network.state_dict()
    missing = [key for key in expected if key not in state]
    extra = [key for key in state if key not in expected]
    if missing or extra:
        found = [_listed("missing", missing)] * bool(missing) + [_listed("not expected", extra)] * bool(extra)
        raise WeightsMismatch(f"{name} does not fit the architecture: {'; '.join(found)}{_fitting_card(state)}")
    for key, tensor in state.items():
        if tensor.shape != expected[key].shape:
            shapes = f"{key} is {tuple(tensor.shape)}, expected {tuple(expected[key].shape)}"
            bands = _bands_of(state, expected)
            raise WeightsMismatch(f"{name} does not fit the architecture: {shapes}{bands}{_fitting_card(state)}")
        if not torch.isfinite(tensor).all():
            raise WeightsUnreadable(f"{name} is damaged: {key} holds values that are not finite")


def _listed(what: str, keys: list[str]) -> str:
    named = ", ".join(keys[:_NAMED_IN_A_MESSAGE])
    more = len(keys) - _NAMED_IN_A_MESSAGE
    return f"{len(keys)} tensors {what} ({named}{f' and {more} more' if more > 0 else ''})"


def _bands_of(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """Words for the commonest difference: a network of other bands, which its first convolution shows."""
    first = next((key for key, tensor in expected.items() if tensor.ndim == 4), None)
    if first is None or state[first].ndim != 4 or state[first].shape[1] == expected[first].shape[1]:
        return ""
    return f" (made for {state[first].shape[1]} bands, the card lists {expected[first].shape[1]})"


def _fitting_card(state: Mapping[str, Tensor]) -> str:
    """The end of a message: shipped cards whose networks have exactly these tensors."""
    shapes = {key: tensor.shape for key, tensor in state.items()}
    fitting = [name for name, expected in _shipped_shapes().items() if expected == shapes]
    return f". It fits {' and '.join(fitting)}" if fitting else ""


@lru_cache
def _shipped_shapes() -> dict[str, dict[str, torch.Size]]:
    return {
        name: {key: tensor.shape for key, tensor in without_numbers(card).state_dict().items()}
        for name, card in shipped_model_cards().items()
    }
