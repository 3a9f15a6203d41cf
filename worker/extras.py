"""What networks need beside the imagery of a block, for each of its patches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import torch

from app.definitions import (
    ExtraInput,
    Grid,
    ImagerySource,
    ModelCard,
    Photographs,
    extra_inputs_of,
    require_extra_inputs,
)
from app.imagery import SeriesImage
from worker.architectures.metadata import Acquisition, encode
from worker.architectures.network import ExtraInputs, Series
from worker.readers import Handles, PlaceSeries, SeriesReader
from worker.series import PreparedSeries
from worker.symmetries import Symmetry
from worker.windows import Box, Centre, Patch, part_of, patches


class PatchExtras(Protocol):
    """Gives the extra inputs of the patches of one block."""

    def of(self, centre: Centre) -> ExtraInputs:
        """What there is for the patch with that middle, as a batch of one on the CPU; a kind may be missing there."""
        ...


class BlockExtras:
    """Those of a block of an imagery source, for some networks.

    block: without margin. inside: (height, width) bool, where it has imagery; other patches are not asked for.
    series: around all of the block. photographs: how the imagery was taken. Everything is prepared at once, so that a
    reading thread has the work and not the one that predicts.
    """

    def __init__(
        self,
        block: Grid,
        cards: Sequence[ModelCard],
        inside: np.ndarray,
        series: PlaceSeries | None,
        photographs: Photographs | None,
    ) -> None:
        self._of: dict[Centre, ExtraInputs] = {}
        for card in cards:
            for patch in patches_inside(card, inside) if card.extra_inputs else ():
                if patch.centre not in self._of:
                    self._of[patch.centre] = _read(block, patch.centre, series, photographs)

    def of(self, centre: Centre) -> ExtraInputs:
        return self._of[centre]


def extras_of(
    block: Grid,
    cards: Sequence[ModelCard],
    valid: np.ndarray,
    source: ImagerySource,
    images: Sequence[SeriesImage],
    handles: Handles,
) -> BlockExtras | None:
    """What these networks need for a block beside imagery; None where they need nothing.

    valid: (height, width) bool, where there is imagery in the block and a margin around it. images: those of the
    source's series that may be needed. Raises ParameterInvalid where the source has no such thing, RasterUnreadable,
    Unavailable.
    """
    for card in cards:
        require_extra_inputs(card, source.extra_inputs, f"imagery source {source.id!r}")
    if not extra_inputs_of(cards):
        return None
    margin_px = (len(valid) - block.height) // 2
    inside = valid[margin_px : margin_px + block.height, margin_px : margin_px + block.width]
    needs_series = ExtraInput.SERIES in extra_inputs_of(cards)
    series = SeriesReader(source, images, handles).read(block) if needs_series else None
    return BlockExtras(block, cards, inside, series, source.photographs)


def patches_inside(card: ModelCard, inside: np.ndarray) -> Iterator[Patch]:
    """The patches of a network over a raster (without its margin) that keep some imagery."""
    for patch in patches(Box(0, 0, *inside.shape), card.margin_px, card.window_px):
        if part_of(inside, patch.keep).any():
            yield patch


class GivenExtras:
    """The same for every patch: of an image that is one patch."""

    def __init__(self, extra: ExtraInputs) -> None:
        self._extra = extra

    def of(self, centre: Centre) -> ExtraInputs:
        return self._extra


def _read(block: Grid, centre: Centre, series: PlaceSeries | None, photographs: Photographs | None) -> ExtraInputs:
    extra: ExtraInputs = {}
    half_px_m = block.resolution_m / 2
    x_m, y_m = block.left + centre.column_2 * half_px_m, block.top - centre.row_2 * half_px_m
    prepared = None if series is None else series.around(x_m, y_m)
    if prepared is not None:
        extra["series"] = as_batch(prepared)
    if photographs is not None:
        told = Acquisition(x_m, y_m, photographs.altitude_m, photographs.camera, photographs.taken)
        extra["metadata"] = torch.from_numpy(encode(told))[None]
    return extra


def as_batch(prepared: PreparedSeries) -> Series:
    """A series as a batch of one."""
    images, positions = prepared
    return Series(torch.from_numpy(images)[None], torch.from_numpy(positions)[None], (len(positions),))


def needed(extra: ExtraInputs, card: ModelCard) -> ExtraInputs | None:
    """Of what a patch has, what a card's network takes; None where something of it is missing."""
    kept: ExtraInputs = {}
    if ExtraInput.METADATA in card.extra_inputs and "metadata" in extra:
        kept["metadata"] = extra["metadata"]
    if ExtraInput.SERIES in card.extra_inputs and "series" in extra:
        kept["series"] = extra["series"]
    return kept if len(kept) == len(card.extra_inputs) else None


def turned(extra: ExtraInputs, symmetry: Symmetry) -> ExtraInputs:
    """Extra inputs of patches that are turned: the images of a series lie as the imagery does."""
    if "series" not in extra:
        return extra
    series = extra["series"]
    return {**extra, "series": series._replace(dates=symmetry.turn(series.dates).contiguous())}
