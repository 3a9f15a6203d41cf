"""Query parameters of a tile's look, read by ourselves and told to OpenAPI: FastAPI's own reading of them costs more
than a tile from memory."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from app.api.parameters import allow_only, classes_of, query_of, style_of
from app.catalogue import Layer
from app.catalogue.overlay import Overlay
from app.errors import ParameterInvalid
from app.tiling import Look

_NAMES = ("classes", "isolate", "opacity", "style", "v")
_DEFAULT = Look()
_MOST_CHARACTERS = 200


def _parameter(name: str, place: str, description: str, example: str) -> dict[str, Any]:
    schema = {"type": "string", "maxLength": _MOST_CHARACTERS}
    required = place == "path"
    return {
        "name": name,
        "in": place,
        "required": required,
        "schema": schema,
        "description": description,
        "example": example,
    }


def path_parameter(name: str, description: str, example: str) -> dict[str, Any]:
    """OpenAPI's description of a part of the path."""
    return _parameter(name, "path", description, example)


LOOK_PARAMETERS = [
    _parameter("style", "query", "normal (default), colour-blind or confidence.", "normal"),
    _parameter("classes", "query", "Class values that show; the others are transparent.", "1,8,9"),
    _parameter("isolate", "query", "A class value that keeps its colour; the others turn pale.", "9"),
    _parameter("opacity", "query", "A whole number of percent, 0 to 100 (default).", "60"),
    _parameter("v", "query", "Content version: an address with the current one never changes.", "53fa039494d5"),
]


def look_of(request: Request, layer: Layer | Overlay, *others: str) -> Look:
    """What the query asks for. others: parameters that somebody else reads.

    Raises ParameterInvalid for what is not known, comes twice or makes no sense.
    """
    if not request.scope["query_string"]:
        return _DEFAULT
    allow_only(request, (*_NAMES, *others))
    query = query_of(request)
    if len(query.get("v", "")) > _MOST_CHARACTERS:
        raise ParameterInvalid(f"v has at most {_MOST_CHARACTERS} characters", "v")
    style = style_of(layer, query.get("style"))
    return Look(
        style,
        classes_of(layer, style, query.get("classes")),
        _isolated(layer, query.get("isolate"), style.shows_classes),
        _opacity(query.get("opacity")),
    )


def _isolated(layer: Layer | Overlay, text: str | None, shows_classes: bool) -> int | None:
    if text is None:
        return None
    if not shows_classes:
        raise ParameterInvalid("isolate chooses a class; this style has no classes", "isolate")
    known = {str(value): value for value in layer.nomenclature.by_value}
    if text not in known:
        raise ParameterInvalid(f"isolate is one class value; known are {', '.join(known)}", "isolate")
    return known[text]


def _opacity(text: str | None) -> int:
    if text is None:
        return 100
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 100):
        raise ParameterInvalid("opacity is a whole number of percent from 0 to 100", "opacity")
    return int(text)
