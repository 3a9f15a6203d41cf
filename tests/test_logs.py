"""The line of a request: one JSON object, whatever the path."""

from __future__ import annotations

import json
import logging

import pytest

from app.logs import log_request


def test_a_path_of_quotes_and_line_ends_is_one_line_of_json(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    log_request("abc-1", "GET", '/a"b\\c\nd\x00é', 404, 1.26)

    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert told.pop("timestamp").endswith("+00:00")
    assert told == {
        "event": "request",
        "method": "GET",
        "path": '/a"b\\c\nd\x00é',
        "status": 404,
        "ms": 1.3,
        "request_id": "abc-1",
        "level": "info",
    }


@pytest.mark.parametrize(("status", "level"), [(200, None), (404, None), (503, "warning"), (500, "error")])
def test_a_request_that_failed_is_told_with_its_severity(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, status: int, level: str | None
) -> None:
    caplog.set_level(logging.WARNING)  # a service whose operator wants to hear of failures alone

    log_request("abc-1", "GET", "/", status, 1.0)

    told = [json.loads(line)["level"] for line in capsys.readouterr().err.splitlines()]
    assert told == ([] if level is None else [level])
