"""Weights and inputs that a reference library and this program can both make from one number.

Each tensor has its own stream, seeded from its name, so that a fixture needs to store neither weights nor inputs
and the order of tensors does not matter. numpy's RandomState is frozen (NEP 19): its numbers stay what they are
in every version.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor


def seeded_state(shapes: Mapping[str, Tensor], seed: int) -> dict[str, Tensor]:
    """A state dict of the names and shapes of another, with values that keep signals of order one.

    Matrices and kernels are normal with the variance 1 / fan-in, scales of norms lie around 1, everything else
    around 0; variances are positive, and counters are 0.
    """
    return {name: _tensor(name, tensor, seed) for name, tensor in shapes.items()}


def seeded_input(shape: tuple[int, ...], seed: int) -> Tensor:
    """Standard normal float32 values of a shape."""
    return torch.from_numpy(_stream("input", seed).standard_normal(shape).astype(np.float32))


def _stream(name: str, seed: int) -> np.random.RandomState:
    return np.random.RandomState(zlib.crc32(name.encode()) ^ seed)


def _tensor(name: str, tensor: Tensor, seed: int) -> Tensor:
    if not tensor.is_floating_point():
        return torch.zeros_like(tensor)
    shape = tuple(tensor.shape)
    normal = _stream(name, seed).standard_normal(shape)
    if name.endswith("running_var"):
        values = 0.5 + np.abs(normal)
    elif len(shape) > 1:
        values = normal / math.sqrt(math.prod(shape[1:]))
    elif name.endswith("weight"):
        values = 1 + 0.1 * normal
    else:
        values = 0.1 * normal
    return torch.from_numpy(np.asarray(values, np.float32))
