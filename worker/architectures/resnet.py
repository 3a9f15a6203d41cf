"""ResNet of basic blocks as an encoder, with the keys and shapes of ResNet-34 in torchvision.

Source: He et al. 2016.
"""

from __future__ import annotations

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from worker.architectures.convolutions import convolution
from worker.architectures.parameters import NetworkParameters, PerStage


class ResNetParameters(NetworkParameters):
    """Widths and depths of the encoder; the defaults are ResNet-34's.

    stem: channels after the first convolution (1/2 of full size).
    encoder: channels of the four stages (1/4, 1/8, 1/16, 1/32).
    blocks: basic blocks per stage.
    """

    stem: PositiveInt = 64
    encoder: PerStage = (64, 128, 256, 512)
    blocks: PerStage = (3, 4, 6, 3)

    @property
    def widths(self) -> tuple[int, int, int, int, int]:
        """Channels of the encoder's maps, 1/2 of full size first."""
        return self.stem, *self.encoder


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside an identity, or beside a 1x1 projection where the shape changes."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = convolution(in_channels, out_channels, stride=stride)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = convolution(out_channels, out_channels)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or in_channels != out_channels:
            projection = convolution(in_channels, out_channels, kernel_px=1, stride=stride)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        return torch.relu_(x + identity)


class ResNetEncoder(nn.Module):
    """ResNet without its classifier; gives the maps at 1/2, 1/4, 1/8, 1/16 and 1/32 of the input."""

    def __init__(self, parameters: ResNetParameters) -> None:
        super().__init__()
        self.conv1 = convolution(parameters.in_channels, parameters.stem, kernel_px=7, stride=2)
        self.bn1 = nn.BatchNorm2d(parameters.stem)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        widths = parameters.widths
        self.layer1 = _stage(widths[0], widths[1], parameters.blocks[0], stride=1)
        self.layer2 = _stage(widths[1], widths[2], parameters.blocks[1], stride=2)
        self.layer3 = _stage(widths[2], widths[3], parameters.blocks[2], stride=2)
        self.layer4 = _stage(widths[3], widths[4], parameters.blocks[3], stride=2)

    def forward(self, x: Tensor) -> list[Tensor]:
        half = self.relu(self.bn1(self.conv1(x)))
        quarter = self.layer1(self.maxpool(half))
        eighth = self.layer2(quarter)
        sixteenth = self.layer3(eighth)
        return [half, quarter, eighth, sixteenth, self.layer4(sixteenth)]


def _stage(in_channels: int, out_channels: int, blocks: int, stride: int) -> nn.Sequential:
    first = BasicBlock(in_channels, out_channels, stride)
    return nn.Sequential(first, *(BasicBlock(out_channels, out_channels, 1) for _ in range(blocks - 1)))
