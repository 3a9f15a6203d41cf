"""The temporal encoder of U-TAE: each pixel's series becomes one vector, and says how much each date counted for it.

Source: Garnot and Landrieu 2020, "Lightweight Temporal Self-Attention" (L-TAE), in the form that FLAIR#2 trained.
Attribute names are part of the published weights' format.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

_MASKED_SCORE = -1000.0  # the published value; its softmax is 0, and it stays finite where every date is masked
_PERIOD = 1000.0


class Attention(nn.Module):
    """One learned query per head: how much a head attends to a date depends on that date alone.

    Parameters are those of the published format: `Q` (heads, keys) and the keys' linear layer `fc1_k`.
    """

    def __init__(self, width: int, heads: int, keys: int) -> None:
        super().__init__()
        self.heads = heads
        self.Q = nn.Parameter(torch.empty(heads, keys))
        self.fc1_k = nn.Linear(width, heads * keys)
        self.dropout = nn.Dropout(0.1)
        # As the authors initialise them; matters for training only.
        nn.init.normal_(self.Q, std=math.sqrt(2 / keys))
        nn.init.normal_(self.fc1_k.weight, std=math.sqrt(2 / keys))

    def forward(self, series: Tensor, empty: Tensor) -> tuple[Tensor, Tensor]:
        """Weighted means over time, and the weights.

        series: (pixels, time, width). empty: (pixels, time) bool, dates that get no weight.
        Returns (pixels, width), in which head h averaged the h-th part of the width, and (pixels, heads, time).
        """
        keys = self.fc1_k(series).view(*series.shape[:2], *self.Q.shape)
        scores = torch.einsum("nthk,hk->nht", keys, self.Q) / math.sqrt(self.Q.shape[1])
        weights = self.dropout(scores.masked_fill(empty[:, None, :], _MASKED_SCORE).softmax(dim=-1))
        parts = series.view(*series.shape[:2], self.heads, -1)
        return torch.einsum("nht,nthv->nhv", weights, parts).flatten(1), weights


class TemporalEncoder(nn.Module):
    """Series of maps -> one map, and the attention it paid to each date.

    channels: of the maps, in and out. width: inside. heads divide both.
    """

    def __init__(self, channels: int, width: int, heads: int, keys: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_norm = nn.GroupNorm(heads, channels)
        self.inconv = nn.Conv1d(channels, width, 1)
        self.attention_heads = Attention(width, heads, keys)
        self.mlp = nn.Sequential(nn.Linear(width, channels), nn.BatchNorm1d(channels), nn.ReLU())
        self.dropout = nn.Dropout(0.2)
        self.out_norm = nn.GroupNorm(heads, channels)

    def forward(self, maps: Tensor, positions: Tensor, empty: Tensor) -> tuple[Tensor, Tensor]:
        """maps: (batch, time, channels, height, width). positions: (batch, time) days. empty: (batch, time) bool.

        Every date is one of its item: `in_norm` takes its statistics over time as well, so that a padded date would
        change the result. An empty date counts there, as it did in training, and nowhere else.
        Returns (batch, channels, height, width) and attention (batch, heads, time, height, width).
        """
        batch, _, _, height, width = maps.shape
        pixels = height * width
        series = self.inconv(self.in_norm(maps.permute(0, 3, 4, 2, 1).flatten(0, 2))).transpose(1, 2)
        series = series + encode_positions(positions, series.shape[-1], self.heads).repeat_interleave(pixels, dim=0)
        means, weights = self.attention_heads(series, empty.repeat_interleave(pixels, dim=0))
        encoded = self.out_norm(self.dropout(self.mlp(means)))
        return (
            encoded.unflatten(0, (batch, height, width)).permute(0, 3, 1, 2),
            weights.unflatten(0, (batch, height, width)).permute(0, 3, 4, 1, 2),
        )


def encode_positions(positions: Tensor, width: int, heads: int) -> Tensor:
    """(batch, time) days -> (batch, time, width) sines and cosines, the same numbers for each head's part."""
    channel = torch.arange(width // heads, device=positions.device)
    pair = torch.div(channel, 2, rounding_mode="floor")
    angles = positions[..., None] / _PERIOD ** (2 * pair * heads / width)
    encoded = torch.where(channel % 2 == 0, angles.sin(), angles.cos())
    return encoded.repeat(1, 1, heads)
