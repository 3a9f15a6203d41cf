"""Extra inputs of several items as one batch."""

from __future__ import annotations

import torch

from worker.architectures.extra_batches import together
from worker.architectures.network import ExtraInputs, Series

CPU = torch.device("cpu")


def test_series_of_different_lengths_are_padded_and_know_their_own() -> None:
    short: ExtraInputs = {"series": Series(torch.ones(1, 1, 2, 4, 4), torch.tensor([[5.0]]), (1,))}
    long: ExtraInputs = {"series": Series(torch.full((1, 3, 2, 4, 4), 2.0), torch.tensor([[1.0, 2.0, 3.0]]), (3,))}

    series = together([short, long], CPU)["series"]

    assert series.dates[:, :, 0, 0, 0].tolist() == [[1, 0, 0], [2, 2, 2]]
    assert series.positions.tolist() == [[5, 0, 0], [1, 2, 3]]
    assert series.lengths == (1, 3)


def test_metadata_stand_one_below_the_other() -> None:
    items: list[ExtraInputs] = [{"metadata": torch.full((1, 45), float(number))} for number in (1, 2)]

    assert together(items, CPU)["metadata"][:, 7].tolist() == [1, 2]


def test_nothing_gives_nothing() -> None:
    assert together([], CPU) == together([{}], CPU) == {}
