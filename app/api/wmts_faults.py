"""Errors of the WMTS door: OWS exception reports (OGC 06-121r3, section 8; WMTS 07-057r7, tables 22, 26 and 31)."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from app.api.reading import CORS
from app.api.wmts_templates import TEMPLATES
from app.errors import CosiaError, Invalid, Unavailable, Unknown

REPORTS: dict[int | str, dict[str, Any]] = {
    status: {"description": "OWS exception report.", "content": {"application/xml": {}}} for status in ("4XX", 501, 503)
}
"""Refusals of this door, for the OpenAPI document."""


class Fault(Exception):
    """One exception of a report: its code, the parameter it is about, and a sentence for people."""

    def __init__(
        self, code: str, locator: str | None, text: str, status: int = 400, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.code = code
        self.locator = locator
        self.text = text
        self.status = status
        self.headers = headers or {}


def missing(parameter: str) -> Fault:
    return Fault("MissingParameterValue", parameter, f"{parameter} is missing or empty")


def invalid(parameter: str, allowed: str) -> Fault:
    return Fault("InvalidParameterValue", parameter, f"{parameter} has a value that is not known; allowed: {allowed}")


def unsupported(operation: str) -> Fault:
    """An operation that other services of the OGC have and this one has not (501: OGC 06-121r3, table 27)."""
    return Fault("OperationNotSupported", operation, f"{operation} is not an operation of this service", 501)


def out_of_range(parameter: str, first: int, last: int) -> Fault:
    return Fault("TileOutOfRange", parameter, f"{parameter} is outside of the layer, which has {first} to {last} here")


def fault_of(error: CosiaError) -> Fault:
    """A domain error in the words of this door."""
    locator = getattr(error, "parameter", None)
    if isinstance(error, Invalid | Unknown):
        return Fault("InvalidParameterValue", locator, error.message)
    retry_after_s = error.retry_after_s if isinstance(error, Unavailable) else 5
    return Fault("NoApplicableCode", None, error.message, 503, {"Retry-After": str(retry_after_s)})


def report(fault: Fault, status: int | None = None) -> Response:
    """The exception report; `status` overrides the fault's own."""
    text = TEMPLATES.get_template("wmts_exception.xml").render(fault=fault)
    headers = {**CORS, "Cache-Control": "no-store", **fault.headers}
    return Response(text, status or fault.status, headers, media_type="application/xml")
