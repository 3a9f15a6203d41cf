"""Where networks compute, and in which precision."""

from __future__ import annotations

import os
from typing import Literal

import numpy as np
import torch

from app.errors import CosiaError, Misconfigured

_THREADS_BESIDE_A_GPU = 8


class DeviceBroken(CosiaError):
    """The device does not compute any more; a process that has seen this cannot use it again."""

    type = "device-broken"


def select_device(asked: str) -> torch.device:
    """The device for `auto`, `cpu`, `cuda` or `cuda:N`; `auto` is the GPU if there is one.

    Raises Misconfigured where a GPU is asked for that is not there.
    """
    available = torch.cuda.is_available()
    if asked == "cpu" or (asked == "auto" and not available):
        return torch.device("cpu")
    if not available:
        raise Misconfigured(f"COSIA_DEVICE is {asked}, and torch finds no CUDA device: set it to auto or cpu")
    device = torch.device("cuda" if asked == "auto" else asked)
    there = torch.cuda.device_count()
    if device.index is not None and device.index >= there:
        raise Misconfigured(f"COSIA_DEVICE is {asked}, and the last of {there} CUDA devices is cuda:{there - 1}")
    return device


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
        with torch.cuda.device(device):  # torch answers for the current one
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def lacks_memory(error: RuntimeError) -> bool:
    """Whether this is what torch raises where memory of the device has run out.

    Not all of it is an OutOfMemoryError: drivers and libraries that ask for memory past torch's allocator report it in
    words of their own, and cuDNN finds no way to compute a convolution that no workspace is left for.
    """
    words = ("out of memory", "ALLOC_FAILED", "unable to find an engine")
    return isinstance(error, torch.OutOfMemoryError) or any(each in str(error) for each in words)


def pinned(array: np.ndarray, device: torch.device) -> np.ndarray:
    """The array where a GPU copies it from while others compute, which takes a copy here; for a CPU as it is."""
    return torch.from_numpy(array).pin_memory().numpy() if device.type == "cuda" else array


def threads_beside(device: torch.device) -> int:
    """How many threads read imagery, and how many write blocks, while the device predicts.

    A processor needs its cores for the networks. A GPU predicts a block in less time than one thread decodes or
    compresses one.
    """
    if device.type == "cpu":
        return 1
    return max(1, min(_THREADS_BESIDE_A_GPU, len(os.sched_getaffinity(0)) // 2))
