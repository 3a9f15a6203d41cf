"""The end of a training: weights, and a card that says what they are and how good."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from app.definitions import ModelCard, nomenclature
from app.definitions.model_card import Score
from app.quality import QualityReport
from worker.architectures.network import Network
from worker.training.recipe import Recipe
from worker.training.trainer import Trainer
from worker.weights import card_json, half_precision, network_of


def export(
    trainer: Trainer,
    folder: Path,
    recipe: Recipe,
    told: str,
    evaluate: Callable[[ModelCard, Network], QualityReport],
) -> tuple[ModelCard, QualityReport]:
    """Write the averaged weights (float16 safetensors) and their card, whose figures are those of the written file.

    told: what was learnt from and how, in words. evaluate: figures on what was never learnt from.
    """
    content = half_precision(trainer.averaged.network.state_dict())
    card = trainer.card.model_copy(
        update={"weights": f"{trainer.card.id}.safetensors", "sha256": hashlib.sha256(content).hexdigest()}
    )
    path = folder / f"{card.id}.safetensors"
    path.write_bytes(content)
    report = evaluate(card, network_of(card, path))
    progress = trainer.progress
    codes = {each.value: each.code for each in nomenclature(card.nomenclature).classes}
    completed = card.model_copy(
        update={
            "training": (
                f"Trained on {datetime.now(UTC):%Y-%m-%d} by `{recipe.command(card.id, codes)}` {told}: "
                f"{progress.step} steps in {progress.elapsed_s / 60:.0f} minutes."
            ),
            "scores": (_score(report),),
            "french": None,  # it told of the training before
        }
    )
    (folder / f"{card.id}.json").write_bytes(card_json(completed))
    return completed, report


def _score(report: QualityReport) -> Score:
    """The figures as a model card has them; an evaluated class that never occurs counts as 0."""
    codes = {label.value: label.code for label in report.labels}
    mean = report.means[0]
    return Score(
        test_set=f"{report.reference.name}; {report.compared_pixels} pixels",
        source="cosia train",
        rule=mean.words,
        overall_accuracy=round(report.overall_accuracy or 0.0, 4),
        mean_iou=round(mean.mean_iou or 0.0, 4),
        iou={codes[each.value]: round(each.iou or 0.0, 4) for each in report.classes},
    )
