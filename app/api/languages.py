"""In which language a page is wanted: as its reader says, else as the browser does, else French."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

from fastapi import Query, Request

from app.definitions import Language
from app.errors import ParameterInvalid

LanguageAsked = Annotated[
    str | None,
    Query(
        alias="lang",
        max_length=30,
        description="Of the page; without it the browser's, by Accept-Language.",
        json_schema_extra={"enum": list(Language)},
    ),
]


def language_of(request: Request, asked: str | None) -> Language:
    """The language asked for, else the first of the browser's that we speak, else French.

    A browser's order is that of its weights, and that of the header where they are equal (RFC 9110, 12.5.4).
    Raises ParameterInvalid for one that we do not speak.
    """
    if asked is not None:
        if asked not in list(Language):
            raise ParameterInvalid(f"lang is {' or '.join(Language)}", "lang")
        return Language(asked)
    wanted = sorted(_ranges(request.headers.get("accept-language", "")), key=lambda found: -found[1])
    spoken = (Language(code) for code, weight in wanted if weight > 0 and code in list(Language))
    return next(spoken, Language.FRENCH)


def _ranges(header: str) -> Iterator[tuple[str, float]]:
    """Languages of an Accept-Language header without their regions, with their weights; what cannot be read is 0."""
    for part in header.split(","):
        tag, _, parameter = part.partition(";")
        name, _, weight = parameter.strip().partition("=")
        yield tag.strip().split("-")[0].lower(), _weight(weight) if name.strip().lower() == "q" else 1.0


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if math.isfinite(weight) else 0.0
