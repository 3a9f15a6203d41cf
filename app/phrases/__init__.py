"""What this program says in English, told in French: a sentence is recognised where it is told, and said anew.

English is the one source. Errors are raised, reasons are stored and jobs are told of in English, by whatever process;
who wants French is told the French of the same sentence (`fr.json`). What is not recognised is told as it is.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from app.definitions import Language
from app.phrases.phrasebook import Phrasebook, read_phrasebook

__all__ = ["Phrasebook", "french", "told"]

_MOST_CHARACTERS = 4000
"""Of a sentence that is looked for."""


@lru_cache
def french() -> Phrasebook:
    """The phrasebook that is shipped."""
    return read_phrasebook(Path(__file__).with_name("fr.json"))


def told(sentence: str, language: Language) -> str:
    """The sentence in that language; as it is where the phrasebook does not know it."""
    if language is Language.ENGLISH or len(sentence) > _MOST_CHARACTERS:
        return sentence
    return _in_french(sentence)


# The same few are told again and again: of a queue that is full, of a job that many follow.
@lru_cache(maxsize=512)
def _in_french(sentence: str) -> str:
    return french().told(sentence)
