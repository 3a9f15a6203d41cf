"""Sentences with places, `the area is {area:number} km²`: recognised in one language, filled in another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from string import Formatter
from typing import NamedTuple


class Kind(StrEnum):
    """What stands in a place.

    TEXT: anything, told as it is. NUMBER: as Python writes one. QUOTED: what `!r` made of a text, told without its
    quotation marks. PHRASE: a sentence or a word that the phrasebook may know too. PHRASES: several, behind semicolons.
    LIST: names or phrases, joined by commas, `or` and `and`.
    """

    TEXT = "text"
    NUMBER = "number"
    QUOTED = "quoted"
    PHRASE = "phrase"
    PHRASES = "phrases"
    LIST = "list"


_ANYTHING = ".+?"
_PATTERNS = {
    Kind.NUMBER: r"[-+]?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?",
    Kind.QUOTED: r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""",
}


class Place(NamedTuple):
    name: str
    kind: Kind


@dataclass(frozen=True)
class Template:
    """A sentence in its parts: literal text and places. Braces of its own are doubled, as for `str.format`."""

    parts: tuple[str | Place, ...]

    @classmethod
    def of(cls, text: str) -> Template:
        """Raises ValueError for a kind that is not known, or braces that are not closed."""
        parts: list[str | Place] = []
        for literal, name, kind, _ in Formatter().parse(text):
            # A doubled brace ends a piece of text, which goes on behind it.
            if literal and parts and isinstance(parts[-1], str):
                parts[-1] += literal
            elif literal:
                parts.append(literal)
            if name is not None:
                parts.append(Place(name, Kind(kind or Kind.TEXT)))
        return cls(tuple(parts))

    @property
    def places(self) -> tuple[Place, ...]:
        return tuple(part for part in self.parts if isinstance(part, Place))

    @property
    def text(self) -> str:
        """The literal text alone."""
        return "".join(part for part in self.parts if isinstance(part, str))

    @property
    def head(self) -> str:
        """The text before the first place."""
        return self.parts[0] if isinstance(self.parts[0], str) else ""

    @property
    def tail(self) -> str:
        """The text behind the last place."""
        return self.parts[-1] if isinstance(self.parts[-1], str) else ""

    @property
    def has_words(self) -> bool:
        """False for a mere frame, such as `{parameter}: {fault:phrase}`."""
        return any(map(str.isalpha, self.text))

    def pattern(self) -> re.Pattern[str]:
        """Matches all of what the template can become; a group for each place, by its name.

        A place ends where the text behind it comes first. That is not tried again (atomic groups): time grows with the
        length of a sentence alone, whatever a stranger has put into it.
        """
        pattern = re.escape(self.head)
        for place, behind in self._places_and_text_behind():
            end = r"\Z" if place is self.places[-1] else ""
            pattern += f"(?>(?P<{place.name}>{_PATTERNS.get(place.kind, _ANYTHING)}){re.escape(behind)}{end})"
        return re.compile(pattern, re.DOTALL)

    def _places_and_text_behind(self) -> Iterator[tuple[Place, str]]:
        for part, following in zip_longest(self.parts, self.parts[1:], fillvalue=""):
            if isinstance(part, Place):
                yield part, following if isinstance(following, str) else ""

    def filled(self, values: dict[str, str]) -> str:
        return "".join(part if isinstance(part, str) else values[part.name] for part in self.parts)
