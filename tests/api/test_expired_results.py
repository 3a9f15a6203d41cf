"""A job whose results are gone says so on every route of theirs, and stays."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from app import jobs
from app.database import JobRow, sessions
from app.expiry import results
from app.storage import storage
from tests.api.test_jobs import compute_its_block, finish
from tests.api.test_processes import AREA, execute


@pytest.fixture
def job_id(service: TestClient) -> str:
    """A successful job with a file."""
    job_id = str(execute(service, {"aoi": AREA, "model": "tiny", "outputs": ["areas"]}).json()["jobID"])
    compute_its_block(job_id)
    with storage().writing(f"jobs/{job_id}/areas.json") as path:
        path.write_text("{}")
    finish(job_id, areas=f"jobs/{job_id}/areas.json")
    return job_id


def test_results_that_expired_are_gone_on_every_route_and_the_job_stays(service: TestClient, job_id: str) -> None:
    assert results.take_away(sessions(), storage(), job_id)

    for path in ("results", "results/areas.json"):
        answer = service.get(f"/api/jobs/{job_id}/{path}")
        assert answer.status_code == 410
        assert answer.json()["type"] == "urn:cosia:problem:result-expired"
        assert "ask for the same again" in answer.json()["detail"]
    layer = service.put(f"/api/jobs/{job_id}/layer")
    assert (layer.status_code, layer.json()["type"]) == (410, "urn:cosia:problem:result-expired")
    status = service.get(f"/api/jobs/{job_id}").json()
    assert (status["status"], status["progress"]) == ("successful", 100)
    assert all(link["rel"] != "http://www.opengis.net/def/rel/ogc/1.0/results" for link in status["links"])


def test_results_whose_file_is_missing_are_gone_as_soon_as_somebody_asks(service: TestClient, job_id: str) -> None:
    storage().remove(f"jobs/{job_id}")

    answers = [service.get(f"/api/jobs/{job_id}/{path}").status_code for path in ("results/areas.json", "results")]

    assert answers == [410, 410]


def test_a_storage_that_has_nothing_at_all_is_only_away(service: TestClient, job_id: str) -> None:
    storage().remove("jobs")
    storage().remove("blocks")

    answer = service.get(f"/api/jobs/{job_id}/results/areas.json")

    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    with sessions().read() as session:
        assert jobs.get(session, job_id).expired_at is None


def test_taking_a_result_counts_as_a_use(service: TestClient, job_id: str) -> None:
    with sessions().write() as session:
        session.execute(update(JobRow).values(used_at=1.0))

    assert service.get(f"/api/jobs/{job_id}/results/areas.json").status_code == 200

    with sessions().read() as session:
        assert jobs.get(session, job_id).used_at > 1.0
