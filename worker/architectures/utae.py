"""U-TAE: a U-Net over a satellite series whose time is averaged by attention, at every size with the same weights.

With the default parameters the state dict has the keys and shapes of FLAIR#2's `arch_hr` (158 tensors). Attribute
names are therefore part of the format.

Source: Garnot and Landrieu 2021, "Panoptic Segmentation of Satellite Image Time Series", in the form of IGNF/FLAIR-2.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator
from torch import Tensor, nn
from torch.nn import functional

from worker.architectures.network import Series
from worker.architectures.utae_attention import TemporalEncoder

_GROUPS = 4  # of the encoder's group norms


class UTAEParameters(BaseModel):
    """Widths of a U-TAE; the defaults are FLAIR#2's.

    bands: of a date. encoder, decoder: channels from full size to the deepest map, each half as large as the one
    before. heads: of the attention. model: channels inside it. keys: numbers compared per head. hidden: channels of the
    class scores' first convolution.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bands: PositiveInt = 10
    encoder: Annotated[tuple[PositiveInt, ...], Field(min_length=2)] = (64, 64, 128, 128)
    decoder: tuple[PositiveInt, ...] = (64, 64, 128, 128)
    heads: PositiveInt = 16
    model: PositiveInt = 256
    keys: PositiveInt = 4
    hidden: PositiveInt = 32

    @model_validator(mode="after")
    def _widths_agree(self) -> Self:
        if len(self.encoder) != len(self.decoder) or self.encoder[-1] != self.decoder[-1]:
            raise ValueError("encoder and decoder have one width per size, and the same at the deepest")
        if any(width % _GROUPS or width % self.heads for width in self.encoder) or self.model % self.heads:
            raise ValueError(f"widths of encoder and model are multiples of heads, the encoder's also of {_GROUPS}")
        return self


class Convolutions(nn.Module):
    """Convolutions, each with norm and ReLU; at the border the image goes on as its mirror image.

    widths: channels before, between and after them.
    """

    def __init__(self, widths: tuple[int, ...], norm: Callable[[int], nn.Module], stride: int = 1) -> None:
        super().__init__()
        kernel_px = 4 if stride == 2 else 3
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers.append(nn.Conv2d(before, after, kernel_px, stride=stride, padding=1, padding_mode="reflect"))
            layers += [norm(after), nn.ReLU()]
        self.conv = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        convolved: Tensor = self.conv(x)
        return convolved


class Block(nn.Module):
    """Convolutions one level deeper in the names of the published format."""

    def __init__(self, widths: tuple[int, ...], norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.conv = Convolutions(widths, norm)

    def forward(self, x: Tensor) -> Tensor:
        convolved: Tensor = self.conv(x)
        return convolved


class DownBlock(nn.Module):
    """Halves the size, then convolves twice, the second time beside an identity."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.down = Convolutions((before, before), _group_norm, stride=2)
        self.conv1 = Convolutions((before, after), _group_norm)
        self.conv2 = Convolutions((after, after), _group_norm)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(self.down(x))
        deeper: Tensor = x + self.conv2(x)
        return deeper


class UpBlock(nn.Module):
    """Doubles the size, appends the encoder's map of that size, then convolves as in DownBlock."""

    def __init__(self, before: int, skip: int, after: int) -> None:
        super().__init__()
        self.skip_conv = nn.Sequential(nn.Conv2d(skip, skip, 1), nn.BatchNorm2d(skip), nn.ReLU())
        doubled = nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)
        self.up = nn.Sequential(doubled, nn.BatchNorm2d(after), nn.ReLU())
        self.conv1 = Convolutions((after + skip, after), nn.BatchNorm2d)
        self.conv2 = Convolutions((after, after), nn.BatchNorm2d)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = self.conv1(torch.cat([self.up(x), self.skip_conv(skip)], dim=1))
        merged: Tensor = x + self.conv2(x)
        return merged


class UTAE(nn.Module):
    """Series -> one map of its size, `decoder[0]` channels.

    `out_conv` would turn that map into class scores. FLAIR#2 computes them and uses them nowhere; its tensors are
    here because they are in every published state dict.
    """

    def __init__(self, parameters: UTAEParameters, logits: int) -> None:
        super().__init__()
        widths, decoder = parameters.encoder, parameters.decoder
        self.in_conv = Block((parameters.bands, widths[0], widths[0]), _group_norm)
        self.down_blocks = nn.ModuleList(DownBlock(*pair) for pair in pairwise(widths))
        self.up_blocks = nn.ModuleList(
            UpBlock(decoder[size + 1], widths[size], decoder[size]) for size in reversed(range(len(widths) - 1))
        )
        self.temporal_encoder = TemporalEncoder(widths[-1], parameters.model, parameters.heads, parameters.keys)
        self.out_conv = Block((decoder[0], parameters.hidden, logits), nn.BatchNorm2d)

    def forward(self, series: Series) -> Tensor:
        """(batch, decoder[0], height, width); height and width of the dates can be halved once per size.

        Items of one length are computed together and without their padding: what they are in a batch with cannot
        reach them.
        """
        maps: dict[int, Tensor] = {}
        for length in sorted(set(series.lengths)):
            items = [item for item, own in enumerate(series.lengths) if own == length]
            of_this_length = self._encode(series.dates[items, :length], series.positions[items, :length])
            maps.update(zip(items, of_this_length, strict=True))
        return torch.stack([maps[item] for item in range(len(series.lengths))])

    def _encode(self, dates: Tensor, positions: Tensor) -> Tensor:
        """The map of series without padding. A date that is 0 in all its bands and pixels has no image."""
        empty = (dates == 0).flatten(2).all(dim=2)
        without = empty.flatten()[:, None, None, None]
        maps = [self.in_conv(dates.flatten(0, 1)).masked_fill(without, 0)]
        for down in self.down_blocks:
            maps.append(down(maps[-1]).masked_fill(without, 0))
        *shallow, deepest = [each.reshape(*empty.shape, *each.shape[1:]) for each in maps]
        x, attention = self.temporal_encoder(deepest, positions, empty)
        attention = attention.masked_fill(empty[:, None, :, None, None], 0)
        for up, skip in zip(self.up_blocks, reversed(shallow), strict=True):
            x = up(x, average_over_time(skip, attention))
        merged: Tensor = x
        return merged


def average_over_time(maps: Tensor, attention: Tensor) -> Tensor:
    """Mean of a series of maps, each group of channels by the attention of one head.

    maps: (batch, time, channels, height, width). attention: (batch, heads, time, h, w), resized (bilinear) to the
    maps' size. Returns (batch, channels, height, width).
    """
    size = maps.shape[-2:]
    heads, time = attention.shape[1:3]
    weights = functional.interpolate(attention.flatten(1, 2), size=size, mode="bilinear").reshape(
        -1, heads, time, *size
    )
    groups = maps.reshape(*maps.shape[:2], heads, -1, *size)
    return torch.einsum("bhtyx,bthcyx->bhcyx", weights, groups).flatten(1, 2)


def _group_norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(_GROUPS, channels)
