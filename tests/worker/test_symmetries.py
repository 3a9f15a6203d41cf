"""The symmetries of an augmentation."""

from __future__ import annotations

import pytest
import torch

from app.definitions import Augmentation
from worker.symmetries import symmetries


@pytest.mark.parametrize("augmentation", Augmentation)
def test_an_augmentation_has_as_many_different_views_as_passes(augmentation: Augmentation) -> None:
    square = torch.arange(9).view(3, 3)

    views = {tuple(each.turn(square).flatten().tolist()) for each in symmetries(augmentation)}

    assert len(views) == len(symmetries(augmentation)) == augmentation.passes


@pytest.mark.parametrize("augmentation", Augmentation)
def test_what_is_turned_back_is_as_it_was(augmentation: Augmentation) -> None:
    oblong = torch.arange(2 * 3 * 4).view(2, 3, 4)

    for symmetry in symmetries(augmentation):
        assert torch.equal(symmetry.turn_back(symmetry.turn(oblong)), oblong)
