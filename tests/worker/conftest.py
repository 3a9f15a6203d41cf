"""A network small enough for tests, and where a worker of the test keeps its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.definitions import Band, ModelCard
from app.settings import Settings
from app.storage import FolderStorage


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "data")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of that storage."""
    return Settings(data=str(tmp_path / "data"))


@pytest.fixture
def card() -> ModelCard:
    return ModelCard(
        id="tiny",
        title="Tiny",
        description="A network of a few thousand numbers.",
        architecture="unet-resnet",
        parameters={"stem": 4, "encoder": [4, 4, 8, 8], "blocks": [1, 1, 1, 1], "decoder": [8, 8, 4, 4, 4]},
        bands=(Band.R, Band.G, Band.B),
        mean=(0, 0, 0),
        std=(1, 1, 1),
        values=(1, 2, 3),
        margin_px=0,
        training="none",
        licence="MIT",
    )


@pytest.fixture
def five_band_card(card: ModelCard) -> ModelCard:
    """The same for the bands and classes of the demonstration."""
    return card.model_copy(
        update={
            "bands": tuple(Band),
            "mean": (110.0,) * 4 + (20.0,),
            "std": (50.0,) * 4 + (30.0,),
            "values": tuple(range(1, 17)),
        }
    )
