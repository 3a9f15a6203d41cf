"""Prediction of single patches by a network that needs more than imagery, where its extra inputs are at hand."""

from __future__ import annotations

import numpy as np
import torch

from app.definitions import ModelCard
from worker.architectures.extra_batches import together
from worker.architectures.folding import fold_batch_norms
from worker.architectures.network import ExtraInputs, Network
from worker.member import Imagery, normalise
from worker.pipeline import Prediction
from worker.scores import classify


class FusedPredictor:
    """A network in memory, on its device, for patches of the size it was trained on."""

    def __init__(self, card: ModelCard, network: Network, device: torch.device) -> None:
        self._card = card
        self._device = device
        self._network = fold_batch_norms(network).to(device)

    def predict(self, image: np.ndarray, extra: ExtraInputs) -> Prediction:
        """Classes and confidence of a whole patch.

        image: (bands, height, width) uint8 in the order of the card's bands. extra: a batch of one, on the CPU.
        Raises ParameterInvalid where an extra input is missing, BandMismatch for a size the network does not take.
        """
        with torch.inference_mode():
            pixels = torch.from_numpy(np.ascontiguousarray(image)).to(self._device)
            scores = self._network(normalise(Imagery(pixels, None), self._card), **together([extra], self._device))[0]
            classes, confidence = classify(scores, self._card.values)
            return Prediction(classes.cpu().numpy(), confidence.cpu().numpy())
