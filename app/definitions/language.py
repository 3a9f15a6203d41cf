"""The languages that documents are written in, and how numbers are written in each."""

from __future__ import annotations

from enum import StrEnum

_MARKS = {"fr": ("\N{NO-BREAK SPACE}", ","), "en": (",", ".")}
"""Between thousands, before decimals."""


class Language(StrEnum):
    """Of pictures, reports and pages; French where nobody says."""

    FRENCH = "fr"
    ENGLISH = "en"

    def number(self, value: float, decimals: int = 0) -> str:
        """With the thousands apart."""
        return self.figure(f"{value:,.{decimals}f}")

    def figure(self, text: str) -> str:
        """A number that Python wrote, with the marks of the language."""
        thousands, decimal = _MARKS[self.value]
        return text.translate({ord(","): thousands, ord("."): decimal})

    def class_title(self, title_fr: str, title_en: str) -> str:
        """The name of a class as it begins a line."""
        return title_fr if self is Language.FRENCH else title_en[:1].upper() + title_en[1:]
