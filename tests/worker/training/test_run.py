"""A whole training in small: from scenes or patches to a card whose weights load."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from app.definitions import ModelCard
from tests.flair_files import SIDE_PX, write_patch
from worker.flair import Split, find_patches, of_split
from worker.training.recipe import Recipe
from worker.training.run import begin, export_of_patches, export_of_scenes, train_on_patches, train_on_scenes
from worker.training.scenes import FIRST_TRAINING_SEED, HELD_OUT_SEEDS, VALIDATION_SEEDS
from worker.weights import network_of

CPU = torch.device("cpu")
RECIPE = Recipe(steps=2, batch=2, crop_px=64, scene_px=128, pool=2, validation_scenes=1)


def test_training_on_scenes_resumes_and_ends_in_a_card_with_figures_and_weights_that_load(
    five_band_card: ModelCard, tmp_path: Path
) -> None:
    train_on_scenes(begin(five_band_card, tmp_path, RECIPE, CPU, resume=False), tmp_path, RECIPE)
    first = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["progress"]
    longer = replace(RECIPE, steps=4)

    trainer = begin(five_band_card, tmp_path, longer, CPU, resume=True)
    train_on_scenes(trainer, tmp_path, longer)
    completed, report = export_of_scenes(trainer, tmp_path, longer, held_out=1)

    assert (first["step"], trainer.progress.step) == (2, 4)
    assert trainer.progress.scenes > first["scenes"]
    written = ModelCard.model_validate_json((tmp_path / "tiny.json").read_bytes())
    assert written == completed
    assert network_of(written, tmp_path / "tiny.safetensors") is not None
    assert sum(map(sum, report.confusion_matrix)) == report.compared_pixels == 128 * 128
    assert written.scores[0].mean_iou == round(report.means[0].mean_iou or 0.0, 4)
    assert f"seeds {HELD_OUT_SEEDS.start}-{HELD_OUT_SEEDS.start}" in written.scores[0].test_set
    assert "procedural scenes" in written.training


def test_training_on_patches_resumes_and_draws_its_curves(five_band_card: ModelCard, tmp_path: Path) -> None:
    folder, recipe = tmp_path / "out", Recipe(steps=2, batch=2, crop_px=SIDE_PX)
    for number in range(4):
        write_patch(tmp_path, number, "D091_2021")
    write_patch(tmp_path, 9, "D004_2021")
    patches = find_patches(tmp_path)
    parts = of_split(patches, Split.TRAIN), of_split(patches, Split.VAL)
    train_on_patches(begin(five_band_card, folder, recipe, CPU, resume=False), folder, recipe, *parts)
    longer = replace(recipe, steps=5)

    trainer = begin(five_band_card, folder, longer, CPU, resume=True)
    train_on_patches(trainer, folder, longer, *parts)
    completed, report = export_of_patches(trainer, folder, longer, *parts)

    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "mean_iou" in line] == [2, 5]
    page = (folder / "curves.html").read_text()
    assert page.count("<svg") == 2
    assert "Validation" in page
    assert report.compared_pixels == SIDE_PX**2
    assert "`cosia train tiny --steps 5 --batch 2 --crop-px 64 " in completed.training
    assert "4 FLAIR patches" in completed.training
    assert "1 FLAIR patches of 1 domains (D004_2021), never trained on" in completed.scores[0].test_set
    assert network_of(completed, folder / "tiny.safetensors") is not None


def test_fine_tuning_begins_with_the_weights_of_a_file(five_band_card: ModelCard, tmp_path: Path) -> None:
    trained = begin(five_band_card, tmp_path / "first", RECIPE, CPU, resume=False)
    torch.save(trained.network.state_dict(), tmp_path / "weights.pth")
    other = replace(RECIPE, seed=7)

    tuned = begin(five_band_card, tmp_path / "second", other, CPU, resume=False, start=tmp_path / "weights.pth")

    for network in (tuned.network, tuned.averaged.network):
        for key, tensor in network.state_dict().items():
            assert torch.equal(tensor, trained.network.state_dict()[key])


def test_seeds_for_figures_are_never_trained_on() -> None:
    assert FIRST_TRAINING_SEED < VALIDATION_SEEDS.start < VALIDATION_SEEDS.stop <= HELD_OUT_SEEDS.start


@pytest.mark.parametrize("weights", [{}, {1: 0.0, 9: 2.5}])
def test_recipe_tells_what_decides_the_training(weights: dict[int, float]) -> None:
    told = Recipe(class_weights=weights).told("patches")

    assert "8 crops of 384 px per step from patches" in told
    assert ("1: 0, 9: 2.5 (all others 1)" in told) == bool(weights)


def test_recipe_names_the_command_that_repeats_it() -> None:
    recipe = Recipe(steps=900, seed=4, class_weights={7: 0.0}, bf16=True)

    assert recipe.command("mine", {7: "neige"}) == (
        "cosia train mine --steps 900 --batch 8 --crop-px 384 --peak-rate 0.002 --seed 4 --pool 200 "
        "--variation symmetries --class-weight neige=0 --bf16"
    )


def test_recipe_ends_after_its_steps_or_its_time() -> None:
    assert Recipe(steps=10).share(5, elapsed_s=1e9) == 0.5
    assert Recipe(minutes=2).share(10**6, elapsed_s=60) == 0.5
