"""Batches of crops: where in the scenes they are taken, how they are turned, and what the network gets of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from app.demonstration.scene import Scene
from worker.architectures.network import ExtraInputs
from worker.training.augmentation import augment, noise_bank

_SHARE_BY_CLASS = 0.6
_SHARE_CUT_OFF = 0.15
_SEARCH_STEP_PX = 4


class Batch(NamedTuple):
    """imagery: (count, 5, side, side) uint8, bands R, G, B, NIR, E. truth: (count, side, side) uint8 class values, 0
    where nothing is to be learnt. valid: (count, side, side) bool, False where there is no imagery. extra: of each
    crop a batch of one, for networks that need more than imagery."""

    imagery: np.ndarray
    truth: np.ndarray
    valid: np.ndarray
    extra: tuple[ExtraInputs, ...] = ()

    def parts(self, count: int) -> list[Batch]:
        """The batch in so many parts of about the same size."""
        return [
            Batch(
                self.imagery[crops],
                self.truth[crops],
                self.valid[crops],
                tuple(self.extra[crop] for crop in crops) if self.extra else (),
            )
            for crops in np.array_split(np.arange(len(self.truth)), count)
        ]


@dataclass(frozen=True)
class Sampler:
    """Draws batches of `count` crops of `side_px`; the same seed and step draw the same."""

    count: int
    side_px: int
    seed: int = 0

    def batches(self, scenes: Sequence[Scene], first_step: int) -> Iterator[Batch]:
        """Batches without end, each made ready in a thread while the one before is used."""
        noise = noise_bank(np.random.default_rng([self.seed, 1]))
        with ThreadPoolExecutor(1, thread_name_prefix="samples") as thread:
            step = first_step
            ready = thread.submit(self._batch, list(scenes), step, noise)
            while True:
                batch = ready.result()
                step += 1
                ready = thread.submit(self._batch, list(scenes), step, noise)
                yield batch

    def _batch(self, scenes: Sequence[Scene], step: int, noise: np.ndarray) -> Batch:
        rng = np.random.default_rng([self.seed, 2, step])
        crops = [self._crop(scenes[int(rng.integers(len(scenes)))], rng, noise) for _ in range(self.count)]
        imagery, truth, valid = (np.stack(arrays) for arrays in zip(*crops, strict=True))
        return Batch(imagery, truth, valid)

    def _crop(
        self, scene: Scene, rng: np.random.Generator, noise: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        row, column = _corner(scene.truth, self.side_px, rng)
        window = np.s_[row : row + self.side_px, column : column + self.side_px]
        turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
        imagery = augment(turned(scene.imagery[:, *window], turns, mirrored), rng, noise)
        truth = turned(scene.truth[window], turns, mirrored).copy()
        valid = np.ones(truth.shape, bool)
        if rng.random() < _SHARE_CUT_OFF:
            # Imagery ends somewhere: the network must not be surprised by it.
            valid[: int(rng.integers(1, self.side_px // 2))] = False
            valid = turned(valid, int(rng.integers(4)), False)
            truth[~valid] = 0
        return imagery, truth, valid


def _corner(truth: np.ndarray, side_px: int, rng: np.random.Generator) -> tuple[int, int]:
    """Upper left corner (row, column) of a crop inside a scene.

    Most crops contain a pixel of a class drawn evenly from those of the scene: pools and greenhouses would hardly
    be seen otherwise.
    """
    rows, columns = truth.shape[0] - side_px, truth.shape[1] - side_px
    if rng.random() >= _SHARE_BY_CLASS:
        return int(rng.integers(rows + 1)), int(rng.integers(columns + 1))
    thinned = truth[::_SEARCH_STEP_PX, ::_SEARCH_STEP_PX]
    wanted = rng.choice(np.unique(thinned))
    place = int(rng.choice(np.flatnonzero(thinned == wanted)))
    row, column = divmod(place, thinned.shape[1])
    before = rng.integers(side_px, size=2)
    return (
        int(np.clip(row * _SEARCH_STEP_PX - before[0], 0, rows)),
        int(np.clip(column * _SEARCH_STEP_PX - before[1], 0, columns)),
    )


def turned(array: np.ndarray, turns: int, mirrored: bool) -> np.ndarray:
    """One of the eight symmetries of the square, of the last two axes."""
    turned = np.rot90(array, turns, axes=(-2, -1))
    return turned[..., ::-1] if mirrored else turned
