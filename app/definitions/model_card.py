"""A model card: all that decides what a trained network makes of imagery, and what is known of its quality."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.definitions.extra_input import ExtraInput
from app.definitions.roles import Band
from app.errors import ParameterInvalid

_FOLDER = Path(__file__).parent / "model_cards"
_SHA256 = r"^[0-9a-f]{64}$"

REPOSITORY: Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.-]*$"
"""Name of a repository on a hub."""
REVISION: Final = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
"""Branch, tag or commit of one."""
FILE: Final = r"^[A-Za-z0-9_][A-Za-z0-9_.=-]*(/[A-Za-z0-9_][A-Za-z0-9_.=-]*)*$"
"""Path of a file in one."""


class Score(BaseModel):
    """Figures on one test set; fractions 0-1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    test_set: str
    test_set_fr: str | None = None
    source: str = Field(description="Where the figures come from.")
    rule: str = Field(description="Which classes make the mean, and how absent ones count.")
    overall_accuracy: float | None = Field(None, ge=0, le=1)
    mean_iou: float | None = Field(None, ge=0, le=1)
    iou: dict[str, float] = Field(default_factory=dict, description="Class code -> intersection over union.")


class FrenchWords(BaseModel):
    """What a card says, for the French page and French reports."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    description: str | None = None
    training: str
    weaknesses: tuple[str, ...] = ()


class Published(BaseModel):
    """The weights file that a publisher offers on a hub; `cosia model add` fetches it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repository: str = Field(pattern=REPOSITORY, description="OWNER/NAME on the hub.")
    file: str = Field(
        pattern=FILE,
        description="Path of the file in the repository.",
    )
    revision: str = Field("main", pattern=REVISION, description="Branch, tag or commit.")
    sha256: str | None = Field(None, pattern=_SHA256, description="Of the file; none where nobody has stated it.")


class CheckpointPart(BaseModel):
    """Which part of a FLAIR-HUB checkpoint is the network, where it holds more than one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    modality: str | None = Field(None, description="Its encoder, which the decoder trained on it alone follows.")
    task: str | None = Field(None, description="Its decoder, such as AERIAL_LABEL-COSIA.")


class Origin(BaseModel):
    """The file that weights were taken from when they were added."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    sha256: str = Field(pattern=_SHA256)
    repository: str | None = None
    revision: str | None = Field(None, description="Commit of the repository, as the hub stated it.")


class ModelCard(BaseModel):
    """Definition of one trained network. `values[k]` is the class value of logit k; 0 = never trained, must not win."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    title: str
    description: str
    nomenclature: str = "cosia"
    architecture: str = Field(description="Name in the registry of worker.architectures.")
    parameters: dict[str, Any] = Field(default_factory=dict, description="Arguments of the architecture.")
    bands: tuple[Band, ...]
    extra_inputs: tuple[ExtraInput, ...] = Field((), description="What the network needs beside its bands.")
    mean: tuple[float, ...] = Field(description="Per band, on 0-255 values.")
    std: tuple[float, ...] = Field(description="Per band, on 0-255 values.")
    values: tuple[int, ...]
    resolution_m: float = 0.2
    margin_px: int = Field(
        ge=0,
        description="Imagery read around a block, pixels. Only networks whose logits do not depend on the patch "
        "(`depends_on_patch` in worker.architectures) can have one that makes patches of any size agree.",
    )
    window_px: int = Field(
        2048,
        gt=0,
        description="Kept side of one forward pass, pixels. Divides 2048 where logits depend on the patch; such a "
        "card states the patch (window and two margins) of its publisher's own tool.",
    )
    preprocessing: int = Field(1, description="Version of the preprocessing; part of the block key.")
    weights: str | None = Field(None, description="Shipped weights file beside the card; none for cards to complete.")
    sha256: str | None = Field(None, pattern=_SHA256, description="Of the weights file.")
    published: Published | None = Field(None, description="Where the weights can be had; none where nowhere.")
    part: CheckpointPart | None = Field(None, description="Needed for checkpoints of several modalities or tasks.")
    origin: Origin | None = Field(None, description="What the weights were made from; written by `cosia model add`.")
    training: str = Field(description="Data, recipe and duration, in plain words.")
    scores: tuple[Score, ...] = ()
    weaknesses: tuple[str, ...] = ()
    french: FrenchWords | None = Field(None, description="Title, description, training and weaknesses in French.")
    licence: str
    sources: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _lengths_agree(self) -> ModelCard:
        if not len(self.bands) == len(self.mean) == len(self.std):
            raise ValueError(f"model card {self.id}: bands, mean and std differ in length")
        if (self.weights is None) != (self.sha256 is None):
            present, absent = ("weights", "sha256") if self.weights else ("sha256", "weights")
            raise ValueError(
                f"model card {self.id} states {present} without {absent}: state both, or neither and let "
                "`cosia model add` write them"
            )
        return self


@lru_cache
def shipped_model_cards() -> dict[str, ModelCard]:
    """The cards of the `model_cards` folder, by id, in alphabetical order."""
    cards = [ModelCard.model_validate_json(path.read_bytes()) for path in _FOLDER.glob("*.json")]
    return {card.id: card for card in sorted(cards, key=lambda card: card.id)}


def require_extra_inputs(card: ModelCard, given: Collection[ExtraInput], giver: str, parameter: str = "model") -> None:
    """Raises ParameterInvalid, for that parameter, where a network needs more than is given beside its bands.

    giver: names what it is to work on, such as "imagery source 'ortho-2021'".
    """
    missing = [each for each in card.extra_inputs if each not in given]
    if missing:
        raise ParameterInvalid(
            f"model {card.id!r} needs {' and '.join(each.words for each in missing)} beside the imagery, which {giver} "
            "cannot give",
            parameter,
        )


def shipped_weights(card: ModelCard) -> Path | None:
    """Path of the weights file that lies beside a shipped card, or None where the card has none."""
    return _FOLDER / card.weights if card.weights else None
