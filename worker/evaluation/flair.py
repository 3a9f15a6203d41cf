"""A model over patches of a FLAIR folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch

from app.definitions import Augmentation, ModelCard, nomenclature
from app.definitions.coding import Coding
from app.quality.report import QualityReport
from worker.architectures.network import Network
from worker.evaluation.models import BORDER_PX, ModelCount
from worker.extras import GivenExtras
from worker.flair import FlairPatch, marks, read_pair
from worker.flair_extras import FlairExtras
from worker.pipeline import Prediction, Predictor

_PATCH_PX = 512
"""Side of the published patches."""


def evaluate_flair(
    card: ModelCard,
    network: Network,
    patches: Iterable[FlairPatch],
    described: str,
    device: torch.device,
    border_px: int = BORDER_PX,
    extras: FlairExtras | None = None,
) -> QualityReport:
    """Figures over all pixels of the patches, each predicted alone, as IGN's tools score them: the network sees the
    patch and nothing around it. described: names the patches in the report. extras: what their folder holds beside
    imagery, for networks that need it.

    Raises RasterRefused where a file cannot be read, ParameterInvalid where a network needs more than there is.
    """
    predict = _prediction_of(card, network, device, extras)
    classes = nomenclature(card.nomenclature)
    count = ModelCount(card, border_px)
    for patch in patches:
        image, mask = read_pair(patch, card.bands)
        prediction = predict(patch, image)
        count.add(count.scheme.bordered(marks(mask, classes)), prediction.classes, prediction.confidence)
    return count.report(described, Coding.FLAIR.value)


def _prediction_of(
    card: ModelCard, network: Network, device: torch.device, extras: FlairExtras | None
) -> Callable[[FlairPatch, np.ndarray], Prediction]:
    # Without margin and in windows of a patch, so that what lies around it is nothing, not the zeros of a margin.
    alone = card.model_copy(update={"margin_px": 0, "window_px": _PATCH_PX})
    predictor = Predictor([(alone, network)], Augmentation.NONE, device)
    if extras is None:
        return lambda _patch, image: predictor.predict(image)
    return lambda patch, image: predictor.predict(image, extras=GivenExtras(extras.of(patch, card)))
