"""What predicts a block: one trained network or several together, and how often each of them looks at it.

The softmax of the members is averaged over all of them and over the augmentation, in the space of class values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.definitions.augmentation import Augmentation
from app.definitions.extra_input import ExtraInput
from app.definitions.model_card import ModelCard
from app.definitions.roles import Band

MOST_MEMBERS = 4
"""Networks of one ensemble: they are in the memory of a device together."""

# Neither sign may stand in a card's id.
_AND, _BY = "+", "@"


class Member(NamedTuple):
    """A trained network of an ensemble; sha256: of its weights file, hexadecimal."""

    card: ModelCard
    sha256: str


@dataclass(frozen=True)
class Ensemble:
    """Members of one nomenclature and resolution, as they were asked for; mostly a single one."""

    members: tuple[Member, ...]
    augmentation: Augmentation = Augmentation.NONE

    @property
    def cards(self) -> tuple[ModelCard, ...]:
        return tuple(member.card for member in self.members)

    @property
    def ordered(self) -> tuple[Member, ...]:
        """By id: a sum of floats depends on its order, and the pixels must not depend on how somebody asked."""
        return tuple(sorted(self.members, key=lambda member: member.card.id))

    def document(self) -> dict[str, Any]:
        """What predicted, as results tell it."""
        first, *further = (card.id for card in self.cards)
        return {"model": first, "ensemble": further, "augmentation": str(self.augmentation)}

    @property
    def predicted_by(self) -> str:
        return predicted_by((card.id for card in self.cards), self.augmentation)


def bands_of(cards: Sequence[ModelCard]) -> tuple[Band, ...]:
    """What imagery needs for all of these: the bands of the first, then what the others add."""
    return tuple(dict.fromkeys(band for card in cards for band in card.bands))


def extra_inputs_of(cards: Sequence[ModelCard]) -> tuple[ExtraInput, ...]:
    """What all of these need beside bands."""
    return tuple(each for each in ExtraInput if any(each in card.extra_inputs for card in cards))


def margin_of(cards: Sequence[ModelCard]) -> int:
    """Imagery to read around a block for all of these, pixels."""
    return max(card.margin_px for card in cards)


def predicted_by(model_ids: Iterable[str], augmentation: Augmentation) -> str:
    """Models and augmentation as one name, whatever the order: `a`, `a+b`, `a@d4`, `a+b@flips`.

    Of a single model without augmentation it is the model's id.
    """
    name = _AND.join(sorted(model_ids))
    return name if augmentation is Augmentation.NONE else f"{name}{_BY}{augmentation}"


def parts_of(name: str) -> tuple[tuple[str, ...], Augmentation]:
    """The models and the augmentation of a name that `predicted_by` gave."""
    models, _, augmentation = name.partition(_BY)
    return tuple(models.split(_AND)), Augmentation(augmentation or Augmentation.NONE)
