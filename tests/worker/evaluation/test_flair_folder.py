"""A model scored on FLAIR patches; the network is known, so that every pixel is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from app.definitions import Band, ModelCard
from tests.flair_files import SIDE_PX, write_patch
from worker.architectures.network import Network
from worker.evaluation import evaluate_flair
from worker.flair import find_patches

CPU = torch.device("cpu")


class _Threshold(Network):
    """Logit 1 (water) where the band is bright, logit 0 (building) where it is not."""

    stride_px = 32

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([48.0 - x, x - 48.0, torch.full_like(x, 1e6)], dim=1)


def test_matrix_over_patches_is_that_of_their_masks(card: ModelCard, tmp_path: Path) -> None:
    # Building (code 1) looks dark, water (5, at 60-65) bright, deciduous (7) brighter still; so is ligneous (16).
    first = write_patch(tmp_path, 1)
    second = write_patch(tmp_path, 2, mask=np.full((SIDE_PX, SIDE_PX), 16, np.uint8))
    second[:10] = 200  # no code
    second[10:20] = 1
    write_patch(tmp_path, 2, mask=second)
    # The third channel was never trained: it must not win, however high it is.
    known = card.model_copy(
        update={"bands": (Band.NIR,), "mean": (0,), "std": (1,), "values": (1, 6, 0), "margin_px": 32}
    )

    report = evaluate_flair(known, _Threshold(), find_patches(tmp_path), "two patches", CPU, border_px=2)

    building, water, deciduous = (int(np.sum(first == code)) for code in (1, 5, 7))
    matrix = report.confusion_matrix
    assert matrix[1][1] == building + 10 * SIDE_PX
    assert matrix[6][6] == water
    assert matrix[9][6] == deciduous  # its class was never trained: it is told, and in no figure
    assert matrix[17][6] == 44 * SIDE_PX
    assert sum(map(sum, matrix)) == SIDE_PX**2 + 54 * SIDE_PX
    assert report.overall_accuracy == 1.0
    assert report.left_out_pixels == deciduous + 44 * SIDE_PX
    assert report.reference.name == "two patches"
