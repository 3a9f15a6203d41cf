"""The body of an execution: `{"inputs": {...}}`, with inputs that are known."""

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
