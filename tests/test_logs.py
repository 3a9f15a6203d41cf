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
