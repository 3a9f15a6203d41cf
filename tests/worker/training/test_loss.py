from __future__ import annotations

import pytest
import torch

from worker.training.loss import IGNORED, ClassWeights, segmentation_loss

EVEN = torch.ones(2)


def scores_for(target: torch.Tensor, certainty: float) -> torch.Tensor:
    """Scores of two channels that favour the target by `certainty`."""
    right = torch.nn.functional.one_hot(target.clamp_max(1), 2).permute(0, 3, 1, 2)
    return right.float() * certainty


def test_loss_of_even_scores_is_that_of_a_coin() -> None:
    target = torch.tensor([[[0, 1], [1, 0]]]).repeat(1, 3, 3)

    loss = segmentation_loss(scores_for(target, 0.0), target, EVEN)

    # Cross entropy ln 2; Dice on the four pixels of every third row and column, which are two of each channel:
    # overlap 2 x 0.5 = 1, sizes 4 x 0.5 = 2 and 2, so 1 - (2 + 1) / (4 + 1) = 0.4, and half of it.
    assert loss.item() == pytest.approx(0.6931 + 0.2, abs=1e-3)


def test_right_and_certain_costs_nothing_and_wrong_costs_much() -> None:
    target = torch.tensor([[[0, 1], [1, 0]]]).repeat(1, 3, 3)

    assert segmentation_loss(scores_for(target, 30.0), target, EVEN).item() < 1e-3
    assert segmentation_loss(scores_for(target, -30.0), target, EVEN).item() > 10


def test_ignored_pixels_do_not_count() -> None:
    target = torch.tensor([[[0, 1], [1, 0]]]).repeat(1, 3, 3)
    scores = scores_for(target, 30.0)
    scores[:, :, 0] = torch.tensor([-30.0, 30.0]).view(1, 2, 1)
    target[:, 0] = IGNORED

    assert segmentation_loss(scores, target, EVEN).item() < 1e-3


def test_rare_classes_weigh_more_by_the_fourth_root() -> None:
    weights = ClassWeights(2)
    target = torch.zeros(1, 10, 10, dtype=torch.long)
    target[0, 0] = 1  # 90 pixels of channel 0, 10 of channel 1

    rare, frequent = weights.update(target).flip(0).tolist()

    assert rare / frequent == pytest.approx(9**0.25)
    assert (rare + frequent) / 2 == pytest.approx(1.0)


def test_class_that_is_missed_weighs_more_than_one_that_is_found() -> None:
    weights = ClassWeights(2)
    target = torch.tensor([[[0, 1], [1, 0]]]).repeat(1, 6, 6)
    always_zero = scores_for(torch.zeros_like(target), 5.0)

    for _ in range(400):
        weights.observe(always_zero, target)
    found, missed = weights.update(target).tolist()

    assert missed / found == pytest.approx(2.0, rel=0.01)  # 2 - recall: 2 and 1


def test_weight_of_a_class_hardly_seen_is_bounded() -> None:
    weights = ClassWeights(16)

    assert weights.update(torch.zeros(1, 100, 100, dtype=torch.long)).max() <= 4.0


def test_ignored_pixels_are_no_occurrence_of_any_class() -> None:
    weights = ClassWeights(2)
    target = torch.tensor([[[0, 1], [1, 0]]]).repeat(1, 6, 6)
    target[:, 6:] = IGNORED

    weights.update(target)
    weights.observe(scores_for(torch.zeros_like(target), 5.0), target)

    assert weights.counts.tolist() == [36, 36]
    assert weights.recall.tolist() == pytest.approx([0.02, 0.0])
