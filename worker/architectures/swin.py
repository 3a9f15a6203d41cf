"""Swin transformer as an encoder, with the keys and shapes of timm's, of which FLAIR-HUB's networks are made.

timm builds a network for one input size; here the windows and their masks follow the input, as in timm's with
`strict_img_size=False`, so that one set of weights serves any window of the imagery. For sizes whose map at 1/32
is larger than an attention window (above 384 px where that is 12) it equals the network timm builds for the size.

Source: Liu et al. 2021 (Swin transformer).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from worker.architectures.parameters import PerStage

_APART = -100.0
"""Added to the attention of two tokens that the cyclic shift brought into one window; exp() of it is nearly 0."""


class SwinEncoder(nn.Module):
    """Gives the maps at 1/4, 1/8, 1/16 and 1/32 of the input.

    embedding: channels at 1/4; each stage doubles them. blocks, heads: per stage. window: side of an attention
    window, tokens.
    """

    def __init__(self, in_channels: int, embedding: int, blocks: PerStage, heads: PerStage, window: int) -> None:
        super().__init__()
        self.patch_embed = PatchEmbedding(in_channels, embedding)
        self.layers_0 = SwinStage(embedding, embedding, blocks[0], heads[0], window)
        self.layers_1 = SwinStage(embedding, embedding * 2, blocks[1], heads[1], window)
        self.layers_2 = SwinStage(embedding * 2, embedding * 4, blocks[2], heads[2], window)
        self.layers_3 = SwinStage(embedding * 4, embedding * 8, blocks[3], heads[3], window)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.patch_embed(x)
        maps = []
        for stage in (self.layers_0, self.layers_1, self.layers_2, self.layers_3):
            x = stage(x)
            maps.append(x.permute(0, 3, 1, 2))
        return maps


class PatchEmbedding(nn.Module):
    """One token of each 4x4 px: (batch, bands, height, width) -> (batch, height / 4, width / 4, channels)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(in_channels, out_channels, 4, stride=4)
        self.norm = nn.LayerNorm(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        tokens: Tensor = self.norm(self.proj(x).permute(0, 2, 3, 1))
        return tokens


class SwinStage(nn.Module):
    """Merging of four tokens into one, where the channels change, and blocks whose windows shift in turns."""

    def __init__(self, in_channels: int, channels: int, blocks: int, heads: int, window: int) -> None:
        super().__init__()
        merges = in_channels != channels
        self.downsample: nn.Module = PatchMerging(in_channels, channels) if merges else nn.Identity()
        shifts = (window // 2 * (block % 2) for block in range(blocks))
        self.blocks = nn.Sequential(*(SwinBlock(channels, heads, window, shift) for shift in shifts))

    def forward(self, x: Tensor) -> Tensor:
        tokens: Tensor = self.blocks(self.downsample(x))
        return tokens


class PatchMerging(nn.Module):
    """Each 2x2 tokens become one; a missing last row or column counts as zeros."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * in_channels)
        self.reduction = nn.Linear(4 * in_channels, out_channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        batch, height, width, channels = x.shape
        x = x.view(batch, height // 2, 2, width // 2, 2, channels)
        # Column by column: upper left, lower left, upper right, lower right.
        x = x.permute(0, 1, 3, 4, 2, 5).reshape(batch, height // 2, width // 2, 4 * channels)
        merged: Tensor = self.reduction(self.norm(x))
        return merged


class SwinBlock(nn.Module):
    """Attention within windows, then two linear layers per token, each beside an identity."""

    def __init__(self, channels: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attn = WindowAttention(channels, heads, window, shift)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = TokenLayers(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        tokens: Tensor = x + self.mlp(self.norm2(x))
        return tokens


class TokenLayers(nn.Module):
    """Two linear layers with a GELU between, four times as wide inside."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, 4 * channels)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        tokens: Tensor = self.fc2(self.act(self.fc1(x)))
        return tokens


class WindowAttention(nn.Module):
    """Attention among the tokens of each window, with a learnt bias per head and relative position.

    (batch, height, width, channels) -> the same. shift: of the windows to the right and down, tokens; the windows
    then wrap around the edges, and tokens that only this brings together hardly see each other.
    """

    relative_position_index: Tensor

    def __init__(self, channels: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.heads = heads
        self.window = window
        self.shift = shift
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        self.register_buffer("relative_position_index", _relative_positions(window), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[1:3]
        if self.shift:
            x = torch.roll(x, (-self.shift, -self.shift), dims=(1, 2))
        # After the shift, as the weights were trained. The zeros added are tokens like others, seen by the rest.
        x = functional.pad(x, (0, 0, 0, -width % self.window, 0, -height % self.window))
        x = self._reverse(self._attend(self._partition(x)))[:, :height, :width]
        if self.shift:
            x = torch.roll(x, (self.shift, self.shift), dims=(1, 2))
        tokens: Tensor = self.proj(x)
        return tokens

    def _partition(self, x: Tensor) -> Tensor:
        """(batch, height, width, channels) -> (batch, rows, columns of windows, tokens, channels)."""
        batch, height, width, channels = x.shape
        x = x.view(batch, height // self.window, self.window, width // self.window, self.window, channels)
        return x.transpose(2, 3).flatten(3, 4)

    def _reverse(self, windows: Tensor) -> Tensor:
        batch, rows, columns, _, channels = windows.shape
        x = windows.view(batch, rows, columns, self.window, self.window, channels).transpose(2, 3)
        return x.reshape(batch, rows * self.window, columns * self.window, channels)

    def _attend(self, windows: Tensor) -> Tensor:
        """Attention in every window; only windows of the last row and column hold tokens from both edges."""
        bias = self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)
        if not self.shift:
            return self._attend_alike(windows, bias)
        last_row, last_column = _apart(self.window, self.shift, windows)
        upper, lower = windows[:, :-1], windows[:, -1:]
        return torch.cat(
            [
                torch.cat(
                    [
                        self._attend_alike(band[:, :, :-1], bias + mask),
                        self._attend_alike(band[:, :, -1:], bias + torch.minimum(mask, last_column)),
                    ],
                    dim=2,
                )
                for band, mask in ((upper, torch.zeros_like(last_row)), (lower, last_row))
            ],
            dim=1,
        )

    def _attend_alike(self, windows: Tensor, bias: Tensor) -> Tensor:
        """windows: (batch, rows, columns, tokens, channels), rows and columns 0 or more.

        bias: (heads, tokens, tokens), the same for all of them.
        """
        batch, rows, columns, tokens, channels = windows.shape
        qkv = self.qkv(windows.reshape(-1, tokens, channels))
        query, key, value = qkv.view(-1, tokens, 3, self.heads, channels // self.heads).permute(2, 0, 3, 1, 4)
        # With a mask of four dimensions torch fuses the attention on a CPU, four times as fast as with three.
        mask = bias.to(query.dtype).unsqueeze(0)
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return seen.transpose(1, 2).reshape(batch, rows, columns, tokens, channels)


def _relative_positions(window: int) -> Tensor:
    """(tokens, tokens) row of the bias table for each pair of tokens of a window."""
    side = torch.arange(window)
    rows, columns = (axis.flatten() for axis in torch.meshgrid(side, side, indexing="ij"))
    down = rows[:, None] - rows[None, :] + window - 1
    right = columns[:, None] - columns[None, :] + window - 1
    return down * (2 * window - 1) + right


def _apart(window: int, shift: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Two (tokens, tokens) masks, for windows of the last row and of the last column.

    The last `shift` rows (columns) of these come from the other edge of the map.
    """
    wrapped = torch.arange(window, device=like.device) >= window - shift
    by_row, by_column = wrapped.repeat_interleave(window), wrapped.repeat(window)
    return _mask(by_row).to(like.dtype), _mask(by_column).to(like.dtype)


def _mask(wrapped: Tensor) -> Tensor:
    return (wrapped[:, None] != wrapped[None, :]) * _APART
