"""Jobs over HTTP: status, events, dismissal, results, previews; no worker runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app import blocks, jobs
from app.database import sessions
from app.outputs import write_block
from app.storage import storage
from tests import samples
from tests.api.test_processes import AREA, execute


@pytest.fixture
def job_id(service: TestClient) -> str:
    outputs = ["classes", "categories", "confidence", "areas", "tiles"]
    job: dict[str, Any] = execute(service, {"aoi": AREA, "model": "tiny", "outputs": outputs}).json()
    return str(job["jobID"])


def compute_its_block(job_id: str) -> None:
    """What a worker would leave: one class everywhere."""
    with sessions().write() as session:
        (claim,) = jobs.claim_blocks(session, job_id, owner="a", limit=1, lease_s=60, most_attempts=3)
    classes = np.full((2048, 2048), 8, np.uint8)
    with storage().writing(blocks.block_href(claim.key)) as path:
        write_block(path, classes, classes, samples.GRID.block(claim.cell))
    with sessions().write() as session:
        href = blocks.block_href(claim.key)
        blocks.complete(session, claim, href=href, sha256="0" * 64, histogram={"8": 2048 * 2048}, seconds=1.0)
        jobs.block_ended(session, claim.key, jobs.block_bbox(claim.epsg, claim.cell))


def permalink_of(job_id: str) -> str:
    with sessions().read() as session:
        return f"http://127.0.0.1:8000/api/jobs/{jobs.get(session, job_id).permalink}"


def finish(job_id: str, **hrefs: str) -> None:
    with sessions().write() as session:
        jobs.succeed(session, job_id, hrefs)


def test_a_status_is_the_standard_s_and_ours(service: TestClient, job_id: str) -> None:
    status = service.get(f"/api/jobs/{job_id}").json()

    assert (status["type"], status["processID"], status["status"]) == ("process", "predict-land-cover", "accepted")
    assert (status["progress"], status["queue_position"]) == (0, 0)
    assert status["aoi"]["type"] == "Polygon"
    assert status["created"].endswith("Z")


@pytest.mark.parametrize("name", ["unknown", "..%2f..%2fetc", "%00", "%0d%0a", "{}", "a" * 65, "' OR 1=1 --"])
@pytest.mark.parametrize("rest", ["", "/results", "/results/classes.tif", "/events", "/tiles/10/0/0.png"])
def test_a_job_that_is_not_there_is_refused_alike_everywhere(service: TestClient, name: str, rest: str) -> None:
    answer = service.get(f"/api/jobs/{name}{rest}")

    assert answer.status_code in (400, 404)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_dismissed_job_says_so_and_stays_so(service: TestClient, job_id: str) -> None:
    assert service.delete(f"/api/jobs/{job_id}").json()["status"] == "dismissed"
    assert service.delete(f"/api/jobs/{job_id}").status_code == 200
    assert service.get(f"/api/jobs/{job_id}").json()["status"] == "dismissed"


def test_a_finished_job_cannot_be_dismissed(service: TestClient, job_id: str) -> None:
    finish(job_id)

    assert service.delete(f"/api/jobs/{job_id}").status_code == 409


def test_results_before_the_end_are_not_ready(service: TestClient, job_id: str) -> None:
    answer = service.get(f"/api/jobs/{job_id}/results")

    assert answer.status_code == 404
    assert answer.json()["type"].endswith("result-not-ready")


def test_results_are_links_to_files_that_can_be_read_in_ranges(service: TestClient, job_id: str) -> None:
    hrefs = {name: f"jobs/{job_id}/{file}" for name, file in
             {"classes": "classes.tif", "categories": "classes.tif.aux.xml", "confidence": "confidence.tif",
              "areas": "areas.json"}.items()}  # fmt: skip
    for href in hrefs.values():
        with storage().writing(href) as path:
            path.write_bytes(b"0123456789")
    finish(job_id, **hrefs)

    results = service.get(f"/api/jobs/{job_id}/results").json()

    assert sorted(results) == ["areas", "categories", "classes", "confidence", "tiles"]
    assert results["classes"]["href"] == f"{permalink_of(job_id)}/results/classes.tif"
    assert results["categories"]["href"] == results["classes"]["href"] + ".aux.xml"
    part = service.get(results["classes"]["href"], headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")
    assert service.get(f"/api/jobs/{job_id}/results/other.tif").status_code == 404


def test_a_result_whose_file_is_gone_is_not_available(service: TestClient, job_id: str) -> None:
    finish(job_id, areas=f"jobs/{job_id}/areas.json")

    assert service.get(f"/api/jobs/{job_id}/results/areas.json").status_code == 503


def test_the_preview_fills_in_as_blocks_are_done(service: TestClient, job_id: str) -> None:
    west, _, _, north = jobs.block_bbox(2154, samples.CELL)
    z, x, y = 18, int((west + 0.001 + 180) / 360 * 2**18), 0
    y = int((1 - np.arcsinh(np.tan(np.radians(north - 0.001))) / np.pi) / 2 * 2**18)
    address = f"/api/jobs/{job_id}/tiles/{z}/{x}/{y}.png"
    assert service.get(address).status_code == 204

    compute_its_block(job_id)

    assert service.get(address).headers["content-type"] == "image/png"
    assert service.get(f"{address}?v=1").status_code == 200
    assert service.get(f"{address}?style=x").status_code == 400


@pytest.mark.parametrize("tile", ["99/0/0", "-1/0/0", "2/4/0", "2/0/4", "1e3/0/0", "٣/0/0", "2/0x1/0"])
def test_a_tile_that_does_not_exist_is_refused(service: TestClient, job_id: str, tile: str) -> None:
    assert service.get(f"/api/jobs/{job_id}/tiles/{tile}.png").status_code in (400, 404)


def test_tilejson_points_to_the_preview(service: TestClient, job_id: str) -> None:
    document = service.get(f"/api/jobs/{job_id}/tiles/tilejson.json").json()

    assert document["tiles"] == [f"{permalink_of(job_id)}/tiles/{{z}}/{{x}}/{{y}}.png"]


def events_of(service: TestClient, job_id: str, **headers: str) -> list[tuple[str, str, dict[str, Any]]]:
    """(id, kind, data) of each event until the stream ends."""
    text = service.get(f"/api/jobs/{job_id}/events", headers=headers).text.replace("\r\n", "\n")
    events = []
    for chunk in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in chunk.splitlines() if line and not line.startswith(":"))
        if "data" in fields:
            events.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return events


def test_events_tell_the_blocks_and_end_with_the_job(service: TestClient, job_id: str) -> None:
    compute_its_block(job_id)
    finish(job_id)

    events = events_of(service, job_id)

    assert [kind for _, kind, _ in events] == ["block", "status"]
    assert events[0][2]["done"] == events[0][2]["total"] == 1
    assert events[1][2]["status"] == "successful"


def test_events_go_on_after_the_last_one_received(service: TestClient, job_id: str) -> None:
    compute_its_block(job_id)
    finish(job_id)
    first = events_of(service, job_id)[0][0]

    resumed = events_of(service, job_id, **{"Last-Event-ID": first})

    assert [kind for _, kind, _ in resumed] == ["status"]


def test_only_one_s_own_jobs_are_listed(service: TestClient, job_id: str) -> None:
    with sessions().write() as session:
        jobs.get(session, job_id).owner = "address:192.0.2.1"

    assert service.get("/api/jobs").json()["jobs"] == []


def test_without_the_database_jobs_answer_503_and_health_stays(
    service: TestClient, job_id: str, data_folder: Path
) -> None:
    sessions().engine.dispose()
    (data_folder / "cosia.sqlite").rename(data_folder / "away.sqlite")
    (data_folder / "cosia.sqlite").mkdir()

    answer = service.get(f"/api/jobs/{job_id}")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert str(data_folder) not in answer.text
    assert service.get("/healthz").status_code == 200
    assert service.get("/readyz").status_code == 503
