"""Areas of interest in every form that is one, their limits, and asking twice; those that are none: tests/faults."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient

from app import jobs
from app.api.bodies import parse_json
from app.database import sessions
from app.errors import Invalid
from tests.api.test_processes import AREA, PROCESS, execute
from tests.conftest import forget_settings

EXECUTION = f"{PROCESS}/execution"
RING: list[list[float]] = shapely.geometry.mapping(shapely.geometry.shape(AREA))["coordinates"][0]
MIDDLE = np.mean(RING[:-1], 0)
HOLE: list[list[float]] = (MIDDLE + (np.array(RING) - MIDDLE) / 2).tolist()
"""A quarter of the area."""


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def feature(geometry: object, **members: object) -> dict[str, Any]:
    return {"type": "Feature", "properties": {}, "geometry": geometry, **members}


def post(client: TestClient, text: str | bytes, **headers: str) -> Any:
    return client.post(EXECUTION, content=text, headers={"Content-Type": "application/json", **headers})


def is_refused(answer: Any, *statuses: int) -> bool:
    """A problem document that says something, and nothing of our insides."""
    body = answer.json()
    return (
        answer.status_code in (statuses or (400,))
        and answer.headers["content-type"] == "application/problem+json"
        and {"type", "title", "status", "detail", "request_id"} <= set(body)
        and len(answer.content) < 16_000
        and not any(word in answer.text for word in ("Traceback", "simdjson", "shapely", "/app/"))
    )


@pytest.mark.parametrize(
    "geojson",
    [
        AREA,
        feature(AREA),
        feature(AREA, properties={"name": None, "tags": [1, "x", {"a": True}]}, id=7),
        {"type": "FeatureCollection", "features": [feature(AREA)]},
        {"type": "MultiPolygon", "coordinates": [[RING]]},
        polygon([[*position, 120.5] for position in RING]),
        polygon([[*position, 120.5, 7] for position in RING]),
        polygon([[*RING[0], 1.0], *RING[1:-1], RING[-1]]),
    ],
)
def test_every_way_to_write_an_area_is_accepted(service: TestClient, geojson: dict[str, Any]) -> None:
    answer = execute(service, {"aoi": geojson, "model": "tiny"})

    assert answer.status_code == 201, answer.text
    assert answer.json()["area_m2"] == pytest.approx(49.6**2, rel=1e-6)


def test_a_hole_is_no_part_of_the_area(service: TestClient) -> None:
    answer = execute(service, {"aoi": polygon(RING, HOLE), "model": "tiny"})

    assert answer.json()["area_m2"] == pytest.approx(0.75 * 49.6**2, rel=1e-6)


def _circle(vertices: int) -> dict[str, Any]:
    """A ring of so many positions, the last being the first."""
    angles = np.linspace(0, 2 * np.pi, vertices)
    x, y = np.mean(RING, 0)
    ring = np.column_stack([x + 2e-4 * np.cos(angles), y + 1.5e-4 * np.sin(angles)])
    ring[-1] = ring[0]
    return polygon(ring.tolist())


def test_as_many_vertices_as_allowed_are_accepted_and_one_more_is_not(
    service: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIA_AOI_VERTICES", "10000")
    forget_settings()

    assert execute(service, {"aoi": _circle(10_000), "model": "tiny"}).status_code == 201
    more = execute(service, {"aoi": _circle(10_001), "model": "tiny"})
    assert is_refused(more)
    assert "10001 vertices, the limit is 10000" in more.json()["detail"]
    many = post(service, b'{"inputs": {"aoi": [' + b",".join([b"[1,2]"] * 320_000) + b"]}}")
    assert is_refused(many)
    assert "an area may have 10000 vertices" in many.json()["detail"]


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd"])
def test_an_encoded_body_is_not_unpacked(service: TestClient, encoding: str) -> None:
    assert is_refused(post(service, b"\x1f\x8b", **{"Content-Encoding": encoding}), 415)


def test_the_same_key_twenty_times_at_once_is_one_job(service: TestClient) -> None:
    body = {"inputs": {"aoi": AREA, "model": "tiny"}}

    def ask(_: int) -> str:
        answer = service.post(EXECUTION, json=body, headers={"Idempotency-Key": "once"})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["jobID"])

    with ThreadPoolExecutor(8) as senders:
        ids = set(senders.map(ask, range(20)))

    assert len(ids) == 1
    assert len(service.get("/api/jobs").json()["jobs"]) == 1


def test_a_key_belongs_to_its_owner_and_to_its_request(service: TestClient) -> None:
    from app import access

    with sessions().write() as session:
        key = access.add(session, "town").text
    mine = execute(service, {"aoi": AREA, "model": "tiny"}, **{"Idempotency-Key": "k"})

    theirs = execute(service, {"aoi": AREA, "model": "tiny"}, **{"Idempotency-Key": "k", "X-API-Key": key})
    other = execute(service, {"aoi": AREA, "model": "tiny", "outputs": ["areas"]}, **{"Idempotency-Key": "k"})

    assert theirs.status_code == 201
    assert theirs.json()["jobID"] != mine.json()["jobID"]
    assert is_refused(other, 409)


@pytest.mark.parametrize("key", ["x" * 10_000, "two words", "é".encode().decode("latin-1")])
def test_a_key_that_is_none_is_refused(service: TestClient, key: str) -> None:
    answer = service.post(
        EXECUTION,
        json={"inputs": {"aoi": AREA, "model": "tiny"}},
        headers={b"Idempotency-Key": key.encode("latin-1")},  # type: ignore[arg-type]
    )

    assert is_refused(answer)
    assert service.get("/api/jobs").json()["jobs"] == []


def test_a_job_s_area_is_that_of_its_estimate_and_of_its_row(service: TestClient) -> None:
    inputs = {"aoi": AREA, "model": "tiny"}
    estimated = service.post(f"{PROCESS}/estimate", json={"inputs": inputs}).json()["area_m2"]
    job = execute(service, inputs).json()

    with sessions().read() as session:
        kept = jobs.get(session, job["jobID"]).area_m2
    assert estimated == job["area_m2"] == kept


def test_json_is_read_as_the_standard_library_reads_it() -> None:
    text = (
        '{"a": [1, 2.5, -0.0, 1e-7, "\\u00e9\\n", null, true, [], {}, [{"b": [[1, 2], [3, 4]]}]],'
        ' "": {"é": 18446744073709551615}}'
    )

    assert parse_json(text.encode()) == json.loads(text)
    assert json.dumps(parse_json(text.encode())) == json.dumps(json.loads(text))


def test_a_fault_of_json_is_told_with_its_place() -> None:
    with pytest.raises(Invalid, match=r"\(line 2, column 6\)"):
        parse_json(b'{\n "a" 1}')
