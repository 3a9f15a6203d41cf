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


def test_channels_of_one_value_add_up() -> None:
    shares = Shares((4, 9, 4), 1, 2, torch.device("cpu"))
    shares.begin_pass()
    shares.add(Box(0, 1, 1, 1), torch.log(torch.tensor([0.3, 0.4, 0.3])).view(3, 1, 1), (4, 9, 4))

    classes, confidence = shares.best()

    assert (classes[0, 1], confidence[0, 1]) == (4, 153)  # 0.6 of 255
