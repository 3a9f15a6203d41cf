"""ConvNeXt V2 as an encoder, with the keys and shapes of timm's `convnextv2_tiny` and `convnextv2_base`.

Its response normalisation takes the norm of each channel over the whole window: no margin is exactly sufficient.

Source: Woo et al. 2023 (ConvNeXt V2).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from worker.architectures.parameters import PerStage

_EPSILON = 1e-6


class ConvNeXtEncoder(nn.Module):
    """Gives the maps at 1/4, 1/8, 1/16 and 1/32 of the input. widths: their channels. blocks: per stage."""

    def __init__(self, in_channels: int, widths: PerStage, blocks: PerStage) -> None:
        super().__init__()
        self.stem_0 = nn.Conv2d(in_channels, widths[0], 4, stride=4)
        self.stem_1 = MapNorm(widths[0])
        self.stages_0 = ConvNeXtStage(nn.Identity(), widths[0], blocks[0])
        self.stages_1 = ConvNeXtStage(_halving(widths[0], widths[1]), widths[1], blocks[1])
        self.stages_2 = ConvNeXtStage(_halving(widths[1], widths[2]), widths[2], blocks[2])
        self.stages_3 = ConvNeXtStage(_halving(widths[2], widths[3]), widths[3], blocks[3])

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem_1(self.stem_0(x))
        maps = []
        for stage in (self.stages_0, self.stages_1, self.stages_2, self.stages_3):
            x = stage(x)
            maps.append(x)
        return maps


def _halving(in_channels: int, out_channels: int) -> nn.Module:
    return nn.Sequential(MapNorm(in_channels), nn.Conv2d(in_channels, out_channels, 2, stride=2))


class MapNorm(nn.LayerNorm):
    """Norm over the channels of each pixel of a (batch, channels, height, width) map."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtStage(nn.Module):
    """Blocks at one size; downsample: what comes before them."""

    def __init__(self, downsample: nn.Module, channels: int, blocks: int) -> None:
        super().__init__()
        self.downsample = downsample
        self.blocks = nn.Sequential(*(ConvNeXtBlock(channels) for _ in range(blocks)))

    def forward(self, x: Tensor) -> Tensor:
        stage: Tensor = self.blocks(self.downsample(x))
        return stage


class ConvNeXtBlock(nn.Module):
    """7x7 convolution per channel and two linear layers per pixel, beside an identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=_EPSILON)
        self.mlp = ResponseLayers(channels)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.mlp(self.norm(self.conv_dw(x).permute(0, 2, 3, 1)))
        block: Tensor = x + tokens.permute(0, 3, 1, 2)
        return block


class ResponseLayers(nn.Module):
    """Linear layer to four times the channels, GELU, response normalisation, linear layer back."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, 4 * channels)
        self.act = nn.GELU()
        self.grn = ResponseNorm(4 * channels)
        self.fc2 = nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        tokens: Tensor = self.fc2(self.grn(self.act(self.fc1(x))))
        return tokens


class ResponseNorm(nn.Module):
    """Each channel of (batch, height, width, channels) by its share in the norms of all channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        norms: Tensor = torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True)
        share: Tensor = norms / (norms.mean(dim=-1, keepdim=True) + _EPSILON)
        return x + self.bias + self.weight * share * x
