"""Routes that are read: GET with HEAD beside it (RFC 9110, 9.3.2), validators, lifetimes for caches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

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


class PlainRoute(Route):
    """GET and HEAD of an endpoint that reads its parameters from the request itself.

    Beside a tile from memory, FastAPI's reading and routing would be half of the cost. Plain routes stand before all
    others (`app.main`); FastAPI's route of the same path, behind them, is there for the OpenAPI document.
    """

    def __init__(self, path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> None:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            response = await endpoint(Request(scope, receive, send))
            await response(scope, receive, send)

        super().__init__(path, endpoint, methods=["GET"], include_in_schema=False)
        self.app = answer  # Starlette's own catches errors here and again around all routes: once is enough

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child_scope = super().matches(scope)
        if match is not Match.NONE:
            child_scope["route"] = self  # its path is the name under which requests are counted
        return match, child_scope


def content(request: Request, data: bytes, media_type: str, cache_control: str) -> Response:
    """The data with a strong ETag, or 304 where the client has it already."""
    etag = f'"{hashlib.blake2b(data, digest_size=12).hexdigest()}"'
    headers = {**CORS, "Cache-Control": cache_control, "ETag": etag}
    if not {etag, "*"}.isdisjoint(tags_of(request)):
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=media_type, headers=headers)


def json_content(request: Request, document: object, media_type: str = "application/json") -> Response:
    """A JSON document that clients keep but ask about each time."""
    return content(request, json.dumps(document, ensure_ascii=False).encode(), media_type, NO_CACHE)


def tags_of(request: Request) -> list[str]:
    """Tags of If-None-Match; weak comparison, as the header asks (RFC 9110, 13.1.2)."""
    listed = request.headers.get("if-none-match")
    if listed is None:
        return []
    return [tag.strip().removeprefix("W/") for tag in listed.split(",")]
