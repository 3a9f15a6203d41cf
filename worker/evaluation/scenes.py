"""A model on scenes of the demonstration generator."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from tqdm import tqdm

from app.definitions import Augmentation, ModelCard
from app.demonstration.scene import compose
from app.quality.report import QualityReport
from worker.architectures.network import Network
from worker.evaluation.models import BORDER_PX, ModelCount
from worker.flair import FLAIR_BANDS
from worker.pipeline import Predictor


def evaluate_scenes(
    card: ModelCard,
    network: Network,
    seeds: range,
    scene_px: int,
    device: torch.device,
    border_px: int = BORDER_PX,
) -> QualityReport:
    """Figures over scenes of these seeds, predicted as in production, the card's margin left out."""
    predictor = Predictor([(card, network)], Augmentation.NONE, device)
    count = ModelCount(card, border_px)
    bands = [FLAIR_BANDS.index(band) for band in card.bands]  # a scene has the bands of FLAIR, in their order
    margin = card.margin_px
    known = np.s_[margin : scene_px - margin + 2 * border_px]
    for seed in tqdm(seeds, desc="held-out scenes", leave=False):
        scene = compose(seed, scene_px)
        classes, confidence = predictor.predict(scene.imagery[bands])
        count.add(count.scheme.bordered(scene.truth)[known, known], classes, confidence)
    return count.report(described(seeds, scene_px))


def described(seeds: Sequence[int], scene_px: int) -> str:
    """These scenes, in a sentence."""
    return (
        f"{len(seeds)} procedural scenes of {scene_px} px, seeds {seeds[0]}-{seeds[-1]}, never trained on; no real "
        "imagery"
    )
