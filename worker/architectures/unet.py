"""U-Net: its decoder, and the network with a ResNet encoder of basic blocks.

With ResNet-34 parameters the state dict has the keys and shapes of `Unet("resnet34")` in
segmentation_models_pytorch, so that the weights IGN publishes for FLAIR-INC load strictly; smaller
parameters give the narrow network shipped here. Attribute names are therefore part of the format:
renaming one breaks every weights file.

Source: Ronneberger et al. 2015 (U-Net).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from worker.architectures.convolutions import convolution_norm_relu
from worker.architectures.network import Network
from worker.architectures.resnet import ResNetEncoder, ResNetParameters

_REACH = 4
"""Pixels that a block computes around those that are wanted. Each of its two convolutions takes zeros for what was cut
off and so spoils one at the edge; the next block needs two more, the four of its own size."""

DecoderWidths = tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt, PositiveInt]


class UNetParameters(ResNetParameters):
    """Widths and depths of a U-Net; the defaults are ResNet-34's and the decoder of FLAIR-INC.

    decoder: channels of the five decoder blocks, deepest first; the last works at full size.
    """

    decoder: DecoderWidths = (256, 128, 64, 32, 16)


class DecoderBlock(nn.Module):
    """Doubles the size (nearest), appends the encoder's map of that size, and convolves twice."""

    def __init__(self, in_channels: int, skip_channels: int, out_channels: int) -> None:
        super().__init__()
        self.skip_channels = skip_channels
        self.conv1 = convolution_norm_relu(in_channels + skip_channels, out_channels)
        self.conv2 = convolution_norm_relu(out_channels, out_channels)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        if skip is not None:
            x = torch.cat([x, skip], dim=1)
        merged: Tensor = self.conv2(self.conv1(x))
        return merged


class Decoder(nn.Module):
    """Five decoder blocks from 1/32 to full size; the last one has no map to append.

    encoder_widths: channels of the encoder's maps, shallow to deep; the deepest is at 1/32. An encoder without
    a map at 1/2 gives four, and the last two blocks append none.
    """

    unseen_px: int = 0
    """Pixels at each edge of full size for which nobody wants logits. Each block leaves out what the others do not
    need: the output may be smaller than the input by up to twice as many pixels."""

    def __init__(self, encoder_widths: Sequence[int], decoder_widths: Sequence[int]) -> None:
        super().__init__()
        *shallow, deepest = encoder_widths
        inputs = (deepest, *decoder_widths[:-1])
        skips = (*reversed(shallow), *[0] * (len(decoder_widths) - len(shallow)))
        self.blocks = nn.ModuleList(DecoderBlock(*widths) for widths in zip(inputs, skips, decoder_widths, strict=True))

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        *shallow, x = maps
        skips: list[Tensor | None] = [*reversed(shallow), *[None] * (len(self.blocks) - len(shallow))]
        lost_px = 0
        for depth, (block, skip) in enumerate(zip(self.blocks, skips, strict=True), 1):
            scale = 2 ** (len(self.blocks) - depth)  # pixels of full size per pixel that the block gives
            # In whole pixels of the map below.
            cut_px = max(0, self.unseen_px - _REACH * scale) // (2 * scale) * (2 * scale)
            below = _without(x, (cut_px - lost_px) // (2 * scale))
            x = block(below, None if skip is None else _without(skip, cut_px // scale))
            lost_px = cut_px
        return x


def _without(x: Tensor, edge: int) -> Tensor:
    """A map without so many pixels at each edge, as a view."""
    return x[..., edge : x.shape[-2] - edge, edge : x.shape[-1] - edge]


class UNet(Network):
    """The whole network. Its input is halved five times, hence the stride."""

    stride_px = 32
    depends_on_patch = False

    def __init__(self, parameters: UNetParameters) -> None:
        super().__init__()
        self.encoder = ResNetEncoder(parameters)
        self.decoder = Decoder(parameters.widths, parameters.decoder)
        self.segmentation_head = unet_head(parameters.decoder[-1], parameters.logits)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.segmentation_head(self.decoder(self.encoder(x)))
        return logits


def unet_head(in_channels: int, logits: int) -> nn.Sequential:
    """The 3x3 convolution at full size that gives the logits."""
    return nn.Sequential(nn.Conv2d(in_channels, logits, 3, padding=1))
