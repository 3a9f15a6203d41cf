"""A whole training in small: from scenes to a card whose weights load."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from app.definitions import ModelCard
from worker.training.run import Recipe, export, train
from worker.training.scenes import FIRST_TRAINING_SEED, HELD_OUT_SEEDS, VALIDATION_SEEDS
from worker.weights import network_of

CPU = torch.device("cpu")
RECIPE = Recipe(minutes=0.02, batch=2, crop_px=64, scene_px=128, pool=2)


@pytest.fixture
def trained_folder(five_band_card: ModelCard, tmp_path: Path) -> Path:
    train(five_band_card, tmp_path, RECIPE, resume=False, device=CPU)
    return tmp_path


def test_training_resumes_and_ends_in_a_card_with_figures_and_weights_that_load(
    five_band_card: ModelCard, trained_folder: Path
) -> None:
    first = torch.load(trained_folder / "checkpoint.pt", weights_only=True)["progress"]
    longer = Recipe(**{**vars(RECIPE), "minutes": 0.04})

    trainer = train(five_band_card, trained_folder, longer, resume=True, device=CPU)
    completed, matrix, result = export(trainer, longer, trained_folder, held_out=1)

    assert trainer.progress.step > first["step"] > 0
    assert trainer.progress.scenes > first["scenes"]
    written = ModelCard.model_validate_json((trained_folder / "tiny.json").read_bytes())
    assert written == completed
    assert network_of(written, trained_folder / "tiny.safetensors") is not None
    assert matrix.sum() == result.pixels == 128 * 128
    assert written.scores[0].mean_iou == round(result.mean_iou, 4)
    assert f"seeds {HELD_OUT_SEEDS.start}-{HELD_OUT_SEEDS.start}" in written.scores[0].test_set
    assert "procedural scenes" in written.training


def test_seeds_for_figures_are_never_trained_on() -> None:
    assert FIRST_TRAINING_SEED < VALIDATION_SEEDS.start < VALIDATION_SEEDS.stop <= HELD_OUT_SEEDS.start
