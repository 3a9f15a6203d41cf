"""Errors as `application/problem+json` (RFC 9457): one table from domain errors to HTTP statuses.

Titles and details are told in the language that the request accepts (`app.phrases`), in English where it names none.
"""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Mount

from app import errors
from app.api.languages import answer_language, language_headers
from app.definitions import Language
from app.phrases import told

log = structlog.get_logger(__name__)

_STATUSES: dict[type[errors.CosiaError], int] = {
    errors.Invalid: 400,
    errors.Unknown: 404,
    errors.Unauthorised: 401,
    errors.Forbidden: 403,
    errors.Conflict: 409,
    errors.ResultNotReady: 404,  # /req/core/job-results-exception/results-not-ready of OGC API - Processes
    errors.Gone: 410,
    errors.LimitReached: 429,
    errors.Unavailable: 503,
    errors.Misconfigured: 503,
}

TITLES = {
    400: "The request cannot be used",
    401: "An API key is needed",
    403: "Not allowed to you",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    410: "Not there any more",
    413: "The request is too large",
    415: "Unsupported media type",
    429: "Too many requests",
    500: "Internal error",
    503: "Not available for the moment",
}
OTHER_TITLE = "The request failed"

_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")

_TYPE_PREFIX = "urn:cosia:problem:"

_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Kind of the problem, for programs."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong and what is allowed, for people."},
        "request_id": {"type": ["string", "null"], "description": "Under which the log has it."},
        "parameter": {"type": "string", "description": "Whose value is meant."},
    },
}

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The request cannot be used.", "content": {"application/problem+json": {"schema": _SCHEMA}}},
    503: {
        "description": "Not available for the moment.",
        "content": {"application/problem+json": {"schema": _SCHEMA}},
        "headers": {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}},
    },
}
"""Answers of every route, for the OpenAPI document."""


def status_of(error: errors.CosiaError) -> int:
    """HTTP status of the closest ancestor in the table."""
    for kind in type(error).__mro__:
        if kind in _STATUSES:
            return _STATUSES[kind]
    return 500


def type_of(error: errors.CosiaError) -> str:
    """The `type` of its problem document."""
    return _uri(error.type)


def _uri(type_: str) -> str:
    return type_ if "://" in type_ else _TYPE_PREFIX + type_


def problem(
    status: int,
    type_: str,
    detail: str,
    language: Language = Language.ENGLISH,
    *,
    headers: dict[str, str] | None = None,
    parameter: str | None = None,
) -> JSONResponse:
    """A problem document. `type_` is a word of ours or a URI of a standard; `detail` is given in English."""
    body: dict[str, object] = {
        "type": _uri(type_),
        "title": told(TITLES.get(status, OTHER_TITLE), language),
        "status": status,
        "detail": told(detail, language),
        "request_id": structlog.contextvars.get_contextvars().get("request_id"),
    }
    if parameter is not None:
        body["parameter"] = parameter
    headers = {**(headers or {}), **language_headers(language)}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def problem_of(error: errors.CosiaError, language: Language) -> JSONResponse:
    headers = {}
    if isinstance(error, errors.Unauthorised):
        headers["WWW-Authenticate"] = 'Bearer realm="CoSIA Map"'  # RFC 9110, 11.6.1
    if isinstance(error, errors.LimitReached | errors.Unavailable):
        headers["Retry-After"] = str(error.retry_after_s)
    parameter = getattr(error, "parameter", None)
    return problem(status_of(error), error.type, error.message, language, headers=headers, parameter=parameter)


def _on_domain_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.CosiaError)  # noqa: S101 - registered for this class only
    return problem_of(error, answer_language(request.headers))


def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    word = TITLES.get(error.status_code, "request failed").lower().replace(" ", "-")
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = _allowed(request) or headers.get("Allow", "GET, HEAD")
    return problem(error.status_code, word, str(error.detail), answer_language(request.headers), headers=headers)


def _allowed(request: Request) -> str:
    """Methods of all routes that have this path: the router names those of the first one alone."""
    routes = [route for route in request.app.routes if not isinstance(route, Mount)]  # that takes whatever comes
    return ", ".join(
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    )


def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    first = error.errors()[0]
    name = str(first["loc"][-1])
    language = answer_language(request.headers)
    return problem(400, "parameter-invalid", f"{name}: {first['msg']}", language, parameter=name)


def _on_departure(_: Request, __: Exception) -> JSONResponse:
    """For the count and the log: nobody is there to read it."""
    return problem(400, "incomplete", "the request ended before its body did")


def _on_surprise(request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected_error", exc_info=error)
    detail = "something went wrong on our side; it has been logged under this request id"
    return problem(500, "internal", detail, answer_language(request.headers))


def add_problem_handlers(application: FastAPI) -> None:
    application.add_exception_handler(errors.CosiaError, _on_domain_error)
    application.add_exception_handler(HTTPException, _on_http_error)
    application.add_exception_handler(RequestValidationError, _on_validation_error)
    application.add_exception_handler(ClientDisconnect, _on_departure)
    application.add_exception_handler(Exception, _on_surprise)
