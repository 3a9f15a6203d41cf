"""A class nomenclature: the one owner of values, names and colours."""

from __future__ import annotations

import unicodedata
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.errors import Unknown

_FOLDER = Path(__file__).parent / "nomenclatures"
_COLOUR = r"^#[0-9a-f]{6}$"


def fold(name: str) -> str:
    """A class name without accents, capitals and signs: published files spell names in several ways."""
    decomposed = unicodedata.normalize("NFKD", name)
    return "".join(c for c in decomposed.casefold() if c.isalnum())


class Family(BaseModel):
    """Classes that readers may take together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title_fr: str
    title_en: str
    colour: str = Field(pattern=_COLOUR, description="Where a map shows families rather than classes.")
    colour_blind: str = Field(pattern=_COLOUR)


class LandCoverClass(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    value: int = Field(ge=1, le=255, description="Number in the class raster.")
    code: str
    title_fr: str
    title_en: str
    colour: str = Field(pattern=_COLOUR)
    colour_blind: str | None = Field(
        None, pattern=_COLOUR, description="Colour of the palette for colour-blind readers."
    )
    family: str = Field(description="Id of one of the nomenclature's families.")
    definition_fr: str = Field(description="What belongs to the class, in a sentence.")
    definition_en: str
    flair_code: int | None = Field(None, description="1-based code of FLAIR-INC masks; its logit is code - 1.")
    flair_hub_index: int | None = Field(None, description="0-based index of FLAIR-HUB masks.")

    @property
    def rgb(self) -> tuple[int, int, int]:
        return _rgb(self.colour)


class Nomenclature(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: str
    description: str
    source: str
    licence: str
    families: tuple[Family, ...]
    classes: tuple[LandCoverClass, ...]

    @model_validator(mode="after")
    def _values_are_unique(self) -> Nomenclature:
        if len({c.value for c in self.classes}) != len(self.classes):
            raise ValueError(f"nomenclature {self.id}: a value occurs twice")
        return self

    @model_validator(mode="after")
    def _families_are_named(self) -> Nomenclature:
        unnamed = {c.family for c in self.classes} - {family.id for family in self.families}
        if unnamed:
            raise ValueError(f"nomenclature {self.id}: no family has the id {', '.join(sorted(unnamed))}")
        return self

    @cached_property
    def by_value(self) -> dict[int, LandCoverClass]:
        return {c.value: c for c in self.classes}

    @cached_property
    def by_folded_title(self) -> dict[str, LandCoverClass]:
        return {fold(c.title_fr): c for c in self.classes}

    @cached_property
    def palette(self) -> np.ndarray:
        """(256, 4) uint8 RGBA, index = class value; 0 and values without a class are transparent."""
        return _palette({c.value: c.colour for c in self.classes})

    @property
    def has_colour_blind_palette(self) -> bool:
        return all(c.colour_blind is not None for c in self.classes)

    @cached_property
    def colour_blind_palette(self) -> np.ndarray:
        """Like `palette`, in colours for readers who lack red or green cones, where classes have such a colour."""
        return _palette({c.value: c.colour_blind or c.colour for c in self.classes})


def _rgb(colour: str) -> tuple[int, int, int]:
    return (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16))


def _palette(colours: dict[int, str]) -> np.ndarray:
    palette = np.zeros((256, 4), np.uint8)
    for value, colour in colours.items():
        palette[value] = (*_rgb(colour), 255)
    return palette


@lru_cache
def nomenclature(nomenclature_id: str = "cosia") -> Nomenclature:
    """The nomenclature of that id. Raises Unknown, naming those there are."""
    paths = {path.stem: path for path in _FOLDER.glob("*.json")}
    if nomenclature_id not in paths:
        raise Unknown(f"there is no nomenclature {nomenclature_id!r}; known: {', '.join(sorted(paths))}")
    return Nomenclature.model_validate_json(paths[nomenclature_id].read_bytes())
