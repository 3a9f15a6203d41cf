"""JSON bodies: parsed in C++ from bounded bytes, and every fault of form gets a sentence.

A body within its limit of bytes can still hold a million numbers, and no thread runs while Python makes objects of
them: so their count is bounded before, and none but simdjson has seen them by then.
"""

from __future__ import annotations

import json
from typing import Any

import simdjson
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from app.errors import Invalid
from app.settings import settings

_MEDIA_TYPES = ("application/json", "application/geo+json")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_AT_ONCE_BYTES = 20_000
"""Parsed in less time than it takes to ask a thread."""
_VALUES_PER_VERTEX, _OTHER_VALUES = 5, 20_000
_MANY_NAMES = 100
"""More than any object has whose members mean something here. simdjson looks for each from the first on."""


async def read_json(request: Request) -> dict[str, Any]:
    """The JSON object of a request. Raises Invalid; 415 for another media type."""
    media_type = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if media_type not in _MEDIA_TYPES or request.headers.get("content-encoding", "identity") != "identity":
        raise HTTPException(415, "the body must be application/json, not encoded")
    raw = await request.body()
    body = parse_json(raw) if len(raw) <= _AT_ONCE_BYTES else await run_in_threadpool(parse_json, raw)
    if not isinstance(body, dict):
        raise Invalid("the body must be one JSON object")
    return body


def parse_json(raw: bytes) -> Any:
    """The value of a JSON text (RFC 8259, with none of the liberties it gives to parsers). Raises Invalid."""
    _require_few_values(raw)
    if raw.startswith(_BYTE_ORDER_MARK):
        raise Invalid("the body begins with a byte order mark: send plain UTF-8")
    try:
        return _plain(simdjson.Parser().parse(raw))
    except RecursionError as error:
        raise Invalid("the body is nested too deeply: no area needs so many levels") from error
    except (ValueError, RuntimeError) as error:  # the latter for integers of more than 64 bits
        raise Invalid(
            f"the body is not JSON{_place(raw)}: send one value in UTF-8, with finite numbers only"
        ) from error


def _require_few_values(raw: bytes) -> None:
    most_vertices = settings().aoi_vertices
    most = _VALUES_PER_VERTEX * most_vertices + _OTHER_VALUES
    # As many values at most: each but the first of its list stands behind a comma, the first behind a bracket.
    values = raw.count(b",") + raw.count(b"[") + raw.count(b"{")
    if values > most:
        raise Invalid(
            f"the body holds more than {most} values, and an area may have {most_vertices} vertices: simplify it"
        )


def _plain(node: Any) -> Any:
    """What simdjson parsed, as Python's own values."""
    if isinstance(node, simdjson.Object):
        return _object(node)
    if isinstance(node, simdjson.Array):
        # Objects stand in lists of objects. All else, positions above all, is converted in one go.
        return [_plain(each) for each in node] if len(node) and isinstance(node[0], simdjson.Object) else node.as_list()
    return node


def _object(node: simdjson.Object) -> dict[str, Any]:
    names: set[str] = set()
    for name in node:
        if name in names:
            raise Invalid(f"the body has {name[:60]!r} twice in one object: which of them is meant?")
        if "\0" in name:  # simdjson would look for the name up to there
            raise Invalid("the body has a name with a NUL character in it: nothing here is called so")
        names.add(name)
    return node.as_dict() if len(names) > _MANY_NAMES else {name: _plain(node[name]) for name in node}


def _place(raw: bytes) -> str:
    """Where a text stops being JSON, as the parser of the standard library tells; nothing where it would not."""
    try:
        json.loads(raw.decode())
    except json.JSONDecodeError as error:
        return f" (line {error.lineno}, column {error.colno})"
    except (ValueError, RecursionError):
        return ""
    return ""
