"""`cosia predict` with several models and augmentations, and what it says when it cannot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import safetensors.torch
import torch
from click.testing import CliRunner, Result

from app import imagery, models
from app.cli import main
from app.database import sessions
from app.database.migrate import migrate
from app.definitions import ModelCard
from app.storage import storage
from tests.imagery_files import random_bytes, write_raster
from worker.architectures import build
from worker.weights import file_sha256


@pytest.fixture
def models_and_source(data_folder: Path, card: ModelCard, tmp_path: Path) -> None:
    """Source `town` of 64 x 64 px, and models `first` and `second`, which always see class 1 and class 2.

    The second is the surer of the two.
    """
    migrate(sessions().engine)
    stack = write_raster(tmp_path / "stack.tif", random_bytes(5, 64, 64))
    imagery.register(sessions(), source_id="town", title="Town", stack=[stack])
    for name, biases in (("first", [1.0, 0.0, 0.0]), ("second", [0.0, 3.0, 0.0])):
        state = build(card).state_dict()
        state["segmentation_head.0.weight"] *= 0
        state["segmentation_head.0.bias"] = torch.tensor(biases)
        path = tmp_path / f"{name}.safetensors"
        safetensors.torch.save_file(state, path)
        digest = file_sha256(path)
        completed = card.model_copy(update={"id": name, "weights": path.name, "sha256": digest})
        with sessions().write() as session:
            models.add_model(session, storage(), completed, path.read_bytes(), digest)


def predict(tmp_path: Path, *arguments: str) -> Result:
    out = str(tmp_path / "map.tif")
    return CliRunner().invoke(main, ["predict", "--source", "town", "--model", "first", "--out", out, *arguments])


def classes_of(tmp_path: Path) -> set[int]:
    with rasterio.open(tmp_path / "map.tif") as raster:
        return set(np.unique(raster.read(1)).tolist())


@pytest.mark.usefixtures("models_and_source")
def test_the_surer_member_decides_where_members_differ(tmp_path: Path) -> None:
    alone = predict(tmp_path)
    classes_alone = classes_of(tmp_path)
    together = predict(tmp_path, "--ensemble", "second", "--augmentation", "flips")

    assert (alone.exit_code, together.exit_code) == (0, 0)
    assert classes_alone == {1}
    assert classes_of(tmp_path) == {2}  # means of softmax: (0.58 + 0.05) / 2 of class 1, (0.21 + 0.91) / 2 of class 2


@pytest.mark.usefixtures("models_and_source")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--ensemble", "third"], "there is no model 'third'; ready to use: "),
        (["--ensemble", "first"], "model 'first' is named twice"),
        (["--ensemble", "second"] * 4, "an ensemble has at most 4 members"),
        (["--augmentation", "d8"], "'d8' is not one of 'none', 'flips', 'd4'"),
    ],
)
def test_what_cannot_predict_together_is_refused_with_what_can(tmp_path: Path, arguments: list[str], says: str) -> None:
    refused = predict(tmp_path, *arguments)

    assert refused.exit_code != 0
    assert says in refused.output
    assert not (tmp_path / "map.tif").exists()
