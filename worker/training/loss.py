"""What training makes small: cross entropy that hears rare classes, and the overlap of regions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

IGNORED = 255
"""Target of a pixel that must not count."""

_LARGEST_WEIGHT = 4.0
_DICE_SHARE = 0.5
_DICE_STEP_PX = 3  # overlaps of regions are known well enough from every third row and column, at a ninth of the cost


class ClassWeights:
    """Weights by the inverse square root of each channel's share of all pixels seen, mean 1 and at most 4."""

    def __init__(self, channels: int) -> None:
        self.counts = torch.zeros(channels, dtype=torch.float64)

    def update(self, target: Tensor) -> Tensor:
        """Count a batch of targets; returns the weights so far, (channels,) float32."""
        self.counts += torch.bincount(target[target != IGNORED], minlength=len(self.counts))
        share = (self.counts / self.counts.sum().clamp_min(1)).clamp_min(1e-4)
        weights = share.rsqrt()
        return (weights / weights.mean()).clamp_max(_LARGEST_WEIGHT).float()


def segmentation_loss(scores: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Weighted cross entropy plus half a soft Dice loss over the classes that occur in the batch.

    scores: (batch, channels, height, width) float. target: (batch, height, width) int64, channels or IGNORED.
    """
    return _cross_entropy(scores, target, weights) + _DICE_SHARE * _dice(
        scores[:, :, ::_DICE_STEP_PX, ::_DICE_STEP_PX], target[:, ::_DICE_STEP_PX, ::_DICE_STEP_PX]
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
