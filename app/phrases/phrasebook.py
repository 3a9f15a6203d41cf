"""The phrasebook: English sentences with the French ones beside them, and how a sentence is found in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from app.definitions import Language
from app.phrases.templates import Kind, Template

_BEHIND = re.compile(r" (?=[:;?!»%])|(?<=«) |(?<=[\d}]) (?=(?:km²|km|m|px|s)(?!\w))")
_JOINTS = re.compile(r"(, | or | and )")
_DEEPEST = 6
"""Sentences inside sentences: a job failed because blocks failed because the weights of a model are away because..."""
_MOST_PARTS = 4
"""Of a sentence with semicolons of its own."""
_JOINTS_FR = {", ": ", ", " or ": " ou ", " and ": " et "}


@dataclass(frozen=True)
class _Entry:
    """An English template with places, and the French one. Its pattern is made at first use: most are never used."""

    english: Template
    french: Template

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return self.english.pattern()

    def values(self, sentence: str) -> dict[str, str] | None:
        """What stands in the places of a sentence; None where it is another."""
        if not (sentence.startswith(self.english.head) and sentence.endswith(self.english.tail)):
            return None
        found = self._pattern.fullmatch(sentence)
        return None if found is None else found.groupdict()


class _Told(NamedTuple):
    """whole: whether all sentences inside are known too."""

    text: str
    whole: bool


def read_phrasebook(path: Path) -> Phrasebook:
    """A file of subjects, each with its sentences: English -> French."""
    subjects: dict[str, dict[str, str]] = json.loads(path.read_bytes())
    return Phrasebook({english: text for subject in subjects.values() for english, text in subject.items()})


class Phrasebook:
    """entries: English template -> French one, with the same names of places; kinds stand on the English side."""

    def __init__(self, entries: Mapping[str, str]) -> None:
        self.templates = {Template.of(english): Template.of(typeset(text)) for english, text in entries.items()}

    @cached_property
    def _plain(self) -> dict[str, str]:
        return {english.text: french.text for english, french in self.templates.items() if not english.places}

    @cached_property
    def _entries(self) -> list[_Entry]:
        """Those with places, the most literal text first: what says more of a sentence knows it better."""
        entries = [_Entry(english, french) for english, french in self.templates.items() if english.places]
        return sorted(entries, key=lambda entry: len(entry.english.text), reverse=True)

    def told(self, sentence: str) -> str:
        """In French; as it is where no entry is this sentence."""
        return self._told(sentence, 0).text

    def _told(self, sentence: str, depth: int) -> _Told:
        return self._known(sentence, depth) or _Told(sentence, False)

    def _known(self, sentence: str, depth: int) -> _Told | None:
        """In French; None where no entry is this sentence. depth: of the sentences around it."""
        if (plain := self._plain.get(sentence)) is not None:
            return _Told(plain, True)
        if depth == _DEEPEST:
            return None
        for entry in self._entries:
            values = entry.values(sentence)
            if values is None:
                continue
            places = entry.english.places
            said = {place.name: self._value(place.kind, values[place.name], depth + 1) for place in places}
            whole = all(value.whole for value in said.values())
            if whole or entry.english.has_words:
                return _Told(entry.french.filled({name: value.text for name, value in said.items()}), whole)
        return None

    def _value(self, kind: Kind, text: str, depth: int) -> _Told:
        match kind:
            case Kind.NUMBER:
                return _Told(Language.FRENCH.figure(text), True)
            case Kind.QUOTED:
                return _Told(text[1:-1], True)
            case Kind.PHRASE:
                return self._told(text, depth)
            case Kind.PHRASES:
                return self._several(text.split("; "), depth)
            case Kind.LIST:
                parts = _JOINTS.split(text)
                return _Told("".join(_JOINTS_FR.get(part) or self._told(part, depth).text for part in parts), True)
        return _Told(text, True)

    def _several(self, parts: list[str], depth: int) -> _Told:
        """Sentences behind semicolons, of which some have semicolons of their own: each ends where it is whole."""
        said: list[_Told] = []
        while parts:
            most = min(len(parts), _MOST_PARTS)
            heads = [self._known("; ".join(parts[:end]), depth) for end in range(1, most + 1)]
            ends = sorted((not head.whole, end) for end, head in enumerate(heads, 1) if head is not None)
            end = ends[0][1] if ends else 1
            said.append(heads[end - 1] or _Told(parts[0], False))
            parts = parts[end:]
        return _Told(typeset(" ; ".join(each.text for each in said)), all(each.whole for each in said))


def typeset(text: str) -> str:
    """With the no-break spaces of French before double punctuation, inside quotation marks and before units.

    The file has plain spaces, which can be seen and typed.
    """
    return _BEHIND.sub("\N{NO-BREAK SPACE}", text)
