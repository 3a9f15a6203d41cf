"""The logs of a job (G8): every line is one JSON object, and one id leads from a request to the block it came to."""

from __future__ import annotations

import json
import signal
from typing import Any

from tests.faults.stack import Stack
from tests.faults.territory import Area

REQUEST_ID = "complaint-1234"


def lines(text: str) -> list[dict[str, Any]]:
    """Raises where one is no JSON object."""
    return [json.loads(line) for line in text.splitlines()]


def test_the_id_of_a_request_is_in_the_lines_of_the_workers_that_did_it(sqlite_stack: Stack) -> None:
    stack = sqlite_stack
    web, worker = stack.start_web(), stack.start_worker()
    body = {"inputs": {"aoi": Area(columns=2).geometry(), "source": "ortho", "model": "tiny"}}
    answer = web.ask(
        "/api/processes/predict-land-cover/execution",
        "POST",
        json.dumps(body).encode(),
        Content_Type="application/json",
        X_Request_ID=REQUEST_ID,
    )
    job = str(answer.document["jobID"])
    assert stack.wait(job) == ["successful"]
    worker.send(signal.SIGTERM)
    stack.wait_until_dead(worker, 0)

    told = [line for line in lines(worker.log()) if line.get("job_id") == job]
    done = [line for line in told if line["event"] == "block_done"]

    assert answer.headers["x-request-id"] == REQUEST_ID
    assert any(
        line.get("request_id") == REQUEST_ID and line["event"] == "request" for line in lines(web.log.read_text())
    )
    assert len({line["block"] for line in done}) == 2
    assert {line["request_id"] for line in told} == {REQUEST_ID}
    assert "job_successful" in {line["event"] for line in told}
