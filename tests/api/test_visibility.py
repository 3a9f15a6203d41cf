"""Who sees a job: its owner, whoever has its permalink, and nobody else; on every route there is."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from app import jobs
from app.access import Caller, anonymous
from app.database import JobRow, Sessions, sessions
from app.errors import JobUnknown
from tests import samples
from tests.api.test_jobs import compute_its_block, finish
from tests.api.test_processes import AREA, execute

UNKNOWN = "0" * 32


@pytest.fixture
def job(service: TestClient) -> JobRow:
    """A successful prediction of the test client, its block and areas.json there."""
    asked = {"aoi": AREA, "model": "tiny", "outputs": ["areas", "tiles"]}
    answer: dict[str, Any] = execute(service, asked).json()
    compute_its_block(answer["jobID"])
    finish(answer["jobID"], areas=f"jobs/{answer['jobID']}/areas.json")
    with sessions().read() as session:
        return jobs.get(session, answer["jobID"])


def _give_away() -> None:
    with sessions().write() as session:
        session.execute(update(JobRow).values(owner="address:192.0.2.7"))


def _routes(client: TestClient) -> list[tuple[str, str]]:
    """(method, path) of every documented operation on one job, a finished tile and a file that is there in the path."""
    paths: dict[str, Any] = client.get("/api/openapi.json").json()["paths"]
    values = {"file": "areas.json", "z": "10", "x": "521", "y": "373"}
    return [
        (method.upper(), path.replace("{jobID}", "{{jobID}}").format(**values))
        for path, operations in paths.items()
        if "{jobID}" in path
        for method in operations
    ]


def test_on_every_route_a_job_of_somebody_else_is_an_unknown_one(service: TestClient, job: JobRow) -> None:
    _give_away()
    routes = _routes(service)
    assert {path.removeprefix("/api/jobs/{jobID}").partition("/")[0] for _, path in routes} == {""}
    assert len(routes) >= 9

    for method, path in routes:
        answers = [
            service.request(method, path.replace("{jobID}", job_id), headers={"X-Request-ID": "same"})
            for job_id in (job.id, UNKNOWN, "x" * 10_000, "' OR 1=1 --", "%00")
        ]

        first = answers[0]
        assert first.status_code == 404, (method, path)
        for answer in answers:
            assert (answer.status_code, answer.content, answer.headers) == (404, first.content, first.headers), path


def test_the_permalink_lets_anybody_read_and_do_no_more(service: TestClient, job: JobRow) -> None:
    _give_away()

    seen = {
        (method, path): service.request(method, path.replace("{jobID}", job.permalink))
        for method, path in _routes(service)
    }

    for (method, path), answer in seen.items():
        changes = method != "GET" or path.endswith("/layer")
        assert (answer.status_code == 404) == changes, (method, path)
        assert job.id not in answer.text + str(answer.headers)
    assert seen["GET", "/api/jobs/{jobID}"].json()["jobID"] == job.permalink
    assert service.get("/api/jobs").json()["jobs"] == []


def test_links_to_data_need_no_owner(service: TestClient, job: JobRow) -> None:
    status = service.get(f"/api/jobs/{job.id}").json()
    results = service.get(f"/api/jobs/{job.id}/results").json()
    links = {link["rel"]: link["href"] for link in status["links"]}
    assert links["self"].endswith(job.id)
    _give_away()

    for href in (links["alternate"], links["tiles"], links["bookmark"], results["tiles"]["href"]):
        assert service.get(href).status_code == 200, href
    assert service.get(results["areas"]["href"]).status_code == 410  # seen, but no worker wrote it


def test_a_caller_s_own_jobs_are_those_of_its_owner_or_all_for_an_operator(sessions: Sessions) -> None:
    job = jobs.submit(sessions, samples.request(owner="key:town"), samples.LIMITS)
    anybody, operator = anonymous("192.0.2.1"), Caller("key:operations", operator=True)

    with sessions.read() as session:
        assert jobs.own(session, job.id, Caller("key:town")).id == job.id
        assert jobs.own(session, job.id, operator).id == job.id
        assert jobs.seen_by(session, job.permalink, anybody).shown_id == job.permalink
        for look in (jobs.own, jobs.seen_by):
            with pytest.raises(JobUnknown):
                look(session, job.id, anybody)
        with pytest.raises(JobUnknown):
            jobs.own(session, job.permalink, operator)
