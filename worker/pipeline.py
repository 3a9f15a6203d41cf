"""Imagery in, classes and confidence out: the forward pass and what surrounds it, on plain arrays."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import structlog
import torch
from torch import Tensor
from torch.nn import functional

from app.definitions import ModelCard
from app.errors import BandMismatch, CosiaError, Misconfigured, WeightsMismatch
from app.settings import settings
from worker.architectures.folding import fold_batch_norms
from worker.architectures.network import Network
from worker.weights import network_of
from worker.windows import Box, Patch, box_of, padding_to, patches

log = structlog.get_logger(__name__)

_ROWS_AT_ONCE = 64  # the scores of so many rows stay in a CPU's cache from their maximum to their softmax
_NETWORKS_KEPT = 2


class DeviceBroken(CosiaError):
    """The device does not compute any more; a process that has seen this cannot use it again."""

    type = "device-broken"


class Prediction(NamedTuple):
    """classes: (height, width) uint8 class values, 0 = nodata. confidence: (height, width) uint8, 255 = certain."""

    classes: np.ndarray
    confidence: np.ndarray


def select_device(asked: str) -> torch.device:
    """The device for `auto`, `cpu` or `cuda`; `auto` is the GPU if there is one.

    Raises Misconfigured where `cuda` is asked and there is none.
    """
    available = torch.cuda.is_available()
    if asked == "cuda" and not available:
        raise Misconfigured("COSIA_DEVICE is cuda, and torch finds no CUDA device: set it to auto or cpu")
    return torch.device("cuda" if available and asked != "cpu" else "cpu")


def normalise(imagery: np.ndarray, valid: np.ndarray | None, card: ModelCard, device: torch.device) -> Tensor:
    """Imagery as the network was trained to see it.

    imagery: (bands, height, width) uint8, bands in the order of `card.bands`. valid: (height, width) bool.
    Returns (1, bands, height, width) float32 on the device, channels last: zero mean and unit variance over the
    card's training set, and 0 where there is no imagery, which is what a convolution sees beyond its input.
    Raises BandMismatch if the number of bands or the type differs.
    """
    if imagery.ndim != 3 or imagery.shape[0] != len(card.bands) or imagery.dtype != np.uint8:
        raise BandMismatch(
            f"model {card.id} takes {len(card.bands)} bands of bytes ({', '.join(card.bands)}); "
            f"the imagery is {imagery.dtype} {imagery.shape}"
        )
    mean = torch.tensor(card.mean, device=device).view(-1, 1, 1)
    scale = 1 / torch.tensor(card.std, device=device).view(-1, 1, 1)
    pixels = torch.from_numpy(np.ascontiguousarray(imagery)).to(device)
    normalised = pixels.unsqueeze(0).to(torch.float32, memory_format=torch.channels_last).sub_(mean).mul_(scale)
    if valid is not None and not valid.all():
        normalised *= torch.from_numpy(np.ascontiguousarray(valid)).to(device)
    return normalised


def classify(scores: Tensor, values: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Class values and confidence of a network's scores; they never leave the device as floats.

    scores: (channels, height, width) float32, changed in place. values: class value of each channel; a channel
    with 0 was never trained and cannot win. Returns two (height, width) uint8: class value, and the softmax of
    the winner over all trained channels in 1/255.
    """
    value_of = torch.tensor(values, dtype=torch.uint8, device=scores.device)
    untrained = [channel for channel, value in enumerate(values) if value == 0]
    classes = torch.empty(scores.shape[1:], dtype=torch.uint8, device=scores.device)
    confidence = torch.empty_like(classes)
    for row in range(0, scores.shape[1], _ROWS_AT_ONCE):
        rows = scores[:, row : row + _ROWS_AT_ONCE]
        if untrained:
            rows[untrained] = -torch.inf
        best, channel = rows.max(dim=0)
        share = rows.sub_(best).exp_().sum(dim=0).reciprocal_()  # the winner's own term is exp(0) = 1
        classes[row : row + _ROWS_AT_ONCE] = value_of[channel]
        confidence[row : row + _ROWS_AT_ONCE] = share.mul_(255).round_().to(torch.uint8)
    return classes, confidence


def _go_on() -> None:
    """Nothing ends the prediction between two patches."""


