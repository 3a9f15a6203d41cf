"""A network small enough for tests."""

from __future__ import annotations

import pytest

from app.definitions import Band, ModelCard


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
