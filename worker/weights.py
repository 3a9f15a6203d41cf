"""Weights files: read without running anything in them, fit to a network strictly, made ready to store.

Three forms are known by their content: safetensors, the zip archive of `torch.save`, and its older plain pickle.
A pickle is only ever read by torch's restricted unpickler.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import safetensors.torch
import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from torch import Tensor

from app.definitions import ModelCard, shipped_model_cards
from app.errors import ParameterInvalid, Unknown, WeightsMismatch, WeightsUnreadable
from worker.architectures import build
from worker.architectures.network import Network

# Longest first: after stripping only `model.` nothing of a published FLAIR-INC file would match.
_PREFIXES = ("model.seg_model.", "seg_model.", "model.")
_DROPPED = ("criterion.", "model.criterion.")
_NAMED_IN_A_MESSAGE = 3


class Installed(NamedTuple):
    """A card that has become complete. content: safetensors file; sha256: of it."""

    card: ModelCard
    content: bytes
    sha256: str


def install(card: str | Path, weights: Path) -> Installed:
    """A card completed by a weights file, checked against the architecture tensor by tensor.

    card: id of a shipped card, or path of a card's JSON file. weights: `.pth`, `.ckpt` or `.safetensors`.
    Raises Unknown, ParameterInvalid, WeightsUnreadable or WeightsMismatch.
    """
    definition = read_card(card)
    state = read(weights)
    network = build(definition)
    load(network, state, name=weights.name)
    content = safetensors.torch.save({key: value.contiguous() for key, value in network.state_dict().items()})
    digest = hashlib.sha256(content).hexdigest()
    completed = definition.model_copy(update={"weights": f"{definition.id}.safetensors", "sha256": digest})
    return Installed(completed, content, digest)


def read_card(card: str | Path) -> ModelCard:
    """A shipped card by its id, or the card in a JSON file. Raises Unknown or ParameterInvalid."""
    shipped = shipped_model_cards()
    if str(card) in shipped:
        return shipped[str(card)]
    path = Path(card)
    if not path.is_file():
        known = ", ".join(sorted(shipped))
        raise Unknown(f"{card} is neither a model card file nor a shipped card; shipped are: {known}", "card")
    try:
        return ModelCard.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "file"
        raise ParameterInvalid(f"model card {path.name}: {field}: {first['msg']}", "card") from error


def network_of(card: ModelCard, weights: Path) -> Network:
    """The network of a card with its weights, on the CPU, ready to predict.

    Raises WeightsUnreadable, also where the file is not the one whose sha256 the card states; WeightsMismatch.
    """
    if card.sha256 is not None and file_sha256(weights) != card.sha256:
        raise WeightsUnreadable(
            f"{weights.name} is not the file that model card {card.id} was made for (its sha256 differs)"
        )
    network = build(card)
    load(network, read(weights), name=weights.name)
    return network.eval()


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file. Raises WeightsUnreadable if it is not there."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsUnreadable(f"{path.name} cannot be read: {error.strerror}") from error


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a weights file under the names of the architecture, on the CPU.

    Prefixes of the training framework are stripped and its loss tensors (`criterion.*`) left out; of a Lightning
    checkpoint the `state_dict` is taken. Raises WeightsUnreadable for anything else than a mapping of tensors.
    """
    try:
        with path.open("rb") as file:
            start = file.read(9)
        content = safetensors.torch.load_file(path) if start[8:9] == b"{" else _unpickle(path)
    except OSError as error:
        raise WeightsUnreadable(f"{path.name} cannot be read: {error.strerror or 'it is damaged'}") from error
    except (SafetensorError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise WeightsUnreadable(f"{path.name} is damaged or no weights file") from error
    return _named_as_in_the_architecture(content, path.name)


def _unpickle(path: Path) -> object:
    """What a torch file holds. `weights_only` refuses every class and function but tensors and plain containers."""
    try:
        content: object = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsUnreadable(
            f"{path.name} is refused: it holds Python objects other than tensors, which could run code when read; "
            "save only the state dict"
        ) from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        return content["state_dict"]
    return content


def _named_as_in_the_architecture(content: object, name: str) -> dict[str, Tensor]:
    if not isinstance(content, Mapping) or not content:
        raise WeightsUnreadable(f"{name} holds no state dict (a mapping of names to tensors)")
    state: dict[str, Tensor] = {}
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise WeightsUnreadable(f"{name} holds no state dict: entry {key!r} is not a tensor")
        if key.startswith(_DROPPED):
            continue
        prefix = next((prefix for prefix in _PREFIXES if key.startswith(prefix)), "")
        state[key.removeprefix(prefix)] = value
    return state


def load(network: Network, state: Mapping[str, Tensor], name: str) -> None:
    """Give a network its tensors: every one of them, each of its shape, and no other.

    name: of the file, for messages. Raises WeightsMismatch, which names the first tensors that differ;
    WeightsUnreadable for a tensor with NaN or infinite values.
    """
    expected = network.state_dict()
    missing = [key for key in expected if key not in state]
    extra = [key for key in state if key not in expected]
    if missing or extra:
        found = [_listed("missing", missing)] * bool(missing) + [_listed("not expected", extra)] * bool(extra)
        raise WeightsMismatch(f"{name} does not fit the architecture: {'; '.join(found)}")
    for key, tensor in state.items():
        if tensor.shape != expected[key].shape:
            raise WeightsMismatch(
                f"{name} does not fit the architecture: {key} is {tuple(tensor.shape)}, "
                f"expected {tuple(expected[key].shape)}"
            )
        if not torch.isfinite(tensor).all():
            raise WeightsUnreadable(f"{name} is damaged: {key} holds values that are not finite")
    network.load_state_dict(dict(state), strict=True)


def _listed(what: str, keys: list[str]) -> str:
    named = ", ".join(keys[:_NAMED_IN_A_MESSAGE])
    more = len(keys) - _NAMED_IN_A_MESSAGE
    return f"{len(keys)} tensors {what} ({named}{f' and {more} more' if more > 0 else ''})"


def half_precision(state: Mapping[str, Tensor]) -> bytes:
    """A safetensors file of a state dict with float16 numbers, half the size, for weights that are shipped.

    Raises WeightsUnreadable where a value does not fit float16 (above 65504).
    """
    halved = {k: v.half().contiguous() if v.is_floating_point() else v.contiguous() for k, v in state.items()}
    for key, tensor in halved.items():
        if not torch.isfinite(tensor).all():
            raise WeightsUnreadable(f"{key} does not fit float16")
    return safetensors.torch.save(halved)


def card_json(card: ModelCard) -> bytes:
    """A model card as the text of its file."""
    text = json.dumps(card.model_dump(mode="json", exclude_none=True), ensure_ascii=False, indent=2)
    return f"{text}\n".encode()
