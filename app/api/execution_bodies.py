"""The inputs of a process: how those that choose are described, and those of a body, which must be known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.errors import ParameterInvalid


def inputs_of(body: dict[str, Any], *, required: Sequence[str], allowed: Sequence[str]) -> dict[str, Any]:
    """The inputs of a body, the required ones there. Raises ParameterInvalid, naming what is allowed."""
    given = body.get("inputs")
    if not isinstance(given, dict) or "aoi" not in given:
        raise ParameterInvalid('the body must be {"inputs": {"aoi": <GeoJSON polygon>, …}}', "inputs")
    unknown = sorted(set(given) - set(allowed))
    if unknown:
        raise ParameterInvalid(f"unknown input {unknown[0]!r}; allowed are {', '.join(allowed)}", unknown[0][:100])
    missing = [name for name in required if name not in given]
    if missing:
        raise ParameterInvalid(f"input {missing[0]!r} is missing; needed are {', '.join(required)}", missing[0])
    return given


AREA_SCHEMA: dict[str, Any] = {
    "oneOf": [
        {"type": "object", "format": name}
        for name in ("geojson-geometry", "geojson-feature", "geojson-feature-collection", "ogc-bbox")
    ]
}
"""Of an area, in the words of the standard (table 13)."""


def choice(title: str, choices: Sequence[dict[str, Any]], default: str | None = None) -> dict[str, Any]:
    """The description of an input that is one of some values.

    choices: `value`, `title` and more of each. They stand beside the schema: the standard's schema of schemas
    (schema.yaml) leaves no room in it for what a page wants to show.
    """
    schema = one_of([each["value"] for each in choices])
    if default is not None:
        schema["default"] = default
    return {"title": title, "schema": schema, "cosia:choices": list(choices)}


def one_of(values: Sequence[str]) -> dict[str, Any]:
    """The schema of a word that is one of these; of any word where there are none yet, for no enum is empty."""
    return {"type": "string", "enum": list(values)} if values else {"type": "string"}
