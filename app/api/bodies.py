"""JSON bodies, read by hand: every fault of form gets a sentence, and polygons skip pydantic's slow way."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from fastapi import Request
from starlette.exceptions import HTTPException

from app.errors import Invalid

_MEDIA_TYPES = ("application/json", "application/geo+json")


async def read_json(request: Request) -> dict[str, Any]:
    """The JSON object of a request. Raises Invalid; 415 for another media type."""
    media_type = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if media_type not in _MEDIA_TYPES or request.headers.get("content-encoding", "identity") != "identity":
        raise HTTPException(415, "the body must be application/json, not encoded")
    try:
        body = json.loads((await request.body()).decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        # A ValueError is also what an integer of thousands of digits raises.
        place = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise Invalid(f"the body is not JSON{place}: send one object in UTF-8, with finite numbers only") from error
    if not isinstance(body, dict):
        raise Invalid("the body must be one JSON object")
    return body


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
