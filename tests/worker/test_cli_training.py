"""`cosia train` as an agency types it: patches in, a model that is ready to predict out."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.definitions import ModelCard
from app.quality import QualityReport
from tests.flair_files import SIDE_PX, write_patch
from worker.weights import card_json


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def card_file(five_band_card: ModelCard, tmp_path: Path) -> Path:
    path = tmp_path / "card.json"
    path.write_bytes(card_json(five_band_card))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two patches of a domain to learn from, one of a validation domain, one of a test domain."""
    for number, domain in enumerate(("D091_2021", "D091_2021", "D004_2021", "D012_2019")):
        write_patch(tmp_path / "flair", number, domain)
    return tmp_path / "flair"


def test_agency_fine_tunes_a_model_and_scores_it(card_file: Path, folder: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    small = ("--flair", folder, "--steps", "3", "--batch", "2", "--crop-px", SIDE_PX)
    trained = run("train", card_file, "--out", first, *small, "--class-weight", "neige=0")
    assert trained.exit_code == 0, trained.output
    assert "1 patches of FLAIR's test domains are left alone" in trained.output
    assert run("model", "add", first / "tiny.json", "--weights", first / "tiny.safetensors").exit_code == 0

    tuned = run("train", card_file, "--id", "tuned", "--from", "tiny", "--out", second, *small)
    assert tuned.exit_code == 0, tuned.output
    assert run("model", "add", second / "tuned.json", "--weights", second / "tuned.safetensors").exit_code == 0
    scored = run("evaluate", "--model", "tuned", "--flair", folder, "--split", "test", "--out", tmp_path / "scored")

    assert scored.exit_code == 0, scored.output
    report = QualityReport.model_validate_json((tmp_path / "scored" / "report.json").read_text(encoding="utf-8"))
    assert report.subject.id == "tuned"
    assert report.reference.name == "1 FLAIR patches of folder flair, split test"
    assert report.compared_pixels == SIDE_PX**2
    for name in ("report.html", "curves.html", "checkpoint.pt", "log.jsonl"):
        assert (second / name).is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--class-weight", "snow=1"), "'snow=1' is no class weight: expected CODE=NUMBER"),
        (("--class-weight", "neige=-1"), "is no class weight"),
        (("--class-weight", "neige"), "is no class weight"),
        (("--validation", "D001_2020"), "there is no patch of domain D001_2020"),
        (("--id", "Not An Id"), "is no id of a card"),
        (("--from", "nobody"), "there is no model"),
        (("--resume",), "checkpoint.pt is no checkpoint"),
    ],
)
def test_what_cannot_be_trained_is_refused(
    card_file: Path, folder: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    result = run("train", card_file, "--out", tmp_path / "out", "--flair", folder, *arguments)

    assert result.exit_code == 1
    assert words in result.output


def test_folder_without_validation_patches_names_the_domains_there_are(card_file: Path, tmp_path: Path) -> None:
    write_patch(tmp_path / "own", 1, "D049_2023")

    result = run("train", card_file, "--out", tmp_path / "out", "--flair", tmp_path / "own")

    assert result.exit_code == 1
    assert "name domains for the latter with --validation; there are D049_2023" in result.output
