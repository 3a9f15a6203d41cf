"""In which language a page or an answer is wanted: as its reader says, else as the browser does, else a usual one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

from fastapi import Query, Request
from starlette.datastructures import Headers

from app.definitions import Language
from app.errors import ParameterInvalid

LanguageAsked = Annotated[
    str | None,
    Query(
        alias="lang",
        max_length=30,
        description="Of the answer; without it the browser's, by Accept-Language.",
        json_schema_extra={"enum": list(Language)},
    ),
]


def language_of(request: Request, asked: str | None) -> Language:
    """The language of a page: the one asked for, else the first of the browser's that we speak, else French.

    Raises ParameterInvalid for one that we do not speak.
    """
    return _chosen(asked) or _accepted(request.headers) or Language.FRENCH


def answer_language(headers: Headers, asked: str | None = None) -> Language:
    """The language of sentences in an answer to a program: as `language_of`, but English where nobody says.

    English is what they are written in, and what clients that were never asked for a language were given.
    """
    return _chosen(asked) or _accepted(headers) or Language.ENGLISH


def language_headers(language: Language) -> dict[str, str]:
    """Of an answer whose sentences are in that language."""
    return {"Content-Language": language, "Vary": "Accept-Language"}


def _chosen(asked: str | None) -> Language | None:
    if asked is None:
        return None
    if asked not in list(Language):
        raise ParameterInvalid(f"lang is {' or '.join(Language)}", "lang")
    return Language(asked)


def _accepted(headers: Headers) -> Language | None:
    """The first of Accept-Language that we speak.

    A browser's order is that of its weights, and that of the header where they are equal (RFC 9110, 12.5.4).
    """
    wanted = sorted(_ranges(headers.get("accept-language", "")), key=lambda found: -found[1])
    spoken = (Language(code) for code, weight in wanted if weight > 0 and code in list(Language))
    return next(spoken, None)


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
