"""Names of places as they are compared: words without accents, case and signs, abbreviations written out."""

from __future__ import annotations

import re
import unicodedata

_WRITTEN_OUT = {"st": "saint", "ste": "sainte", "sts": "saints", "stes": "saintes"}
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})
_ARTICLES = ("l", "le", "la", "les")


def words_of(text: str) -> tuple[str, ...]:
    """`L'Haÿ-les-Roses` is (l, hay, les, roses), `Châlons s/ Marne` is (chalons, sur, marne), `Ste` is sainte."""
    return tuple(_WRITTEN_OUT.get(word, word) for word in plain_words(text))


def plain_words(text: str) -> tuple[str, ...]:
    """The same with `St` left as it is: at the end of what somebody types it may begin `Strasbourg`."""
    small = re.sub(r"\bs/", "sur ", text.lower().translate(_LIGATURES))
    bare = "".join(sign for sign in unicodedata.normalize("NFD", small) if not unicodedata.combining(sign))
    return tuple(re.findall(r"[a-z0-9]+", bare))


def without_article(words: tuple[str, ...]) -> tuple[str, ...]:
    """(le, mans) is (mans): many leave the article out."""
    return words[1:] if len(words) > 1 and words[0] in _ARTICLES else words
