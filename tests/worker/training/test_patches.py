"""Crops of FLAIR patches: each once per round, the same for the same seed and step, image and mask together."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from app.definitions import nomenclature
from app.errors import ParameterInvalid
from tests.flair_files import SIDE_PX, write_patch
from worker.architectures.network import ExtraInputs, Series
from worker.flair import FLAIR_BANDS, FlairPatch, find_patches, read_image
from worker.training.patches import PatchSampler
from worker.training.recipe import Variation

CLASSES = nomenclature()


@pytest.fixture
def patches(tmp_path: Path) -> list[FlairPatch]:
    """Four patches; the mask of patch n is class n + 1 but for a corner of water."""
    for number in range(4):
        mask = np.full((SIDE_PX, SIDE_PX), number + 1, np.uint8)
        mask[:20, :30] = 5
        write_patch(tmp_path, number, mask=mask)
    return find_patches(tmp_path)


def _sampler(
    patches: list[FlairPatch], variation: Variation = Variation.SYMMETRIES, side_px: int = SIDE_PX
) -> PatchSampler:
    return PatchSampler(patches, CLASSES, 2, side_px, variation, seed=3)


def test_a_round_holds_every_patch_once(patches: list[FlairPatch]) -> None:
    batches = list(islice(_sampler(patches).batches(0), 4))

    for first in (0, 2):
        crops = [truth for batch in batches[first : first + 2] for truth in batch.truth]
        seen = [int(np.bincount(truth.ravel()).argmax()) for truth in crops]
        assert sorted(seen) == [1, 2, 3, 5]  # FLAIR codes 1-4 as class values


@pytest.mark.parametrize("variation", list(Variation))
def test_image_and_mask_are_turned_together(patches: list[FlairPatch], variation: Variation) -> None:
    batch = next(_sampler(patches, variation).batches(0))

    assert batch.imagery.shape == (2, 5, SIDE_PX, SIDE_PX)
    assert batch.imagery.dtype == np.uint8
    for imagery, truth in zip(batch.imagery, batch.truth, strict=True):
        water = truth == 6
        assert water.sum() == 600
        # Heights of the patches are 12 times the code: 60 and more where there is water, 48 and less elsewhere.
        assert np.median(imagery[0][water]) > np.median(imagery[0][~water])


def test_resumed_sampling_goes_on_where_it_stopped(patches: list[FlairPatch]) -> None:
    third = list(islice(_sampler(patches, side_px=32).batches(0), 3))[2]

    again = next(_sampler(patches, side_px=32).batches(2))

    assert np.array_equal(third.imagery, again.imagery)
    assert np.array_equal(third.truth, again.truth)


def test_codes_without_a_class_are_not_learnt_from(tmp_path: Path) -> None:
    write_patch(tmp_path, 1, mask=np.array([[1, 16, 19, 0, 200, 13] + [1] * 58] * SIDE_PX, np.uint8))

    batch = next(PatchSampler(find_patches(tmp_path), CLASSES, 1, SIDE_PX, Variation.NONE).batches(0))

    assert batch.truth[0, 0, :6].tolist() == [1, 0, 0, 0, 0, 4]


def test_crop_larger_than_a_patch_is_refused(patches: list[FlairPatch]) -> None:
    with pytest.raises(ParameterInvalid, match="64 × 64 px, smaller than the crops of 512 px"):
        next(_sampler(patches, side_px=512).batches(0))


def test_series_is_turned_with_its_image(patches: list[FlairPatch]) -> None:
    def echo(patch: FlairPatch) -> ExtraInputs:
        """A series that shows the image itself."""
        image = torch.from_numpy(read_image(patch, FLAIR_BANDS)).float()
        return {"series": Series(image[None, None], torch.zeros(1, 1), (1,))}

    sampler = PatchSampler(patches, CLASSES, 4, SIDE_PX, Variation.SYMMETRIES, seed=3, extras=echo)

    batch = next(sampler.batches(0))

    for imagery, extra in zip(batch.imagery, batch.extra, strict=True):
        assert np.array_equal(extra["series"].dates[0, 0].numpy(), imagery)
