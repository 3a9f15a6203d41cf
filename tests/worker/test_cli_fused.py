"""A network that needs a Sentinel-2 series, from its checkpoint to its figures, as an operator types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.torch import load_file

from app.cli import main
from app.definitions import Band, ExtraInput, ModelCard
from app.quality import QualityReport
from tests.worker.flair_folders import write_flair_2_folder
from tests.worker.parity.seeding import seeded_state
from worker.architectures import build


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def added(card: ModelCard, tmp_path: Path) -> ModelCard:
    """A small U-T&T, added from a checkpoint named as FLAIR#2's training names its tensors."""
    satellite = {"encoder": [16, 16], "decoder": [16, 16], "heads": 4, "model": 16, "keys": 2}
    fused = card.model_copy(
        update={
            "id": "fused",
            "architecture": "ut-t",
            "parameters": card.parameters | {"satellite": satellite},
            "extra_inputs": (ExtraInput.SERIES,),
            "bands": tuple(Band),
            "mean": (0.0,) * 5,
            "std": (255.0,) * 5,
        }
    )
    (tmp_path / "fused.json").write_text(fused.model_dump_json(exclude_none=True))
    state = {f"model.{key}": tensor for key, tensor in seeded_state(build(fused).state_dict(), seed=3).items()}
    torch.save({"state_dict": state | {"criterion.0.weight": torch.ones(3)}}, tmp_path / "fused.ckpt")

    result = run("model", "add", tmp_path / "fused.json", "--weights", tmp_path / "fused.ckpt")

    assert result.exit_code == 0, result.output
    assert "model fused is ready" in result.output
    return fused


def test_figures_over_a_flair_2_folder(added: ModelCard, tmp_path: Path) -> None:
    write_flair_2_folder(tmp_path / "flair-2")

    result = run("evaluate", "--model", "fused", "--flair", tmp_path / "flair-2", "--out", tmp_path / "out")

    assert result.exit_code == 0, result.output
    report = QualityReport.model_validate_json((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert sum(map(sum, report.confusion_matrix)) == 64 * 64
    assert "fused" in json.dumps(report.model_dump(mode="json"))


def test_folder_without_series_is_told_what_is_missing(added: ModelCard, tmp_path: Path) -> None:
    write_flair_2_folder(tmp_path / "flair-2")
    next((tmp_path / "flair-2").rglob("*data.npy")).unlink()

    result = run("evaluate", "--model", "fused", "--flair", tmp_path / "flair-2")

    assert result.exit_code != 0
    assert "holds no series of D004_2021/Z10_AU" in result.output


def test_it_learns_from_a_flair_2_folder(added: ModelCard, tmp_path: Path) -> None:
    folder, out = tmp_path / "flair-2", tmp_path / "trained"
    # Two domains to learn from, with series of different lengths, and one of the published validation.
    write_flair_2_folder(folder, domains=("D091_2021", "D046_2019", "D004_2021"))
    small = ("--steps", "2", "--batch", "2", "--crop-px", "64")

    result = run("train", tmp_path / "fused.json", "--from", "fused", "--flair", folder, "--out", out, *small)

    assert result.exit_code == 0, result.output
    trained = load_file(out / "fused.safetensors")
    started = seeded_state(build(added).state_dict(), seed=3)
    moved = "arch_hr.temporal_encoder.attention_heads.Q"  # learns only from the series
    assert not torch.allclose(trained[moved].float(), started[moved], atol=1e-4)
    assert run("model", "add", out / "fused.json", "--weights", out / "fused.safetensors").exit_code == 0


def test_crops_of_patches_are_refused(added: ModelCard, tmp_path: Path) -> None:
    write_flair_2_folder(tmp_path / "flair-2", domains=("D091_2021", "D004_2021"))
    few = ("--flair", tmp_path / "flair-2", "--out", tmp_path / "out", "--batch", "2", "--crop-px", "32")

    result = run("train", tmp_path / "fused.json", *few)

    assert result.exit_code == 1
    assert "learns from whole patches: IMG_000826.tif is 64 × 64 px, and crops of 32 px" in result.output


def test_scenes_cannot_teach_it(added: ModelCard, tmp_path: Path) -> None:
    result = run("train", tmp_path / "fused.json", "--out", tmp_path / "out")

    assert result.exit_code == 1
    assert "model 'fused' needs a Sentinel-2 series beside the imagery" in result.output


def test_scenes_cannot_serve_it(added: ModelCard) -> None:
    result = run("evaluate", "--model", "fused", "--scenes", "1", "--scene-px", "256")

    assert result.exit_code != 0
    assert "model 'fused' needs a Sentinel-2 series beside the imagery" in result.output
