"""From the scores of networks to class values and confidence; no float of it leaves the device."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from worker.strips import strips
from worker.windows import Box


def classify(scores: Tensor, values: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Class values and confidence of one network's scores.

    scores: (channels, height, width) float32. values: class value of each channel; a channel with 0 was never trained
    and cannot win. Returns two (height, width) uint8: class value, of equal scores the first channel's, and the softmax
    of the winner over all trained channels in 1/255; 0 and 0 where a score is not a number.
    """
    device = scores.device
    trained = torch.tensor([channel for channel, value in enumerate(values) if value], device=device)
    # Each channel that has the maximum gives its rank: torch's own position of it took half of all the time here.
    rank = torch.arange(len(trained), 0, -1, dtype=torch.uint8, device=device).view(-1, 1, 1)
    value_of_rank = torch.tensor([0, *(value for value in reversed(values) if value)], dtype=torch.uint8, device=device)
    classes = torch.empty(scores.shape[1:], dtype=torch.uint8, device=device)
    confidence = torch.empty_like(classes)
    for part in strips(scores.shape[1], device):
        rows = scores[:, part].index_select(0, trained)  # a channel after the other: what follows reads whole rows
        best = rows.amax(dim=0)
        classes[part] = value_of_rank[(torch.eq(rows, best).to(torch.uint8) * rank).amax(dim=0).int()]
        share = rows.sub_(best).exp_().sum(dim=0).reciprocal_()  # the winner's own term is exp(0) = 1
        confidence[part] = _as_byte(share)
    return classes, confidence


class Shares:
    """The mean of several predictions of the same pixels, as shares of class values.

    Each prediction is the softmax over the trained channels of its network; a class that a network does not know
    has no share in what that network says. values: of all channels of all networks; 0 among them counts for nothing.
    """

    def __init__(self, values: Sequence[int], height: int, width: int, device: torch.device) -> None:
        self._values = sorted(set(values) - {0})
        self._sums = torch.zeros((len(self._values), height, width), device=device)
        self._passes = 0

    def begin_pass(self) -> None:
        """What is added from here on is another prediction of every pixel."""
        self._passes += 1

    def add(self, kept: Box, scores: Tensor, values: tuple[int, ...]) -> None:
        """scores: (channels, kept height, kept width) float32. values: class value of each channel, 0 = not trained."""
        row, column, rows, columns = kept
        sums = self._sums[:, row : row + rows, column : column + columns]
        trained = [channel for channel, value in enumerate(values) if value]
        for part in strips(scores.shape[1], scores.device):
            # One after another, where an `index_add_` on a GPU would add in any order.
            for channel, share in zip(trained, scores[trained, part].softmax(dim=0), strict=True):
                sums[self._values.index(values[channel]), part] += share

    def best(self) -> tuple[Tensor, Tensor]:
        """Two (height, width) uint8: the class value with the largest mean share, and that share in 1/255."""
        value_of = torch.tensor(self._values, dtype=torch.uint8, device=self._sums.device)
        share, position = self._sums.max(dim=0)
        return value_of[position], _as_byte(share.div_(self._passes))


def _as_byte(share: Tensor) -> Tensor:
    return share.mul_(255).round_().to(torch.uint8)
