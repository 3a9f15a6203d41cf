"""Weights files as they lie on disk: which tensors they hold, without running anything in them.

Three forms are known by their content: safetensors, the zip archive of `torch.save`, and its older plain pickle.
A pickle is only ever read by torch's restricted unpickler.
"""

from __future__ import annotations

import hashlib
import pickle
import struct
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from app.errors import WeightsUnreadable

DAMAGED = (
    SafetensorError, RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError, AssertionError,
    OverflowError, struct.error,
)  # fmt: skip
"""What torch's unpickler was seen to raise for bytes that were cut or altered: it trusts the steps of a pickle."""


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file. Raises WeightsUnreadable if it is not there."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsUnreadable(f"{path.name} cannot be read: {error.strerror}") from error


def tensors_of(path: Path) -> dict[str, Tensor]:
    """The tensors of a weights file under the names they have in it, on the CPU; a Lightning checkpoint's `state_dict`.

    Raises WeightsUnreadable for anything else than a mapping of names to tensors.
    """
    try:
        with path.open("rb") as file:
            start = file.read(9)
        # The header of safetensors is JSON behind its length, eight bytes.
        content = safetensors.torch.load_file(path) if start[8:9] == b"{" else _unpickled(path)
    except OSError as error:
        raise WeightsUnreadable(f"{path.name} cannot be read: {error.strerror or 'it is damaged'}") from error
    except DAMAGED as error:
        raise WeightsUnreadable(f"{path.name} is damaged or no weights file") from error
    return _only_tensors(content, path.name)


def _unpickled(path: Path) -> object:
    """What a torch file holds. `weights_only` refuses every class and function but tensors and plain containers."""
    try:
        with path.open("rb") as file:  # by its path, torch would go by the suffix
            content: object = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsUnreadable(
            f"{path.name} is refused: it holds Python objects other than tensors, which could run code when read; "
            "save only the state dict"
        ) from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        return content["state_dict"]
    return content


def _only_tensors(content: object, name: str) -> dict[str, Tensor]:
    if not isinstance(content, Mapping) or not content:
        raise WeightsUnreadable(f"{name} holds no state dict (a mapping of names to tensors)")
    tensors: dict[str, Tensor] = {}
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, Tensor) or not _is_plain(value):
            raise WeightsUnreadable(f"{name} holds no state dict: entry {key!r} is not a tensor of plain numbers")
        tensors[key] = value
    return tensors


def _is_plain(tensor: Tensor) -> bool:
    """Neither sparse nor quantised, and with its numbers in the file."""
    return tensor.layout is torch.strided and not tensor.is_quantized and not tensor.is_meta


def half_precision(state: Mapping[str, Tensor]) -> bytes:
    """A safetensors file of a state dict with float16 numbers, half the size, for weights that are shipped.

    Raises WeightsUnreadable where a value does not fit float16 (above 65504).
    """
    halved = {k: v.half().contiguous() if v.is_floating_point() else v.contiguous() for k, v in state.items()}
    for key, tensor in halved.items():
        if not torch.isfinite(tensor).all():
            raise WeightsUnreadable(f"{key} does not fit float16")
    return safetensors.torch.save(halved)
