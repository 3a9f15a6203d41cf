"""What a pass is counted to compute: the bound that its speed is held to is worth as much."""

from __future__ import annotations

from itertools import count

import pytest
import torch
from torch import nn
from torch.nn.modules import module as hooks

from app.definitions import shipped_model_cards
from benchmarks import rates
from benchmarks.inference import FLOP_PER_PX
from worker.architectures import build

CPU = torch.device("cpu")


def two() -> nn.Sequential:
    """On 8 × 8 pixels: 2 · (4·8·8) · (3·3·3) = 13 824 operations, then 2 · (2·4·4) · (4/2·1·1) = 128."""
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 1, stride=2, groups=2))


def test_each_convolution_of_a_pass_is_counted_and_timed_alone() -> None:
    ticks = count()  # a second between two looks at the clock

    found = rates.convolutions(two(), torch.zeros(1, 3, 8, 8), lambda: float(next(ticks)))

    assert found == [(13_824, 1.0), (128, 1.0)]


def test_counting_leaves_no_hook_behind_even_where_a_pass_fails() -> None:
    with pytest.raises(RuntimeError):
        rates.convolutions(two(), torch.zeros(1, 5, 8, 8))

    assert not hooks._global_forward_hooks
    assert not hooks._global_forward_pre_hooks


def test_the_rate_is_that_of_the_fastest_convolution_that_is_a_share_of_the_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passes = iter([[(1000, 2.0), (9, 0.001)], [(1000, 1.0), (500, 1.0)], [(1000, 4.0), (0, 0.001)]])
    monkeypatch.setattr(
        rates, "convolutions", lambda *_: [rates.Convolution(operations, s) for operations, s in next(passes)]
    )

    assert rates.convolution_rate(two(), torch.zeros(1, 3, 8, 8)) == 1000.0


def test_a_gpu_is_held_to_its_products_and_a_processor_to_the_best_that_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rates, "matrix_rate", lambda *_: 2.0)
    monkeypatch.setattr(rates, "convolution_rate", lambda *_: 3.0)

    assert rates.peak_rate(two(), torch.zeros(1, device="cpu"), torch.float32) == 3.0
    assert rates.peak_rate(two(), _OnCuda(), torch.bfloat16) == 2.0  # type: ignore[arg-type]


class _OnCuda:
    """A tensor that lies on a GPU, as far as anybody asks."""

    device = torch.device("cuda")


def test_operations_of_the_measured_network_are_those_of_its_convolutions() -> None:
    network = build(shipped_model_cards()["flair-inc-rvbie"]).eval()

    found = rates.convolutions(network, torch.zeros(1, 5, 64, 64))

    assert sum(each.operations for each in found) / 64**2 == pytest.approx(FLOP_PER_PX, rel=0.01)
