"""Names of tensors: those of published checkpoints, and which of them our architectures have under which name.

FLAIR-INC and Lightning: `model.seg_model.<name>`, `seg_model.<name>`, `model.<name>` or plain names.
FLAIR-HUB: `model.encoders.<MODALITY>.seg_model.<name>` is our `encoder.<name>`, and
`model.main_decoders.<TASK>.seg_model.<name>` our `<name>` (`decoder.…`, `segmentation_head.…`), `model.` or not.
Source: the published code, IGNF/FLAIR-1 5ae35eb and IGNF/FLAIR-HUB 3d5693b.

What a published file holds beside the network is left out by its name and counted, never guessed away: whatever is
neither known here nor part of the architecture is refused when the network is loaded.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from app.definitions.model_card import CheckpointPart
from app.errors import WeightsMismatch

_PART = re.compile(r"(?P<group>encoders|main_decoders|aux_decoders)\.(?P<owner>[^.]+)\.(?P<name>.+)")

_BESIDE_THE_NETWORK = (
    re.compile(r"(criterion)\."),  # class weights of the loss
    re.compile(r"(fusion_handler\.conv_f)\."),  # joins modalities; built, saved and unused where there is one
    # Tables that older timm saved and every version computes from the window's size.
    re.compile(r".+\.(relative_position_index|attn_mask)$"),
)


class Named(NamedTuple):
    """state: the network's tensors by our names. left_out: what else the file holds -> number of tensors."""

    state: dict[str, Tensor]
    left_out: dict[str, int]


class _Chosen(NamedTuple):
    """The two parts of a FLAIR-HUB checkpoint, (group, owner) each, that together are a network of one image."""

    encoder: tuple[str, str]
    decoder: tuple[str, str]


def in_our_names(tensors: Mapping[str, Tensor], file: str, part: CheckpointPart | None = None) -> Named:
    """The tensors of a checkpoint under the names of the architecture.

    file: its name, for messages. part: what the card says of checkpoints with several modalities or tasks.
    Raises WeightsMismatch where it is not clear which part is the network, or none is.
    """
    chosen = _chosen(tensors, file, part or CheckpointPart())
    state: dict[str, Tensor] = {}
    left_out: Counter[str] = Counter()
    for key, tensor in tensors.items():
        bare = key.removeprefix("model.")
        beside = next((match[1] for match in (form.match(bare) for form in _BESIDE_THE_NETWORK) if match), None)
        name = None if beside else _our_name(bare, chosen)
        if name is None:
            left_out[beside or _owner_of(bare)] += 1
            continue
        if name in state:
            raise WeightsMismatch(f"{file} holds {name} twice, with and without the prefix of a training framework")
        state[name] = tensor
    return Named(state, dict(left_out))


def _our_name(bare: str, chosen: _Chosen | None) -> str | None:
    """None for a tensor of a part that was not chosen."""
    matched = _PART.match(bare) if chosen else None
    if chosen is None or matched is None:
        return bare.removeprefix("seg_model.")
    name = matched["name"].removeprefix("seg_model.")
    if matched.group("group", "owner") == chosen.encoder:
        return f"encoder.{name}"
    return name if matched.group("group", "owner") == chosen.decoder else None


def _owner_of(bare: str) -> str:
    return ".".join(bare.split(".")[:2])


def _chosen(tensors: Mapping[str, Tensor], file: str, part: CheckpointPart) -> _Chosen | None:
    """None for a checkpoint that is not FLAIR-HUB's."""
    owners: dict[str, dict[str, bool]] = {"encoders": {}, "main_decoders": {}, "aux_decoders": {}}
    for key in tensors:
        matched = _PART.match(key.removeprefix("model."))
        if matched is not None:
            of_one_image = matched["name"].startswith("seg_model.")
            owners[matched["group"]].setdefault(matched["owner"], of_one_image)
    modalities = owners["encoders"]
    if not modalities:
        return None
    listed = ", ".join(modalities)
    if part.modality is None and len(modalities) > 1:
        raise WeightsMismatch(
            f"{file} fuses {len(modalities)} modalities ({listed}), and one image does not feed it: take a checkpoint "
            "trained on aerial imagery alone, or name in the card, under part.modality, one whose own decoder is in it"
        )
    modality = part.modality or next(iter(modalities))
    if modality not in modalities:
        raise WeightsMismatch(f"{file} holds no modality {modality}; it holds {listed}")
    if not modalities[modality]:
        raise WeightsMismatch(f"{file}: modality {modality} is a series of images, which no card of one image can hold")
    if len(modalities) > 1:
        # The main decoder reads fused maps; the auxiliary one was trained on this encoder's maps alone.
        group, prefix = "aux_decoders", f"{modality}__"
    else:
        group, prefix = "main_decoders", ""
    tasks = [owner.removeprefix(prefix) for owner in owners[group] if owner.startswith(prefix)]
    return _Chosen(("encoders", modality), (group, prefix + _task(tasks, modality, file, part)))


def _task(tasks: list[str], modality: str, file: str, part: CheckpointPart) -> str:
    if not tasks:
        raise WeightsMismatch(f"{file} holds no decoder that was trained on {modality} alone")
    if part.task is None and len(tasks) > 1:
        raise WeightsMismatch(f"{file} holds decoders for {', '.join(tasks)}: name one in the card, under part.task")
    if part.task is not None and part.task not in tasks:
        raise WeightsMismatch(f"{file} holds no decoder for {part.task} on {modality} alone; it has {', '.join(tasks)}")
    return part.task or tasks[0]
