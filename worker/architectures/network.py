"""What the pipeline asks of every architecture."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn


class Network(nn.Module):
    """(batch, bands, height, width) float32 -> (batch, logits, height, width) float32."""

    stride_px: ClassVar[int]
    """Height and width of the input must be multiples of this."""

    def __call__(self, x: Tensor) -> Tensor:
        logits: Tensor = super().__call__(x)
        return logits
