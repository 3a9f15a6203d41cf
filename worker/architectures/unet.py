"""U-Net with a ResNet encoder of basic blocks.

With ResNet-34 parameters the state dict has the keys and shapes of `Unet("resnet34")` in
segmentation_models_pytorch, so that the weights IGN publishes for FLAIR-INC load strictly; smaller
parameters give the narrow network shipped here. Attribute names are therefore part of the format:
renaming one breaks every weights file.

Sources: Ronneberger et al. 2015 (U-Net), He et al. 2016 (basic blocks).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import BaseModel, ConfigDict, PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from worker.architectures.network import Network


class UNetParameters(BaseModel):
    """Widths and depths of a U-Net; the defaults are ResNet-34's and the decoder of FLAIR-INC.

    stem: channels after the first convolution (1/2 of full size).
    encoder: channels of the four stages (1/4, 1/8, 1/16, 1/32).
    blocks: basic blocks per stage.
    decoder: channels of the five decoder blocks, deepest first; the last works at full size.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    in_channels: PositiveInt
    logits: PositiveInt
    stem: PositiveInt = 64
    encoder: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt] = (64, 128, 256, 512)
    blocks: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt] = (3, 4, 6, 3)
    decoder: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt, PositiveInt] = (256, 128, 64, 32, 16)


def convolution(in_channels: int, out_channels: int, kernel_px: int = 3, stride: int = 1) -> nn.Conv2d:
    """A convolution without bias (a batch norm follows), of the input's size at stride 1."""
    padding = kernel_px // 2
    return nn.Conv2d(in_channels, out_channels, kernel_px, stride=stride, padding=padding, bias=False)


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


class Encoder(nn.Module):
    """ResNet without its classifier; gives the maps at 1/2, 1/4, 1/8, 1/16 and 1/32 of the input."""

    def __init__(self, parameters: UNetParameters) -> None:
        super().__init__()
        self.conv1 = convolution(parameters.in_channels, parameters.stem, kernel_px=7, stride=2)
        self.bn1 = nn.BatchNorm2d(parameters.stem)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        widths = (parameters.stem, *parameters.encoder)
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


def _convolution_norm_relu(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(convolution(in_channels, out_channels), nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


class DecoderBlock(nn.Module):
    """Doubles the size (nearest), appends the encoder's map of that size, and convolves twice."""

    def __init__(self, in_channels: int, skip_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = _convolution_norm_relu(in_channels + skip_channels, out_channels)
        self.conv2 = _convolution_norm_relu(out_channels, out_channels)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        if skip is not None:
            x = torch.cat([x, skip], dim=1)
        merged: Tensor = self.conv2(self.conv1(x))
        return merged


class Decoder(nn.Module):
    """Five decoder blocks from 1/32 to full size; the last one has no map to append."""

    def __init__(self, parameters: UNetParameters) -> None:
        super().__init__()
        *shallow, deepest = (parameters.stem, *parameters.encoder)
        inputs = (deepest, *parameters.decoder[:-1])
        skips = (*reversed(shallow), 0)
        self.blocks = nn.ModuleList(
            DecoderBlock(*widths) for widths in zip(inputs, skips, parameters.decoder, strict=True)
        )

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        *shallow, x = maps
        skips: list[Tensor | None] = [*reversed(shallow), None]
        for block, skip in zip(self.blocks, skips, strict=True):
            x = block(x, skip)
        return x


class UNet(Network):
    """The whole network. Its input is halved five times, hence the stride."""

    stride_px = 32

    def __init__(self, parameters: UNetParameters) -> None:
        super().__init__()
        self.encoder = Encoder(parameters)
        self.decoder = Decoder(parameters)
        head = nn.Conv2d(parameters.decoder[-1], parameters.logits, 3, padding=1)
        self.segmentation_head = nn.Sequential(head)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.segmentation_head(self.decoder(self.encoder(x)))
        return logits
