"""Places found by the beginning of their names, without asking anybody.

The shipped list is made by setup/make_gazetteer.py: nearly all communes of 500 inhabitants and more, with some
localities in them. Coordinates are GeoNames' (CC BY 4.0), names, departments and populations INSEE's (Licence Ouverte).
"""

from __future__ import annotations

import gzip
import heapq
import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from app.places.names import plain_words, without_article, words_of
from app.places.place import Kind, Place, Source

ATTRIBUTION = "GeoNames (CC BY 4.0), INSEE"

_FILE = Path(__file__).with_name("france.json.gz")
_LEAST_LETTERS = 2
_LAST = "\U0010ffff"
_ZOOMS = ((200_000, 12), (50_000, 13), (10_000, 14), (0, 15))
"""Of communes, by inhabitants: their extents are not known."""

Bounds = tuple[float, float, float, float]
Words = tuple[str, ...]
Rank = tuple[int, bool, int, str]
"""How well a place answers, the least best: match, outside of what is published, inhabitants (negative), name."""

WHOLE, BEGINNING, INSIDE, SCATTERED = range(4)
"""What the words asked are of a name."""


class Entry(NamedTuple):
    """wider: words that may follow the name and tell it from others: of the department, its code."""

    words: Words
    wider: frozenset[str]
    population: int
    place: Place


class Found(NamedTuple):
    rank: Rank
    place: Place


class Gazetteer:
    """Entries by their names; the same place may stand under several."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = list(entries)
        self._positions = np.array([(entry.place.lon, entry.place.lat) for entry in self._entries])
        # Every word of a name begins a line of its own: a name is found by any of them, as in an index of a book.
        self._lines = sorted(
            (" ".join(entry.words[at:]), number, at)
            for number, entry in enumerate(self._entries)
            for at in range(len(entry.words))
        )
        self._by_wider: defaultdict[str, set[int]] = defaultdict(set)
        for number, entry in enumerate(self._entries):
            for word in entry.wider:
                self._by_wider[word].add(number)

    def find(self, text: str, limit: int, published: Iterable[Bounds] = ()) -> list[Found]:
        """The best first, each place once. published: (west, south, east, north), degrees, of what there is to see."""
        best: dict[int, int] = {}
        for asked in _readings(text):
            for number, match in self._matches(asked, limit):
                best[number] = min(match, best.get(number, match))
        numbers = list(best)
        found: dict[Place, Found] = {}
        for number, seen in zip(numbers, self._seen(numbers, published), strict=True):
            entry = self._entries[number]
            rank = (best[number], not seen, -entry.population, entry.place.name)
            if entry.place not in found or rank < found[entry.place].rank:
                found[entry.place] = Found(rank, entry.place)
        return heapq.nsmallest(limit, found.values(), key=lambda each: each.rank)

    def _seen(self, numbers: list[int], published: Iterable[Bounds]) -> list[bool]:
        lon, lat = self._positions[numbers].T
        seen = np.zeros(len(numbers), bool)
        for west, south, east, north in published:
            seen |= (west <= lon) & (lon <= east) & (south <= lat) & (lat <= north)
        return [bool(each) for each in seen]

    def _matches(self, asked: Words, limit: int) -> Iterator[tuple[int, int]]:
        """Numbers of entries with how well they match."""
        found: list[tuple[int, int]] = []
        # As much as can be is the name; what is left tells its department.
        for end in range(len(asked), 0, -1):
            within = self._within(asked[end:])
            found = [each for each in self._by_name(asked[:end]) if within is None or each[0] in within]
            if found:
                break
        yield from found
        if len(found) < limit and len(asked) > 1:
            for number in self._by_words(asked):
                yield number, SCATTERED

    def _within(self, words: Words) -> set[int] | None:
        """Entries whose departments have all these words; None where there are no words."""
        if not words:
            return None
        return set.intersection(*(self._by_wider.get(word, set()) for word in words))

    def _by_name(self, name: Words) -> Iterator[tuple[int, int]]:
        beginning = " ".join(name)
        for line, number, at in self._lines_from(beginning):
            words = self._entries[number].words
            start = at == 0 or words[at:] == without_article(words)
            yield number, INSIDE if not start else WHOLE if line == beginning else BEGINNING

    def _by_words(self, asked: Words) -> Iterator[int]:
        """Entries that have words beginning so, in that order, with others between them."""
        for _, number, at in self._lines_from(asked[0] + " "):
            left = iter(self._entries[number].words[at:])
            if all(any(word.startswith(wanted) for word in left) for wanted in asked):
                yield number

    def _lines_from(self, beginning: str) -> Sequence[tuple[str, int, int]]:
        first = bisect_left(self._lines, (beginning, -1, -1))
        return self._lines[first : bisect_left(self._lines, (beginning + _LAST, -1, -1))]


def _readings(text: str) -> set[Words]:
    """What was typed may be meant as: the last word whole, or as the beginning of one."""
    plain, whole = plain_words(text), words_of(text)
    if sum(map(len, plain)) < _LEAST_LETTERS:
        return set()
    return {whole, (*whole[:-1], plain[-1])}


@lru_cache(maxsize=1)
def france() -> Gazetteer:
    """The shipped list, read at its first use."""
    document = json.loads(gzip.decompress(_FILE.read_bytes()))
    departments: dict[str, str] = document["departments"]
    names = {code: name for code, name, *_ in document["communes"]}
    entries = []
    for code, name, lon, lat, population in document["communes"]:
        context, wider = _context(code, departments)
        zoom = next(zoom for least, zoom in _ZOOMS if population >= least)
        place = Place(name, Kind.COMMUNE, context, lon, lat, zoom, Source.GAZETTEER, code)
        entries.append(Entry(words_of(name), wider, population, place))
    for code, name, lon, lat, population in document["localities"]:
        context, wider = _context(code, departments)
        place = Place(name, Kind.LOCALITY, f"{names[code]}, {context}", lon, lat, _ZOOMS[-1][1], Source.GAZETTEER)
        entries.append(Entry(words_of(name), wider | set(words_of(names[code])), population, place))
    return Gazetteer(entries)


def _context(code: str, departments: dict[str, str]) -> tuple[str, frozenset[str]]:
    """Of a commune: its department for people, and as words. Overseas, the first three signs of the code name it."""
    department = code[:3] if code.startswith(("97", "98")) else code[:2]
    name = departments[department]
    return f"{name} ({department})", _wider(name, department)


@lru_cache(maxsize=200)
def _wider(name: str, department: str) -> frozenset[str]:
    return frozenset((*words_of(name), department.lower()))
