"""Mix transformer (SegFormer's encoder), with the keys and shapes of segmentation_models_pytorch's `mit_b5`.

Its attention spans the whole window, with keys from a coarser grid: no margin is exactly sufficient.

Source: Xie et al. 2021 (SegFormer).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from worker.architectures.parameters import PerStage

_NORM_EPSILON = 1e-6
"""Of the norms before attention and linear layers and at the end of a stage; the others have torch's 1e-5."""


class MixTransformer(nn.Module):
    """Gives the maps at 1/4, 1/8, 1/16 and 1/32 of the input.

    widths: channels per stage. blocks, heads: of attention, per stage. reductions: side, in tokens, of what
    becomes one key, per stage.
    """

    def __init__(
        self, in_channels: int, widths: PerStage, blocks: PerStage, heads: PerStage, reductions: PerStage
    ) -> None:
        super().__init__()
        inputs = (in_channels, *widths[:3])
        for stage in range(4):
            kernel_px, stride = (7, 4) if stage == 0 else (3, 2)
            embedding = PatchEmbedding(inputs[stage], widths[stage], kernel_px, stride)
            attention = (MixBlock(widths[stage], heads[stage], reductions[stage]) for _ in range(blocks[stage]))
            self.add_module(f"patch_embed{stage + 1}", embedding)
            self.add_module(f"block{stage + 1}", nn.Sequential(*attention))
            self.add_module(f"norm{stage + 1}", nn.LayerNorm(widths[stage], eps=_NORM_EPSILON))

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for stage in range(1, 5):
            tokens = self.get_submodule(f"patch_embed{stage}")(x)
            tokens = self.get_submodule(f"block{stage}")(tokens)
            x = self.get_submodule(f"norm{stage}")(tokens).permute(0, 3, 1, 2)
            maps.append(x)
        return maps


class PatchEmbedding(nn.Module):
    """Overlapping patches: (batch, channels, height, width) -> (batch, height / stride, width / stride, channels)."""

    def __init__(self, in_channels: int, out_channels: int, kernel_px: int, stride: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(in_channels, out_channels, kernel_px, stride=stride, padding=kernel_px // 2)
        self.norm = nn.LayerNorm(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        tokens: Tensor = self.norm(self.proj(x).permute(0, 2, 3, 1))
        return tokens


class MixBlock(nn.Module):
    """Attention, then two linear layers with a convolution between, each beside an identity."""

    def __init__(self, channels: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps=_NORM_EPSILON)
        self.attn = ReducedAttention(channels, heads, reduction)
        self.norm2 = nn.LayerNorm(channels, eps=_NORM_EPSILON)
        self.mlp = MixLayers(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        tokens: Tensor = x + self.mlp(self.norm2(x))
        return tokens


class ReducedAttention(nn.Module):
    """Attention of every token to a grid `reduction` times coarser along each axis.

    (batch, rows, columns, channels) -> the same.
    """

    def __init__(self, channels: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(channels, channels)
        self.kv = nn.Linear(channels, 2 * channels)
        self.proj = nn.Linear(channels, channels)
        self.reduces = reduction > 1
        if self.reduces:
            self.sr = nn.Conv2d(channels, channels, reduction, stride=reduction)
            self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        batch, _, _, channels = x.shape
        seen = self.norm(self.sr(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)) if self.reduces else x
        depth = channels // self.heads
        query = self.q(x).view(batch, -1, self.heads, depth).transpose(1, 2)
        key, value = self.kv(seen).view(batch, -1, 2, self.heads, depth).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(query, key, value)
        tokens: Tensor = self.proj(attended.transpose(1, 2).reshape(x.shape))
        return tokens


class MixLayers(nn.Module):
    """Linear layer to four times the channels, 3x3 convolution per channel, GELU, linear layer back."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, 4 * channels)
        convolution = nn.Conv2d(4 * channels, 4 * channels, 3, padding=1, groups=4 * channels)
        self.dwconv = nn.ModuleDict({"dwconv": convolution})
        self.act = nn.GELU()
        self.fc2 = nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc1(x).permute(0, 3, 1, 2)
        x = self.dwconv["dwconv"](x).permute(0, 2, 3, 1)
        tokens: Tensor = self.fc2(self.act(x))
        return tokens
