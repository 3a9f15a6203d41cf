"""Where networks compute, and in which precision."""

from __future__ import annotations

from typing import Literal

import torch

from app.errors import CosiaError, Misconfigured


class DeviceBroken(CosiaError):
    """The device does not compute any more; a process that has seen this cannot use it again."""

    type = "device-broken"


def select_device(asked: str) -> torch.device:
    """The device for `auto`, `cpu` or `cuda`; `auto` is the GPU if there is one.

    Raises Misconfigured where `cuda` is asked and there is none.
    """
    available = torch.cuda.is_available()
    if asked == "cuda" and not available:
        raise Misconfigured("COSIA_DEVICE is cuda, and torch finds no CUDA device: set it to auto or cpu")
    return torch.device("cuda" if available and asked != "cpu" else "cpu")


def select_precision(asked: Literal["auto", "fp32", "bf16"], device: torch.device) -> torch.dtype:
    """The type that convolutions compute in: `auto` is bfloat16 on a GPU that has it, float32 elsewhere.

    On a processor bfloat16 has to be asked for. Raises Misconfigured where it is asked and the device lacks it: torch
    would emulate it, seven times slower than float32.
    """
    if asked == "fp32" or (asked == "auto" and device.type == "cpu"):
        return torch.float32
    if _computes_bf16(device):
        return torch.bfloat16
    if asked == "bf16":
        raise Misconfigured(f"COSIA_PRECISION is bf16, and this {device.type} does not compute it: set it to auto")
    return torch.float32


def _computes_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
