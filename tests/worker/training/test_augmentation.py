from __future__ import annotations

import numpy as np

from worker.training.augmentation import augment, noise_bank

NOISE = noise_bank(np.random.default_rng(0))


def crop() -> np.ndarray:
    """(5, 64, 64): a bright roof 30 counts high in a dark meadow."""
    imagery = np.full((5, 64, 64), 60, np.uint8)
    imagery[3] = 160
    imagery[4] = 0
    imagery[:4, 16:48, 16:48] = 200
    imagery[4, 16:48, 16:48] = 30
    return imagery


def test_augmented_crops_are_bytes_of_the_same_shape() -> None:
    augmented = augment(crop(), np.random.default_rng(1), NOISE)

    assert augmented.shape == (5, 64, 64)
    assert augmented.dtype == np.uint8


def test_same_seed_gives_the_same_and_another_seed_another_picture() -> None:
    first, again, other = (augment(crop(), np.random.default_rng(seed), NOISE) for seed in (1, 1, 2))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_things_stay_where_they_are() -> None:
    """Over many draws the roof is brighter than the meadow, and higher than it unless the height is missing."""
    draws = [augment(crop(), np.random.default_rng(seed), NOISE).astype(int) for seed in range(150)]
    roof, meadow = np.s_[:, 24:40, 24:40], np.s_[:, :8, :8]

    assert all(draw[roof][:3].mean() > draw[meadow][:3].mean() for draw in draws)
    missing = [draw for draw in draws if draw[4].max() == 0]
    assert 15 < len(missing) < 55
    assert all(draw[roof][4].mean() > draw[meadow][4].mean() + 5 for draw in draws if draw[4].max() > 0)


def test_heights_reach_over_the_ground_beside_a_roof_at_times() -> None:
    """As in surface models by image matching; two pixels beyond the eaves, where smearing alone leaves far less."""
    draws = [augment(crop(), np.random.default_rng(seed), NOISE) for seed in range(150)]
    swollen = [draw for draw in draws if np.median(draw[4, 20:44, 13:15]) > 20]

    assert 3 < len(swollen) < 40


def test_input_is_left_as_it_was() -> None:
    imagery = crop()

    augment(imagery, np.random.default_rng(3), NOISE)

    assert np.array_equal(imagery, crop())
