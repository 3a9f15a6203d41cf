"""Model cards on their way in and out: read by name or from a file, completed by weights, written as text."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import safetensors.torch
from pydantic import ValidationError

from app.definitions import ModelCard, shipped_model_cards
from app.definitions.model_card import Origin
from app.errors import ParameterInvalid, Unknown
from worker.weights.files import file_sha256, tensors_of
from worker.weights.fitting import require_fit, require_sha256, without_numbers
from worker.weights.naming import in_our_names


class Installed(NamedTuple):
    """A card that has become complete.

    content: safetensors file; sha256: of it. left_out: what else the given file held -> number of tensors.
    """

    card: ModelCard
    content: bytes
    sha256: str
    left_out: dict[str, int]


def install(card: str | Path | ModelCard, weights: Path, origin: Origin | None = None) -> Installed:
    """A card completed by a weights file, checked against the architecture tensor by tensor.

    card: id of a shipped card, path of a card's JSON file, or a card. weights: `.pth`, `.ckpt` or `.safetensors`.
    origin: where a fetched file came from; without it, the file's own name and sha256 are recorded.
    Raises Unknown, ParameterInvalid, WeightsUnreadable (also where the file is not the one whose sha256 the card
    states) or WeightsMismatch.
    """
    definition = card if isinstance(card, ModelCard) else read_card(card)
    require_sha256(weights, definition.sha256, f"model card {definition.id}")
    named = in_our_names(tensors_of(weights), weights.name, definition.part)
    # Random numbers that are overwritten at once would cost as much time and memory as all the rest.
    network = without_numbers(definition)
    require_fit(network, named.state, name=weights.name)
    types = {key: tensor.dtype for key, tensor in network.state_dict().items()}
    # Copies, for tensors of a file may share memory; popped, so that all of them are never there twice.
    own = {key: named.state.pop(key).to(types[key], copy=True).contiguous() for key in types}
    content = safetensors.torch.save(own)
    digest = hashlib.sha256(content).hexdigest()
    origin = origin or Origin(file=weights.name, sha256=file_sha256(weights))
    completed = definition.model_copy(
        update={"weights": f"{definition.id}.safetensors", "sha256": digest, "origin": origin}
    )
    return Installed(completed, content, digest, named.left_out)


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


def card_json(card: ModelCard) -> bytes:
    """A model card as the text of its file."""
    text = json.dumps(card.model_dump(mode="json", exclude_none=True), ensure_ascii=False, indent=2)
    return f"{text}\n".encode()
