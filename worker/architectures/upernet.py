"""UPerNet's decoder and head, with the keys and shapes of segmentation_models_pytorch 0.4.0.

Releases from 0.5.0 on compute otherwise; FLAIR-HUB's networks were trained with 0.4.0.
Pooling over the whole window makes every class depend on all of it: no margin is exactly sufficient.

Source: Xiao et al. 2018 (UPerNet), Zhao et al. 2017 (pyramid pooling).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from worker.architectures.convolutions import convolution_norm_relu
from worker.architectures.network import Network

_POOLED = (1, 2, 3, 6)
"""Sides of the grids to which the deepest map is averaged."""


class UPerNet(Network):
    """The network of an encoder that gives maps at 1/4, 1/8, 1/16 and 1/32.

    encoder: (batch, bands, height, width) -> four maps. widths: their channels. pyramid: channels of each level of
    the decoder; segmentation: of their sum-up at 1/4.
    """

    stride_px = 32

    def __init__(self, encoder: nn.Module, widths: Sequence[int], pyramid: int, segmentation: int, logits: int) -> None:
        super().__init__()
        self.encoder = nn.ModuleDict({"model": encoder})  # the part of the published keys that names timm's network
        self.decoder = UPerNetDecoder(widths, pyramid, segmentation)
        self.segmentation_head = nn.Sequential(nn.Conv2d(segmentation, logits, 1))

    def forward(self, x: Tensor) -> Tensor:
        coarse = self.segmentation_head(self.decoder(self.encoder["model"](x)))
        # Corners aligned, as trained: logits lie up to 1.5 px towards the centre at the edges of the window.
        return functional.interpolate(coarse, scale_factor=4, mode="bilinear", align_corners=True)


class UPerNetDecoder(nn.Module):
    """Five levels, coarse to fine, each the sum of what lies above and of the encoder's map, joined at 1/4."""

    def __init__(self, widths: Sequence[int], pyramid: int, segmentation: int) -> None:
        super().__init__()
        *shallow, deepest = widths
        self.psp = PyramidPooling(deepest, pyramid)
        self.fpn_stages = nn.ModuleList(Lateral(width, pyramid) for width in reversed(shallow))
        # The level at 1/2 has no map of the encoder. The last level, for full size, is built and never run by the
        # published implementation, on one band; its tensors are in every file.
        self.fpn_stages.extend([nn.Identity(), Lateral(1, pyramid)])
        self.fpn_bottleneck = convolution_norm_relu((len(widths) + 1) * pyramid, segmentation)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        *shallow, deepest = maps
        levels = [self.psp(deepest)]
        for stage, skip in zip(self.fpn_stages, reversed(shallow), strict=False):
            levels.append(_resized(levels[-1], skip) + stage(skip))
        finest = levels[-1]
        resized = [_resized(level, finest) for level in levels[:-1]]
        joined: Tensor = self.fpn_bottleneck(torch.cat([*resized, finest, _doubled_and_halved(finest)], dim=1))
        return joined


class Lateral(nn.Module):
    """A map of the encoder, brought to the channels of the pyramid."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.skip_conv = convolution_norm_relu(in_channels, out_channels, kernel_px=1)

    def forward(self, x: Tensor) -> Tensor:
        projected: Tensor = self.skip_conv(x)
        return projected


class PyramidPooling(nn.Module):
    """The deepest map beside its averages over 1, 4, 9 and 36 parts of the window."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        pooled = in_channels // len(_POOLED)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(side), convolution_norm_relu(in_channels, pooled, kernel_px=1))
            for side in _POOLED
        )
        self.out_conv = convolution_norm_relu(in_channels + pooled * len(_POOLED), out_channels, kernel_px=1)

    def forward(self, x: Tensor) -> Tensor:
        joined: Tensor = self.out_conv(torch.cat([x, *(_resized(block(x), x) for block in self.blocks)], dim=1))
        return joined


def _resized(x: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False)


def _doubled_and_halved(x: Tensor) -> Tensor:
    """A map doubled and halved again, both bilinear, without the map in between that has four times its size.

    Along each axis a value becomes 3/4 of itself and 1/8 of each neighbour, with the edge repeated.
    """
    x = functional.pad(x, (1, 1, 1, 1), mode="replicate")
    x = 0.75 * x[:, :, 1:-1] + 0.125 * (x[:, :, :-2] + x[:, :, 2:])
    return 0.75 * x[..., 1:-1] + 0.125 * (x[..., :-2] + x[..., 2:])
