"""What training makes small: cross entropy that hears rare classes, and the overlap of regions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

IGNORED = 255
"""Target of a pixel that must not count."""

_LARGEST_WEIGHT = 4.0
_DICE_SHARE = 0.5
_RARITY = -0.25  # crops look for rare classes already: the square root on top of it costs the frequent ones
_NEWS = 0.02
_COARSE_PX = 3  # what concerns regions is known well enough from every third row and column, at a ninth of the cost


class ClassWeights:
    """How much each channel counts: by the inverse fourth root of its share of all pixels seen, and up to twice as much
    where it was missed of late; mean 1, at most 4."""

    def __init__(self, channels: int) -> None:
        self.counts = torch.zeros(channels, dtype=torch.float64)
        self.recall = torch.zeros(channels, dtype=torch.float64)

    def update(self, target: Tensor) -> Tensor:
        """Count a batch of targets; returns the weights so far, (channels,) float32."""
        self.counts += _counted(target, len(self.counts))
        share = (self.counts / self.counts.sum().clamp_min(1)).clamp_min(1e-4)
        weights = share**_RARITY * (2 - self.recall)
        return (weights / weights.mean()).clamp_max(_LARGEST_WEIGHT).float()

    def observe(self, scores: Tensor, target: Tensor) -> None:
        """Note which channels a batch found: the running recall of each channel that occurs moves towards its own.

        scores: (batch, channels, height, width). target: (batch, height, width).
        """
        coarse = target[:, ::_COARSE_PX, ::_COARSE_PX].reshape(-1)
        found = scores[:, :, ::_COARSE_PX, ::_COARSE_PX].detach().argmax(dim=1).reshape(-1)
        channels = len(self.recall)
        seen = _counted(coarse, channels)
        hits = _counted(coarse[coarse == found], channels)
        occurs = seen > 0
        self.recall[occurs] += _NEWS * (hits[occurs] / seen[occurs] - self.recall[occurs])


def _counted(target: Tensor, channels: int) -> Tensor:
    """(channels,) int64: how often each channel occurs. IGNORED is counted beside them: no copy without it is made."""
    return torch.bincount(target.reshape(-1), minlength=IGNORED + 1)[:channels]


def segmentation_loss(scores: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Weighted cross entropy plus half a soft Dice loss over the classes that occur in the batch.

    scores: (batch, channels, height, width) float. target: (batch, height, width) int64, channels or IGNORED.
    """
    return _cross_entropy(scores, target, weights) + _DICE_SHARE * _dice(
        scores[:, :, ::_COARSE_PX, ::_COARSE_PX], target[:, ::_COARSE_PX, ::_COARSE_PX]
    )


def _cross_entropy(scores: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    pixels = _per_pixel(scores)
    return functional.cross_entropy(pixels, target.reshape(-1), weight=weights, ignore_index=IGNORED)


def _dice(scores: Tensor, target: Tensor) -> Tensor:
    counted = target.reshape(-1) != IGNORED
    shares = _per_pixel(scores)[counted].softmax(dim=1)
    present = functional.one_hot(target.reshape(-1)[counted], scores.shape[1]).to(shares.dtype)
    overlap, size, expected = (shares * present).sum(0), shares.sum(0), present.sum(0)
    dice = 1 - (2 * overlap + 1) / (size + expected + 1)
    return dice[expected > 0].mean() if counted.any() else shares.sum()


def _per_pixel(scores: Tensor) -> Tensor:
    """(pixels, channels): channels-last memory as it lies, without a copy."""
    return scores.permute(0, 2, 3, 1).reshape(-1, scores.shape[1])
