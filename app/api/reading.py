"""Routes that are read: GET with HEAD beside it (RFC 9110, 9.3.2), validators, lifetimes for caches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response

CORS = {"Access-Control-Allow-Origin": "*"}
"""Public pictures and descriptions, read without credentials: any page may show them."""

IMMUTABLE = "public, max-age=31536000, immutable"
NO_CACHE = "no-cache"

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def read_route(router: APIRouter, path: str, **options: Any) -> Callable[[Endpoint], Endpoint]:
    """A GET route that answers HEAD as well.

    FastAPI gives a GET route no HEAD, and a route of both is documented twice under one operation id: so the route
    that answers is not in the documentation, and the one in the documentation stands behind it.
    """

    def register(endpoint: Endpoint) -> Endpoint:
        router.api_route(path, methods=["GET", "HEAD"], **{**options, "include_in_schema": False})(endpoint)
        router.get(path, **options)(endpoint)
        return endpoint

    return register


def content(request: Request, data: bytes, media_type: str, cache_control: str) -> Response:
    """The data with a strong ETag, or 304 where the client has it already."""
    etag = f'"{hashlib.blake2b(data, digest_size=12).hexdigest()}"'
    headers = {**CORS, "Cache-Control": cache_control, "ETag": etag}
    if etag in _tags(request) or "*" in _tags(request):
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=media_type, headers=headers)


def json_content(request: Request, document: object, media_type: str = "application/json") -> Response:
    """A JSON document that clients keep but ask about each time."""
    return content(request, json.dumps(document, ensure_ascii=False).encode(), media_type, NO_CACHE)


def _tags(request: Request) -> list[str]:
    """Tags of If-None-Match; weak comparison, as the header asks (RFC 9110, 13.1.2)."""
    listed = request.headers.get("if-none-match", "")
    return [tag.strip().removeprefix("W/") for tag in listed.split(",")]
