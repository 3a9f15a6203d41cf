"""Small networks of every architecture that segmentation_models_pytorch and timm define, and what is kept of them.

The recorder runs this beside the reference libraries, the suite beside this program: torch and numpy only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

LOGITS = 5
SEED = 3
SMALL_SWIN = {"embedding": 16, "blocks": (2, 2, 3, 2), "heads": (1, 2, 4, 8), "attention_window": 5}
SMALL_CONVNEXT = {"widths": (16, 24, 32, 48), "blocks": (1, 2, 3, 1)}
SMALL_DECODER = {"pyramid": 24, "segmentation": 12}


@dataclass(frozen=True)
class Case:
    """One network on one input. size_px: height and width."""

    name: str
    architecture: str
    bands: int
    size_px: tuple[int, int]
    parameters: dict[str, Any] = field(default_factory=dict)


FLAIR_INC = (
    Case("unet_resnet34", "unet-resnet", 5, (64, 96)),
    Case("fpn_resnet18", "fpn-resnet", 4, (64, 96), {"blocks": (2, 2, 2, 2)}),
    # Wide enough that all three rates of dilation find pixels.
    Case("deeplabv3_resnet18", "deeplabv3-resnet", 3, (64, 304), {"blocks": (2, 2, 2, 2)}),
    Case(
        "unet_mit_b0", "unet-mit", 3, (96, 64),
        {"widths": (32, 64, 160, 256), "blocks": (2, 2, 2, 2)},
    ),
)  # fmt: skip
FLAIR_HUB = (
    # Maps of 48 x 56, 24 x 28, 12 x 14 and 6 x 7 tokens: each is padded to windows of 5.
    Case("upernet_swin", "upernet-swin", 4, (192, 224), SMALL_SWIN | SMALL_DECODER),
    # Maps at 1/16 and 1/32 that are smaller than a window.
    Case("upernet_swin_small_input", "upernet-swin", 3, (64, 96), SMALL_SWIN | SMALL_DECODER),
    Case("upernet_convnext", "upernet-convnext", 3, (96, 64), SMALL_CONVNEXT | SMALL_DECODER),
    Case("unet_convnext", "unet-convnext", 3, (64, 96), SMALL_CONVNEXT),
)


def kept(output: Tensor) -> Tensor:
    """A sample of an output map, in steps that share no factor with the powers of two of a network's sizes."""
    return output[..., ::5, ::5]


def format_digest(state: Mapping[str, Tensor]) -> str:
    """SHA-256 of the names and shapes of a state dict, whatever its order."""
    lines = sorted(f"{name} {tuple(tensor.shape)}" for name, tensor in state.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
