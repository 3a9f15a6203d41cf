"""What moves a network's weights: Muon for its kernels, AdamW for its norms and biases.

In seven minutes from the shipped weights, on one core each, Muon raised the mean IoU of 24 validation scenes by 0.006
where AdamW for all lowered it by 0.002 (decision 0006).

Source: Jordan et al. 2024 (Muon); Liu et al. 2025, arXiv:2502.16982 (steps as large as AdamW's).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

_DECAY = 0.01


class Optimiser:
    """Steps of one learning rate for all parameters that have a gradient."""

    def __init__(self, parameters: Iterable[nn.Parameter], rate: float) -> None:
        given = list(parameters)
        self._kernels = [parameter for parameter in given if parameter.ndim > 1]
        self._matrices = [nn.Parameter(_as_matrix(kernel.detach())) for kernel in self._kernels]
        self._parts = (
            torch.optim.Muon(self._matrices, lr=rate, weight_decay=_DECAY, adjust_lr_fn="match_rms_adamw"),
            # Norms and biases are not to shrink.
            torch.optim.AdamW([p for p in given if p.ndim <= 1], lr=rate, weight_decay=0.0, fused=True),
        )

    def step(self, rate: float) -> None:
        """rate: learning rate of this step."""
        for kernel, matrix in zip(self._kernels, self._matrices, strict=True):
            # Some published networks have tensors that nothing depends on, or not in every batch.
            matrix.grad = None if kernel.grad is None else _as_matrix(torch.empty_like(kernel).copy_(kernel.grad))
        for part in self._parts:
            for group in part.param_groups:
                group["lr"] = rate
            part.step()  # type: ignore[no-untyped-call]

    def state_dict(self) -> list[dict[str, Any]]:
        """For checkpoints."""
        return [part.state_dict() for part in self._parts]

    def load_state_dict(self, state: list[dict[str, Any]]) -> None:
        """Raises KeyError, ValueError for what is not of such an optimiser."""
        for part, of_it in zip(self._parts, state, strict=True):
            part.load_state_dict(of_it)


def _as_matrix(kernel: Tensor) -> Tensor:
    """A row for each output, sharing memory; the order in a row is that of memory, and of no concern to Muon."""
    return kernel.as_strided((len(kernel), kernel.numel() // len(kernel)), (kernel.numel() // len(kernel), 1))
