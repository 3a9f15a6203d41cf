"""Imagery in, classes and confidence out: the forward passes of one or several networks, on plain arrays."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import structlog
import torch
from torch import Tensor

from app.definitions import Augmentation, ModelCard, bands_of, margin_of
from app.errors import BandMismatch, Invalid
from app.settings import settings
from worker.architectures.network import Network
from worker.devices import DeviceBroken, lacks_memory, select_device, select_precision
from worker.extras import PatchExtras
from worker.forward import Forward
from worker.member import Imagery, Member
from worker.scores import Shares, classify
from worker.symmetries import AS_IT_IS, symmetries
from worker.weights import network_of
from worker.windows import part_of

log = structlog.get_logger(__name__)

_PREDICTORS_KEPT = 2

Weights = Callable[[], AbstractContextManager[Path]]
"""Gives a context with a weights file, which may have to be fetched."""


class Prediction(NamedTuple):
    """classes: (height, width) uint8 class values, 0 = nodata. confidence: (height, width) uint8, 255 = certain."""

    classes: np.ndarray
    confidence: np.ndarray


def _go_on() -> None:
    """Nothing ends the prediction between two patches."""


class Predictor:
    """Networks in memory, on their device, ready for any number of blocks; one thread at a time.

    members: one network, or several whose shares of class values are averaged, each with its card and weights.
    augmentation: how each of them looks at a patch; the shares are averaged over that too. A single network that
    looks once gives its own scores' best, as does a block that no ensemble is asked for.
    Raises Invalid where the members are not of one nomenclature and resolution.
    """

    def __init__(
        self,
        members: Sequence[tuple[ModelCard, Network]],
        augmentation: Augmentation,
        device: torch.device,
        precision: torch.dtype = torch.float32,
    ) -> None:
        self.cards = tuple(card for card, _ in members)
        _require_one_kind(self.cards)
        self.bands = bands_of(self.cards)
        self.margin_px = margin_of(self.cards)
        self.nomenclature = self.cards[0].nomenclature
        self.device = device
        self._augmentation = augmentation
        self._forwards = [Forward(network, device, precision, card.margin_px) for card, network in members]
        self._members = [
            Member(card, forward, self.bands, self.margin_px)
            for card, forward in zip(self.cards, self._forwards, strict=True)
        ]
        self._most_at_once = max(member.fill for member in self._members)
        # What does not fit a GPU is predicted by the networks themselves, in full precision.
        self._networks = () if device.type == "cpu" else tuple(members)
        self._lock = threading.Lock()

    def predict(
        self,
        imagery: np.ndarray,
        valid: np.ndarray | None = None,
        between: Callable[[], None] = _go_on,
        *,
        extras: PatchExtras | None = None,
    ) -> Prediction:
        """Classes and confidence of imagery that carries the margin on every side.

        imagery: (bands, height + 2 margin, width + 2 margin) uint8, bands in the order of `bands`. valid: (height + 2
        margin, width + 2 margin) bool, False outside the imagery, or None where all of it is there. between: called
        before each forward pass; what it raises ends the prediction. extras: what the patches have beside imagery.
        Returns (height, width) arrays; 0 and 0 where there is no imagery, or not what a member needs beside it.

        What does not fit the device is tried with half the patches at a time, then without recordings, and at last on
        the CPU: in smaller windows it would fit the GPU, and have other pixels under the same key.
        Raises BandMismatch, WeightsMismatch, ParameterInvalid where a member needs extras and none are given;
        DeviceBroken where the GPU fails in another way.
        """
        self._require_bands(imagery)
        with self._lock:
            while True:
                try:
                    return self._predict(imagery, valid, extras, between)
                except RuntimeError as error:
                    if not lacks_memory(error):
                        if self.device.type == "cpu" or not any(name in str(error) for name in ("CUDA", "cuDNN")):
                            raise
                        raise DeviceBroken(f"the GPU failed: {str(error).splitlines()[0]}") from error
                    log.warning("out_of_memory", models=self._ids, patches_at_once=self._most_at_once)
                    if self.device.type == "cpu" and self._most_at_once == 1:
                        raise
                # Here and not above: while an error is at hand, its frames hold what was computed.
                if not self._make_room():
                    return self._on_cpu.predict(imagery, valid, between, extras=extras)

    def _make_room(self) -> bool:
        """Whether another try on this device needs less memory."""
        records = any(forward.records for forward in self._forwards)
        if self._most_at_once == 1 and not records:
            return False
        for forward in self._forwards:
            forward.records &= self._most_at_once > 1
            forward.forget()
        self._most_at_once = max(1, self._most_at_once // 2)
        return True

    @cached_property
    def _on_cpu(self) -> Predictor:
        return Predictor(self._networks, self._augmentation, torch.device("cpu"))

    @property
    def _ids(self) -> list[str]:
        return [card.id for card in self.cards]

    def _require_bands(self, imagery: np.ndarray) -> None:
        if imagery.ndim != 3 or imagery.shape[0] != len(self.bands) or imagery.dtype != np.uint8:
            raise BandMismatch(
                f"model {' with '.join(self._ids)} takes {len(self.bands)} bands of bytes ({', '.join(self.bands)}); "
                f"the imagery is {imagery.dtype} {imagery.shape}"
            )

    def _predict(
        self, imagery: np.ndarray, valid: np.ndarray | None, extras: PatchExtras | None, between: Callable[[], None]
    ) -> Prediction:
        margin = self.margin_px
        height, width = imagery.shape[1] - 2 * margin, imagery.shape[2] - 2 * margin
        inside = np.ones((height, width), bool)
        if valid is not None:
            inside = valid[margin : margin + height, margin : margin + width].copy()
        for member in self._members:
            for lacking in member.without_extras(inside, extras):
                part_of(inside, lacking)[:] = False
        with torch.inference_mode():
            seen = None if valid is None or valid.all() else self._upload(valid)
            on_device = Imagery(self._upload(imagery), seen)
            together = len(self._members) > 1 or self._augmentation is not Augmentation.NONE
            best = self._best_together if together else self._best_alone
            found = best(on_device, inside, extras, between).cpu().numpy()
        found *= inside
        return Prediction(*found)

    def _upload(self, array: np.ndarray) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        if self.device.type == "cuda" and not tensor.is_pinned():
            tensor = tensor.pin_memory()  # the copy does not wait for the device, nor the device for it
        return tensor.to(self.device, non_blocking=True)

    def _best_alone(
        self, imagery: Imagery, inside: np.ndarray, extras: PatchExtras | None, between: Callable[[], None]
    ) -> Tensor:
        """(2, height, width) uint8 on the device: class values and confidence; 0 where nothing was predicted."""
        (member,) = self._members
        found = torch.zeros((2, *inside.shape), dtype=torch.uint8, device=self.device)
        for kept, scores in member.scores(imagery, inside, extras, AS_IT_IS, self._most_at_once, between):
            row, column, rows, columns = kept
            part = found[:, row : row + rows, column : column + columns]
            part[0], part[1] = classify(scores, member.card.values)
        return found

    def _best_together(
        self, imagery: Imagery, inside: np.ndarray, extras: PatchExtras | None, between: Callable[[], None]
    ) -> Tensor:
        """As `_best_alone`, of the mean over members and augmentation."""
        values = [value for card in self.cards for value in card.values]
        height, width = inside.shape
        shares = Shares(values, height, width, self.device)
        for member in self._members:
            for symmetry in symmetries(self._augmentation):
                shares.begin_pass()
                for kept, scores in member.scores(imagery, inside, extras, symmetry, self._most_at_once, between):
                    shares.add(kept, scores, member.card.values)
        return torch.stack(shares.best())


def _require_one_kind(cards: Sequence[ModelCard]) -> None:
    kinds = {(card.nomenclature, card.resolution_m) for card in cards}
    if len(kinds) != 1:
        raise Invalid(
            "models of one ensemble predict the same nomenclature at the same resolution; asked for were "
            + ", ".join(f"{card.id} ({card.nomenclature}, {card.resolution_m:g} m)" for card in cards)
        )


_predictors: OrderedDict[tuple[str, ...], Predictor] = OrderedDict()
_predictors_lock = threading.Lock()


def predictor(models: Sequence[tuple[ModelCard, Weights]], augmentation: Augmentation = Augmentation.NONE) -> Predictor:
    """The predictor of complete cards, loaded once per process (the last few used are kept).

    The weights are asked for only where they are needed. Device and precision are those of the settings
    COSIA_DEVICE and COSIA_PRECISION. Loaded on first use: a forked child cannot inherit a CUDA context. Raises
    WeightsUnreadable, WeightsMismatch, Misconfigured, Invalid.
    """
    key = (augmentation, *(card.model_dump_json() for card, _ in models))
    with _predictors_lock:
        if key not in _predictors:
            device = select_device(settings().device)
            precision = select_precision(settings().precision, device)
            members = [(card, _loaded(card, weights)) for card, weights in models]
            _predictors[key] = Predictor(members, augmentation, device, precision)
            log.info(
                "network_loaded",
                models=[card.id for card, _ in models],
                augmentation=augmentation.value,
                device=str(device),
                precision=str(precision).removeprefix("torch."),
            )
            while len(_predictors) > _PREDICTORS_KEPT:
                _predictors.popitem(last=False)
        _predictors.move_to_end(key)
        return _predictors[key]


def _loaded(card: ModelCard, weights: Weights) -> Network:
    with weights() as file:
        return network_of(card, file)
