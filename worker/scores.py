"""From the scores of networks to class values and confidence; no float of it leaves the device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from worker.windows import Box

_ROWS_AT_ONCE = 64  # the scores of so many rows stay in a CPU's cache from their maximum to their softmax


def classify(scores: Tensor, values: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Class values and confidence of one network's scores.

    scores: (channels, height, width) float32, changed in place. values: class value of each channel; a channel
    with 0 was never trained and cannot win. Returns two (height, width) uint8: class value, and the softmax of
    the winner over all trained channels in 1/255.
    """
    value_of = torch.tensor(values, dtype=torch.uint8, device=scores.device)
    untrained = [channel for channel, value in enumerate(values) if value == 0]
    classes = torch.empty(scores.shape[1:], dtype=torch.uint8, device=scores.device)
    confidence = torch.empty_like(classes)
    for part in _parts(scores):
        rows = scores[:, part]
        if untrained:
            rows[untrained] = -torch.inf
        best, channel = rows.max(dim=0)
        share = rows.sub_(best).exp_().sum(dim=0).reciprocal_()  # the winner's own term is exp(0) = 1
        classes[part] = value_of[channel]
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
        for part in _parts(scores):
            # One after another, where an `index_add_` on a GPU would add in any order.
            for channel, share in zip(trained, scores[trained, part].softmax(dim=0), strict=True):
                sums[self._values.index(values[channel]), part] += share

    def best(self) -> tuple[Tensor, Tensor]:
        """Two (height, width) uint8: the class value with the largest mean share, and that share in 1/255."""
        value_of = torch.tensor(self._values, dtype=torch.uint8, device=self._sums.device)
        share, position = self._sums.max(dim=0)
        return value_of[position], _as_byte(share.div_(self._passes))


def _parts(scores: Tensor) -> Iterator[slice]:
    height = scores.shape[1]
    rows = _ROWS_AT_ONCE if scores.device.type == "cpu" else max(1, height)
    return (slice(row, row + rows) for row in range(0, height, rows))


def _as_byte(share: Tensor) -> Tensor:
    return share.mul_(255).round_().to(torch.uint8)
