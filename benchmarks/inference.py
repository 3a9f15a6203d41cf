"""Output pixels a second of the shipped network and of FLAIR-INC's ResNet-34 U-Net, whole pipeline in memory."""

from __future__ import annotations

import time

import numpy as np
import torch

from app.definitions import Augmentation, ModelCard, shipped_model_cards
from benchmarks.figures import Figure
from worker.architectures import build
from worker.pipeline import Predictor

_REFERENCE = "flair-inc-rvbie"
_OURS = "cosia-demo"
_SIDE_PX = 1024
_ROUNDS = 3


def measure() -> list[Figure]:
    """Mpx/s of both, taken in turn, by their medians."""
    cards = shipped_model_cards()
    predictors = {name: _predictor(cards[name]) for name in (_REFERENCE, _OURS)}
    rates: dict[str, list[float]] = {name: [] for name in predictors}
    for _ in range(1 + _ROUNDS):
        for name, predictor in predictors.items():
            rates[name].append(_rate(predictor))
    medians = {name: float(np.median(measured[1:])) for name, measured in rates.items()}
    print(
        f"  {_SIDE_PX} px blocks with their margin, {torch.get_num_threads()} threads; weights do not matter",
        flush=True,
    )
    ours, reference = medians[_OURS], medians[_REFERENCE]
    return [
        Figure(
            f"inference of {_OURS} beside {_REFERENCE}",
            f"{ours:.2f} Mpx/s kept",
            f"{reference:.2f} Mpx/s kept",
            ours / reference,
        )
    ]


def _predictor(card: ModelCard) -> Predictor:
    return Predictor([(card, build(card).eval())], Augmentation.NONE, torch.device("cpu"))


def _rate(predictor: Predictor) -> float:
    side = _SIDE_PX + 2 * predictor.margin_px
    imagery = np.random.default_rng(0).integers(0, 256, (len(predictor.bands), side, side), np.uint8)
    started = time.perf_counter()
    predictor.predict(imagery)
    return _SIDE_PX**2 / 1e6 / (time.perf_counter() - started)
