"""Batches of crops from FLAIR patches: each patch once per round, in an order that the seed decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from app.definitions import Nomenclature
from app.errors import ParameterInvalid
from worker.architectures.network import ExtraInputs
from worker.flair import FLAIR_BANDS, FlairPatch, class_values, read_pair
from worker.training.augmentation import augment, noise_bank
from worker.training.recipe import Variation
from worker.training.samples import Batch, turned

_READERS = 4

_Crop = tuple[np.ndarray, np.ndarray, ExtraInputs]


@dataclass(frozen=True)
class PatchSampler:
    """Draws batches of `count` crops of `side_px`; the same seed and step draw the same.

    Pixels whose code has no class of the nomenclature, or is none, are not learnt from. extras: gives what a network
    needs of a patch beside imagery; crops are whole patches then.
    """

    patches: Sequence[FlairPatch]
    nomenclature: Nomenclature
    count: int
    side_px: int
    variation: Variation
    seed: int = 0
    extras: Callable[[FlairPatch], ExtraInputs] | None = None

    def batches(self, first_step: int) -> Iterator[Batch]:
        """Batches without end, the next one read in threads while one is used.

        Raises RasterRefused where a patch cannot be read, ParameterInvalid where one is smaller than a crop.
        """
        noise = noise_bank(np.random.default_rng([self.seed, 1]))
        with ThreadPoolExecutor(_READERS, thread_name_prefix="patches") as threads:
            step = first_step
            ready = self._submit(threads, step, noise)
            while True:
                imagery, truth, extra = zip(*(crop.result() for crop in ready), strict=True)
                step += 1
                ready = self._submit(threads, step, noise)
                valid = np.ones((self.count, self.side_px, self.side_px), bool)
                yield Batch(np.stack(imagery), np.stack(truth), valid, extra if self.extras else ())

    def _submit(self, threads: ThreadPoolExecutor, step: int, noise: np.ndarray) -> list[Future[_Crop]]:
        return [threads.submit(self._crop, place, noise) for place in range(step * self.count, (step + 1) * self.count)]

    def _crop(self, place: int, noise: np.ndarray) -> _Crop:
        """The crop at a place in the sequence of all."""
        patch_round, position = divmod(place, len(self.patches))
        order = np.random.default_rng([self.seed, 3, patch_round]).permutation(len(self.patches))
        patch = self.patches[order[position]]
        imagery, mask = read_pair(patch, FLAIR_BANDS)
        rng = np.random.default_rng([self.seed, 4, place])
        rows, columns = mask.shape[0] - self.side_px, mask.shape[1] - self.side_px
        if rows < 0 or columns < 0:
            raise ParameterInvalid(
                f"{patch.image.name} is {mask.shape[1]} × {mask.shape[0]} px, smaller than the crops of "
                f"{self.side_px} px that are asked for",
                "crop-px",
            )
        if self.extras is not None and (rows or columns):
            raise ParameterInvalid(
                f"a network that needs more than imagery learns from whole patches: {patch.image.name} is "
                f"{mask.shape[1]} × {mask.shape[0]} px, and crops of {self.side_px} px are asked for",
                "crop-px",
            )
        extra = self.extras(patch) if self.extras is not None else ExtraInputs()
        row, column = int(rng.integers(rows + 1)), int(rng.integers(columns + 1))
        window = np.s_[row : row + self.side_px, column : column + self.side_px]
        imagery, truth = imagery[:, *window], class_values(mask[window], self.nomenclature)
        if self.variation is Variation.NONE:
            return imagery, truth, extra
        turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
        imagery, truth = turned(imagery, turns, mirrored), turned(truth, turns, mirrored)
        imagery = augment(imagery, rng, noise) if self.variation is Variation.SENSORS else imagery
        return imagery, truth, _turned(extra, turns, mirrored)


def _turned(extra: ExtraInputs, turns: int, mirrored: bool) -> ExtraInputs:
    """The satellite images turned with the aerial one; the facts of a photograph stay what they are."""
    if "series" not in extra:
        return extra
    series = extra["series"]
    dates = torch.from_numpy(turned(series.dates.numpy(), turns, mirrored).copy())
    return {**extra, "series": series._replace(dates=dates)}
