"""Classes and confidence of scores, by hand."""

from __future__ import annotations

import torch

from worker.scores import Shares, classify
from worker.windows import Box


def test_classify_finds_the_winner_of_each_pixel() -> None:
    scores = torch.tensor([[[5.0, 0.0]], [[0.0, 5.0]]])

    classes, confidence = classify(scores, (4, 9))

    assert classes.tolist() == [[4, 9]]
    assert confidence.tolist() == [[253, 253]]  # 1 / (1 + e⁻⁵) = 0.9933


def test_classify_agrees_with_softmax_pixel_by_pixel() -> None:
    values = (0, 7, 3, 0, 12)
    scores = torch.randn((1, 5, 37, 11), generator=torch.Generator().manual_seed(1))
    shares = scores[0, [1, 2, 4]].softmax(dim=0)

    for layout in (torch.contiguous_format, torch.channels_last):
        classes, confidence = classify(scores.contiguous(memory_format=layout)[0], values)

        assert torch.equal(classes, torch.tensor([7, 3, 12], dtype=torch.uint8)[shares.argmax(dim=0)])
        assert (confidence - 255 * shares.amax(dim=0)).abs().max() <= 0.5001


def test_of_equal_scores_the_first_trained_channel_wins() -> None:
    scores = torch.tensor([9.0, 2.0, 2.0, 1.0]).view(4, 1, 1)

    classes, _ = classify(scores, (0, 5, 8, 2))

    assert classes.tolist() == [[5]]


def test_where_a_score_is_not_a_number_nothing_is_predicted() -> None:
    scores = torch.tensor([[1.0, float("nan")], [2.0, 3.0]]).view(2, 1, 2)

    classes, confidence = classify(scores, (4, 9))

    assert classes.tolist() == [[9, 0]]
    assert confidence.tolist() == [[186, 0]]  # 1 / (1 + e⁻¹) = 0.7311


def test_channels_of_one_value_add_up() -> None:
    shares = Shares((4, 9, 4), 1, 2, torch.device("cpu"))
    shares.begin_pass()
    shares.add(Box(0, 1, 1, 1), torch.log(torch.tensor([0.3, 0.4, 0.3])).view(3, 1, 1), (4, 9, 4))

    classes, confidence = shares.best()

    assert (classes[0, 1], confidence[0, 1]) == (4, 153)  # 0.6 of 255
