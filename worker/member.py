"""One network at work on a block: which patches it sees, as what, and what is kept of its scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from app.definitions import Band, ModelCard, require_extra_inputs
from app.errors import WeightsMismatch
from worker.architectures.extra_batches import together
from worker.architectures.network import ExtraInputs
from worker.extras import PatchExtras, needed, patches_inside, turned
from worker.forward import Forward
from worker.strips import strips
from worker.symmetries import Symmetry
from worker.windows import Box, Patch, box_of, groups, grown_to_whole_patches, padding_to, patches

# About the pixels of a whole block with its margin: they fill a GPU, and more of them would fill its memory only.
_PX_AT_ONCE = 6_000_000


class Imagery(NamedTuple):
    """Of one block, on the device, where all members of an ensemble see it.

    pixels: (bands, height, width) uint8. seen: (height, width) bool, False outside the imagery, or None where all of
    it is there.
    """

    pixels: Tensor
    seen: Tensor | None


def normalise(imagery: Imagery, card: ModelCard) -> Tensor:
    """Imagery as the network was trained to see it.

    imagery: bands in the order of `card.bands`. Returns (1, bands, height, width) float32 on the device, channels
    last: zero mean and unit variance over the card's training set, and 0 where there is no imagery, which is what a
    convolution sees beyond its input.
    """
    pixels, device = imagery.pixels, imagery.pixels.device
    mean = torch.tensor(card.mean, device=device).view(-1, 1, 1)
    scale = 1 / torch.tensor(card.std, device=device).view(-1, 1, 1)
    height, width = pixels.shape[1:]
    normalised = torch.empty((1, len(pixels), height, width), device=device, memory_format=torch.channels_last)
    for rows in strips(height, device):
        # Channels come last only in the copy at the end: arithmetic on whole rows of a band is faster.
        strip = pixels[None, :, rows].to(torch.float32).sub_(mean).mul_(scale)
        if imagery.seen is not None:
            strip *= imagery.seen[rows]
        normalised[:, :, rows] = strip
    return normalised


class Member:
    """One network of a predictor, on its device.

    bands, margin_px: those of the imagery it is given, which hold the card's own.
    """

    def __init__(self, card: ModelCard, forward: Forward, bands: Sequence[Band], margin_px: int) -> None:
        self.card = card
        self._forward = forward
        self._bands = None if tuple(bands) == card.bands else [bands.index(band) for band in card.bands]
        self._offset_px = margin_px - card.margin_px
        full_px = card.window_px + 2 * card.margin_px
        self._full = (full_px, full_px)

    @property
    def fill(self) -> int:
        """Patches of one forward pass that keep the device busy: one on a CPU, where more gain nothing."""
        return 1 if self._forward.device.type == "cpu" else max(1, _PX_AT_ONCE // (self._full[0] * self._full[1]))

    def without_extras(self, inside: np.ndarray, extras: PatchExtras | None) -> list[Box]:
        """The kept parts of those patches for which there is not all that the network needs beside imagery.

        inside: (height, width) bool, where the block has imagery. Raises ParameterInvalid where there are no extras.
        """
        if extras is None:
            require_extra_inputs(self.card, (), "imagery alone")
        if extras is None or not self.card.extra_inputs:
            return []
        asked = patches_inside(self.card, inside)
        return [patch.keep for patch in asked if needed(extras.of(patch.centre), self.card) is None]

    def scores(
        self,
        imagery: Imagery,
        inside: np.ndarray,
        extras: PatchExtras | None,
        symmetry: Symmetry,
        most_at_once: int,
        between: Callable[[], None],
    ) -> Iterator[tuple[Box, Tensor]]:
        """Patch by patch, what is kept of a block and its (channels, height, width) float32 on the device.

        inside: (height, width) bool, where the block has imagery and what else is needed. extras: what the patches
        have beside it. most_at_once: patches of one forward pass. between: called before each pass. The scores may be
        overwritten by what comes next. Raises WeightsMismatch.
        """
        # A block at the edge of the imagery costs what its imagery costs.
        box = box_of(inside, self._forward.stride_px)
        if self._forward.depends_on_patch:
            box = grown_to_whole_patches(box, self.card.window_px, *inside.shape)
        # Such networks depend on the patch, so that theirs lie on the block's grid; in a gap there is nothing for them.
        cut = (
            patches_inside(self.card, inside)
            if self.card.extra_inputs
            else patches(box, self.card.margin_px, self.card.window_px)
        )
        for group in groups(cut, min(most_at_once, self.fill)):
            between()
            scores = self._pass(imagery, group, extras, symmetry)
            if scores.shape[1] != len(self.card.values):
                raise WeightsMismatch(
                    f"model card {self.card.id} maps {len(self.card.values)} channels, "
                    f"the network has {scores.shape[1]}"
                )
            for patch, each in zip(group, scores, strict=True):
                # The margin is gone already; what was added to make a multiple of the stride is not.
                yield patch.keep, each[:, : patch.keep.height, : patch.keep.width]

    def _pass(self, imagery: Imagery, group: Sequence[Patch], extras: PatchExtras | None, symmetry: Symmetry) -> Tensor:
        _, _, rows, columns = group[0].read
        below, right = padding_to(self._forward.stride_px, rows, columns)
        cut = [normalise(self._cut(imagery, patch), self.card) for patch in group]
        x = cut[0] if len(cut) == 1 else torch.cat(cut)
        if below or right:
            x = functional.pad(x, (0, right, 0, below))
        seen = symmetry.turn(x).contiguous(memory_format=torch.channels_last)
        extra = turned(self._extra(group, extras), symmetry)
        return symmetry.turn_back(self._forward(seen, extra, often=(rows, columns) == self._full))

    def _extra(self, group: Sequence[Patch], extras: PatchExtras | None) -> ExtraInputs:
        if extras is None or not self.card.extra_inputs:
            return {}
        found = [needed(extras.of(patch.centre), self.card) or ExtraInputs() for patch in group]
        return together(found, self._forward.device)

    def _cut(self, imagery: Imagery, patch: Patch) -> Imagery:
        row, column, rows, columns = patch.read
        row, column = row + self._offset_px, column + self._offset_px
        window = np.s_[row : row + rows, column : column + columns]
        pixels = imagery.pixels[:, *window]
        return Imagery(
            pixels if self._bands is None else pixels[self._bands],
            None if imagery.seen is None else imagery.seen[window],
        )
