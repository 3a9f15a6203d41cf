from __future__ import annotations

from itertools import islice

import numpy as np

from app.demonstration.scene import Scene
from worker.training.samples import Sampler


def scene_with_a_pool() -> Scene:
    truth = np.full((256, 256), 12, np.uint8)
    truth[200:208, 40:48] = 4
    imagery = np.random.default_rng(0).integers(0, 256, (5, 256, 256), dtype=np.uint8)
    return Scene(imagery, truth)


def test_batches_have_their_shapes_and_types() -> None:
    batch = next(Sampler(count=3, side_px=64).batches([scene_with_a_pool()], first_step=0))

    assert batch.imagery.shape == (3, 5, 64, 64)
    assert batch.imagery.dtype == batch.truth.dtype == np.uint8
    assert batch.truth.shape == batch.valid.shape == (3, 64, 64)


def test_rare_classes_are_seen_far_more_often_than_by_chance() -> None:
    batches = islice(Sampler(count=8, side_px=64).batches([scene_with_a_pool()], first_step=0), 12)
    crops = [crop for batch in batches for crop in batch.truth]

    # By chance a crop of 64 px meets the pool in about 14 % of the cases; six of ten crops look for one of two classes.
    assert np.mean([(crop == 4).any() for crop in crops]) > 0.25


def test_nothing_is_to_be_learnt_beyond_the_imagery() -> None:
    batches = islice(Sampler(count=8, side_px=64).batches([scene_with_a_pool()], first_step=0), 6)
    cut = [(t, v) for batch in batches for t, v in zip(batch.truth, batch.valid, strict=True) if not v.all()]

    assert cut
    assert all((truth[~valid] == 0).all() and (truth[valid] > 0).all() for truth, valid in cut)


def test_a_step_draws_the_same_batch_again() -> None:
    scenes = [scene_with_a_pool()]
    third = list(islice(Sampler(count=2, side_px=64, seed=5).batches(scenes, first_step=0), 3))[2]

    resumed = next(Sampler(count=2, side_px=64, seed=5).batches(scenes, first_step=2))

    assert all(np.array_equal(a, b) for a, b in zip(third, resumed, strict=True))
