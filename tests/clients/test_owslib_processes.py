"""OWSLib's client of OGC API - Processes drives the running service: list, describe, execute, status, results."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests
from owslib.ogcapi.processes import Processes

from tests.service import Service

WITHIN_S = 180


@pytest.fixture
def client(running_service: Service) -> Processes:
    return Processes(f"{running_service.url}/api")


@pytest.fixture
def zone(client: Processes) -> dict[str, Any]:
    """A small square in the middle of the demonstration imagery."""
    source = client.process("predict-land-cover")["inputs"]["source"]["cosia:choices"][0]
    west, south, east, north = source["cosia:bbox"]
    x, y = (west + east) / 2, (south + north) / 2
    return {"bbox": [x - 2e-4, y - 2e-4, x + 2e-4, y + 2e-4]}


def test_owslib_finds_the_description_and_the_processes(client: Processes) -> None:
    assert client.api()["openapi"].startswith("3.0.")
    assert {"predict-land-cover", "measure-areas", "compare-layers"} <= {each["id"] for each in client.processes()}
    assert "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core" in client.conformance()["conformsTo"]


def test_owslib_reads_what_a_process_takes_and_gives(client: Processes) -> None:
    process = client.process("predict-land-cover")

    assert process["inputs"]["aoi"]["schema"]["oneOf"]
    assert process["outputs"]["areas"]["schema"]["contentMediaType"] == "application/json"


def test_owslib_predicts_an_area(client: Processes, zone: dict[str, Any]) -> None:
    outputs = {"areas": {"transmissionMode": "reference"}}
    job = client.execute("predict-land-cover", inputs={"aoi": zone}, outputs=outputs, async_=True)
    assert client.response_headers["Preference-Applied"] == "respond-async"
    location = client.response_headers["Location"]

    deadline = time.monotonic() + WITHIN_S
    status = job
    while status["status"] in ("accepted", "running") and time.monotonic() < deadline:
        time.sleep(0.5)
        status = requests.get(location, timeout=10).json()

    assert status["status"] == "successful"
    results = requests.get(f"{location}/results", timeout=10).json()
    areas = requests.get(results["areas"]["href"], timeout=10).json()
    assert sum(each["area_m2"] for each in areas["classes"]) == pytest.approx(status["area_m2"], rel=0.01)