def predict(
    imagery: np.ndarray,
    valid: np.ndarray | None,
    network: Network,
    card: ModelCard,
    device: torch.device,
    between: Callable[[], None] = _go_on,
) -> Prediction:
    """Classes and confidence of imagery that carries the card's margin on every side.

    imagery: (bands, height + 2 margin, width + 2 margin) uint8. valid: (height + 2 margin, width + 2 margin)
    bool, False outside the imagery, or None where all of it is there. network: of the card, on the device.
    between: called before each patch; what it raises ends the prediction.
    Returns (height, width) arrays; 0 and 0 where there is no imagery.
    Raises BandMismatch; torch.OutOfMemoryError where a window does not fit the device.
    """
    margin = card.margin_px
    height, width = imagery.shape[1] - 2 * margin, imagery.shape[2] - 2 * margin
    classes = np.zeros((height, width), np.uint8)
    confidence = np.zeros((height, width), np.uint8)
    inside = None if valid is None else valid[margin : margin + height, margin : margin + width]
    # A block at the edge of the imagery costs what its imagery costs.
    box = Box(0, 0, height, width) if inside is None else box_of(inside, network.stride_px)
    for patch in patches(box, margin, card.window_px):
        between()
        row, column, rows, columns = patch.keep
        kept = np.s_[row : row + rows, column : column + columns]
        classes[kept], confidence[kept] = _predict_patch(imagery, valid, patch, network, card, device)
    if inside is not None:
        classes[~inside] = 0
        confidence[~inside] = 0
    return Prediction(classes, confidence)


def _predict_patch(
    imagery: np.ndarray,
    valid: np.ndarray | None,
    patch: Patch,
    network: Network,
    card: ModelCard,
    device: torch.device,
) -> tuple[np.ndarray, np.ndarray]:
    row, column, rows, columns = patch.read
    seen = np.s_[row : row + rows, column : column + columns]
    below, right = padding_to(network.stride_px, rows, columns)
    margin = card.margin_px
    with torch.inference_mode():
        x = normalise(imagery[:, *seen], None if valid is None else valid[seen], card, device)
        scores = network(functional.pad(x, (0, right, 0, below)) if below or right else x)[0]
        if scores.shape[0] != len(card.values):
            raise WeightsMismatch(
                f"model card {card.id} maps {len(card.values)} channels, the network has {scores.shape[0]}"
            )
        kept = scores[:, margin : rows - margin, margin : columns - margin]
        classes, confidence = classify(kept, card.values)
        return classes.cpu().numpy(), confidence.cpu().numpy()


class Predictor:
    """A network in memory, on its device, ready for any number of blocks; one thread at a time."""

    def __init__(self, card: ModelCard, network: Network, device: torch.device) -> None:
        self.card = card
        self.device = device
        self._network = fold_batch_norms(network).to(device)
        self._lock = threading.Lock()

    def predict(
        self, imagery: np.ndarray, valid: np.ndarray | None = None, between: Callable[[], None] = _go_on
    ) -> Prediction:
        """As `predict` above; a window too large for the GPU's memory is predicted on the CPU instead.

        In smaller windows it would fit the GPU, and have other pixels under the same key. Raises DeviceBroken where
        the GPU fails in another way.
        """
        with self._lock:
            try:
                return predict(imagery, valid, self._network, self.card, self.device, between)
            except torch.OutOfMemoryError:
                if self.device.type == "cpu":
                    raise
                log.warning("gpu_out_of_memory", model=self.card.id, window_px=self.card.window_px)
            except RuntimeError as error:
                if self.device.type == "cpu" or "CUDA" not in str(error):
                    raise
                raise DeviceBroken(f"the GPU failed: {str(error).splitlines()[0]}") from error
            torch.cuda.empty_cache()
            try:
                return predict(imagery, valid, self._network.to("cpu"), self.card, torch.device("cpu"), between)
            finally:
                self._network.to(self.device)


_predictors: OrderedDict[str, Predictor] = OrderedDict()
_predictors_lock = threading.Lock()


def predictor(card: ModelCard, weights: Callable[[], AbstractContextManager[Path]]) -> Predictor:
    """The predictor of a complete card, loaded once per process (the last few used are kept).

    weights: gives a context with the weights' file, which may have to be fetched; asked for only where it is needed.
    The device is that of the setting COSIA_DEVICE. Loaded on first use: a forked child cannot inherit a CUDA
    context. Raises WeightsUnreadable, WeightsMismatch, Misconfigured.
    """
    key = card.model_dump_json()
    with _predictors_lock:
        if key not in _predictors:
            device = select_device(settings().device)
            with weights() as file:
                _predictors[key] = Predictor(card, network_of(card, file), device)
            log.info("network_loaded", model=card.id, device=str(device))
            while len(_predictors) > _NETWORKS_KEPT:
                _predictors.popitem(last=False)
        _predictors.move_to_end(key)
        return _predictors[key]
