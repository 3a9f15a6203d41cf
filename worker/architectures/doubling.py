"""A U-Net's convolutions over doubled maps, without the doubled map: a third less arithmetic, half the memory moved.

Of the nine pixels that a 3x3 convolution sees in a map doubled by nearest neighbour, several are the same pixel of the
map before. Added up, their weights make four 2x2 convolutions of that map, one for each place (even or odd row, even or
odd column) of an output pixel. What is appended to the doubled map is convolved by itself: a sum of sums.

Source: Shi et al. 2016 (convolution at the lower resolution), for weights that are given.
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional

from worker.architectures.network import Network
from worker.architectures.unet import DecoderBlock

_PLACES = tuple(product((0, 1), repeat=2))
"""Row and column of an output pixel, modulo 2."""


def spare_doubling(network: Network) -> None:
    """Changes a network for inference, whose batch norms are folded, in place: the same function but for rounding."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, DecoderBlock):
                setattr(module, name, SparingBlock(child))


class SparingBlock(nn.Module):
    """What a decoder block gives, whose convolutions have biases and no norms after them."""

    def __init__(self, block: DecoderBlock) -> None:
        super().__init__()
        weight, bias = (each.detach() for each in block.conv1.parameters())
        below, beside = weight.tensor_split([weight.shape[1] - block.skip_channels], dim=1)
        self.below = nn.Parameter(torch.cat([_at(row, column, below) for row, column in _PLACES]))
        self.beside = nn.Parameter(beside.clone())
        self.bias = nn.Parameter(bias.clone())
        self.conv2 = block.conv2

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        _, _, height, width = x.shape
        channels = len(self.bias)
        if skip is None:
            of_below = functional.conv2d(x, self.below, self.bias.repeat(len(_PLACES)), padding=1)
            size = (len(x), channels, 2 * height, 2 * width)
            merged = torch.empty(size, dtype=of_below.dtype, device=x.device, memory_format=torch.channels_last)
        else:
            of_below = functional.conv2d(x, self.below, padding=1)
            merged = functional.conv2d(skip, self.beside, self.bias, padding=1)
        for (row, column), part in zip(_PLACES, of_below.tensor_split(len(_PLACES), dim=1), strict=True):
            pixels, found = merged[..., row::2, column::2], part[..., row : row + height, column : column + width]
            if skip is None:
                pixels.copy_(found)
            else:
                pixels.add_(found)
        block: Tensor = self.conv2(merged.relu_())
        return block


def _at(row: int, column: int, weight: Tensor) -> Tensor:
    """(outputs, inputs, 3, 3) as (outputs, inputs, 2, 2) for the output pixels at one of the four places.

    Pixels of the map before: in an even row of the output the one above and the own, in an odd row the own and the one
    below; columns likewise.
    """
    return _pairs(_pairs(weight, row, 2), column, 3)


def _pairs(weight: Tensor, place: int, axis: int) -> Tensor:
    first, second, third = weight.unbind(axis)
    return torch.stack([first, second + third] if place == 0 else [first + second, third], axis)
