"""The process: its description, its estimate, its execution, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
import shapely
from fastapi.testclient import TestClient

from tests import samples

PROCESS = "/api/processes/predict-land-cover"
AREA = shapely.geometry.mapping(samples.lonlat_box(samples.CELL, samples.CELL, inset_m=180))  # 49.6 m on each side
BOW_TIE = {
    "type": "Polygon",
    "coordinates": [[[3.262, 43.556], [3.263, 43.557], [3.263, 43.556], [3.262, 43.557], [3.262, 43.556]]],
}


def execute(service: TestClient, inputs: dict[str, Any], **headers: str) -> Any:
    return service.post(f"{PROCESS}/execution", json={"inputs": inputs}, headers=headers)


def test_the_description_names_the_sources_and_models_there_are(service: TestClient) -> None:
    inputs = service.get(PROCESS).json()["inputs"]

    assert inputs["source"]["schema"]["enum"] == ["town"]
    assert inputs["source"]["schema"]["default"] == "town"
    assert "tiny" in inputs["model"]["schema"]["enum"]
    source = inputs["source"]["cosia:choices"][0]
    assert (source["title"], source["cosia:resolution_m"]) == ("Town", 0.2)


def test_the_description_names_outputs_and_comparisons_in_words(service: TestClient) -> None:
    inputs = service.get(PROCESS).json()["inputs"]

    outputs = {each["value"]: each for each in inputs["outputs"]["cosia:choices"]}
    assert list(outputs) == inputs["outputs"]["schema"]["items"]["enum"]
    assert outputs["report"]["title"] == "Report: map, areas, method, known weaknesses"
    assert outputs["report"]["cosia:french"]["title"].startswith("Rapport")
    assert not outputs["polygons"]["cosia:default"]
    assert [name for name, each in outputs.items() if each["cosia:compares"]] == ["changes", "changes_csv"]
    assert {"value": {"source": "town"}, "title": "Town"} in inputs["compare"]["cosia:choices"]
    assert {each["value"]: each["cosia:passes"] for each in inputs["augmentation"]["cosia:choices"]} == {
        "none": 1,
        "flips": 4,
        "d4": 8,
    }


def test_an_unknown_process_is_the_standard_s_exception(service: TestClient) -> None:
    answer = service.get("/api/processes/other")

    assert answer.status_code == 404
    assert answer.json()["type"].endswith("ogcapi-processes-1/1.0/no-such-process")


def test_asking_with_an_area_alone_makes_a_job(service: TestClient) -> None:
    answer = execute(service, {"aoi": AREA, "model": "tiny"})

    job = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"http://127.0.0.1:8000/api/jobs/{job['jobID']}"
    assert (job["status"], job["source"]) == ("accepted", "town")
    assert "classes" in job["outputs"]
    assert "polygons" not in job["outputs"]
    assert job["blocks"] == {"total": 1, "done": 0, "failed": 0, "reused": 0}
    assert job["area_m2"] == pytest.approx(49.6**2, rel=1e-6)


def test_the_same_idempotency_key_gives_the_same_job(service: TestClient) -> None:
    headers = {"Idempotency-Key": "abc"}
    first = service.post(f"{PROCESS}/execution", json={"inputs": {"aoi": AREA, "model": "tiny"}}, headers=headers)
    second = service.post(f"{PROCESS}/execution", json={"inputs": {"aoi": AREA, "model": "tiny"}}, headers=headers)
    other = service.post(
        f"{PROCESS}/execution", json={"inputs": {"aoi": AREA, "model": "tiny", "outputs": ["areas"]}}, headers=headers
    )

    assert first.json()["jobID"] == second.json()["jobID"]
    assert other.status_code == 409


def test_an_estimate_counts_blocks_and_creates_nothing(service: TestClient) -> None:
    answer = service.post(f"{PROCESS}/estimate", json={"inputs": {"aoi": AREA, "model": "tiny"}})

    area_m2 = pytest.approx(49.6**2, rel=1e-6)
    left_km2 = pytest.approx(500 - 49.6**2 / 1e6)
    assert answer.json() == {
        "area_m2": area_m2,
        "coverage": 1.0,
        "limit_km2": 1.0,
        "blocks": {"total": 1, "ready": 0, "to_compute": 1},
        "price": {"passes": 1, "factor": 1.0, "measured": False},
        "fetching": [],
        "workers": 0,
        "px_per_s": None,
        "queue": {"jobs_ahead": 0, "blocks_ahead": 0},
        "seconds": None,
        "quota": {
            "active_jobs": {"limit": 3, "used": 0, "left": 3, "left_after": 2},
            "km2_per_day": {"limit": 500.0, "used": 0.0, "left": 500.0, "left_after": left_km2},
        },
        "would_be_refused": None,
    }
    assert service.get("/api/jobs").json()["jobs"] == []


FAR_AWAY = shapely.geometry.mapping(shapely.box(-1.0, 48.0, -0.999, 48.001))
LARGE = shapely.geometry.mapping(shapely.box(3.25, 43.55, 3.27, 43.57))
MANY = shapely.geometry.mapping(shapely.Point(3.2622, 43.5574).buffer(0.0001, quad_segs=60))


@pytest.mark.parametrize(
    ("inputs", "problem", "says"),
    [
        ({"aoi": BOW_TIE}, "aoi-invalid", "3.2625, 43.5565"),
        ({"aoi": FAR_AWAY}, "aoi-outside", "outside imagery source 'town'"),
        ({"aoi": MANY}, "aoi-invalid", "the limit is 200"),
        ({"aoi": "here"}, "aoi-invalid", "GeoJSON"),
        ({}, "parameter-invalid", "inputs"),
        ({"aoi": AREA, "model": "no"}, "parameter-invalid", "there is no such model; ready to use: "),
        ({"aoi": AREA, "model": ["tiny"]}, "parameter-invalid", "there is no such model"),
        ({"aoi": AREA, "source": "no"}, "parameter-invalid", "there is no such imagery source; known: town"),
        ({"aoi": AREA, "outputs": ["pdf"]}, "parameter-invalid", "outputs must be a list of some of classes"),
        ({"aoi": AREA, "outputs": []}, "parameter-invalid", "outputs must be a list"),
        ({"aoi": AREA, "outputs": [{}]}, "parameter-invalid", "outputs must be a list"),
        ({"aoi": AREA, "resolution": 1}, "parameter-invalid", "unknown input 'resolution'"),
    ],
)
@pytest.mark.parametrize("door", ["execution", "estimate"])
def test_wrong_inputs_are_refused_with_what_is_allowed(
    service: TestClient, door: str, inputs: dict[str, Any], problem: str, says: str
) -> None:
    answer = service.post(f"{PROCESS}/{door}", json={"inputs": {"model": "tiny", **inputs}})

    body = answer.json()
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"urn:cosia:problem:{problem}"
    assert says in body["detail"]
    assert body["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"", "application/json", 400),
        (b"not JSON", "application/json", 400),
        (b"[1]", "application/json", 400),
        (b"\xff\xfe{}", "application/json", 400),
        (b"\xef\xbb\xbf{}", "application/json", 400),
        (b'{"inputs": {"aoi": NaN}}', "application/json", 400),
        (b"[" * 200_000, "application/json", 400),
        (b'{"inputs": ' + b"1" * 5000 + b"}", "application/json", 400),
        (b"inputs=1", "application/x-www-form-urlencoded", 415),
        (b"{" + b" " * 3_000_000 + b"}", "application/json", 413),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(
    service: TestClient, content: bytes, content_type: str, status: int
) -> None:
    answer = service.post(f"{PROCESS}/execution", content=content, headers={"Content-Type": content_type})

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_endless_body_without_a_length_is_cut_at_the_limit(service: TestClient) -> None:
    sent = 0

    def endless() -> Any:
        nonlocal sent
        while sent < 10_000_000:
            sent += 100_000
            yield b" " * 100_000

    answer = service.post(f"{PROCESS}/execution", content=endless(), headers={"Content-Type": "application/json"})

    assert answer.status_code == 413


def test_one_owner_has_so_many_active_jobs_and_no_more(service: TestClient) -> None:
    answers = [execute(service, {"aoi": AREA, "model": "tiny"}) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert int(answers[3].headers["retry-after"]) > 0


def test_a_request_id_of_the_caller_is_kept_and_a_wild_one_replaced(service: TestClient) -> None:
    assert service.get("/healthz", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert "<" not in service.get("/healthz", headers={"X-Request-ID": "<script>"}).headers["x-request-id"]


@pytest.mark.parametrize("path", ["/healthz", "/api/nothing", "/api"])
def test_every_answer_carries_the_security_headers(service: TestClient, path: str) -> None:
    headers = service.get(path).headers

    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors" in headers["content-security-policy"]
    assert "referrer-policy" in headers


def test_the_landing_page_tells_the_limits_and_links_only_to_the_public_address(service: TestClient) -> None:
    landing = service.get("/api", headers={"Host": "evil.example"}).json()

    assert landing["limits"]["aoi_km2"] == 1.0
    assert all(link["href"].startswith("http://127.0.0.1:8000/") for link in landing["links"])
