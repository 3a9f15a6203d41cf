"""What is told before a job is asked for: its cost, what is left of the limits, and whether it would be refused."""

from __future__ import annotations

from typing import Any

import pytest
import shapely
from fastapi.testclient import TestClient
from shapely.affinity import translate

from app import access, aoi, jobs, workers
from app.database import sessions
from tests import samples
from tests.api.test_jobs import compute_its_block
from tests.api.test_processes import AREA, LARGE, PROCESS, execute
from tests.conftest import forget_settings

ASKED = {"aoi": AREA, "model": "tiny"}
KM2 = 49.6**2 / 1e6  # of AREA


def estimate(client: TestClient, inputs: dict[str, Any], **headers: str) -> dict[str, Any]:
    answer = client.post(f"{PROCESS}/estimate", json={"inputs": inputs}, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _shifted(east_m: float) -> dict[str, Any]:
    """AREA, so many metres to the east."""
    metres = aoi.to_grid_crs(shapely.geometry.shape(AREA), 2154)
    moved: dict[str, Any] = shapely.geometry.mapping(aoi.from_grid_crs(translate(metres, east_m), 2154))
    return moved


def test_blocks_that_are_there_are_told_and_the_time_is_that_of_the_others(service: TestClient) -> None:
    with sessions().write() as session:
        workers.register(session, "w", host="h", device="cpu", queues=["gpu", "cpu"])
        workers.beat(session, "w", seconds_per_block={"tiny": 8.0}, tallies={}, out_of_service=None)
    before = estimate(service, ASKED)
    compute_its_block(execute(service, ASKED).json()["jobID"])
    after = estimate(service, ASKED)

    assert before["blocks"] == {"total": 1, "ready": 0, "to_compute": 1}
    assert (before["workers"], before["px_per_s"], before["seconds"]) == (1, 2048 * 2048 // 8, 8.0)
    assert before["fetching"] == []
    assert after["blocks"] == {"total": 1, "ready": 1, "to_compute": 0}
    assert after["seconds"] == 0.0


def test_the_share_that_has_imagery_is_told_in_estimate_status_and_request(service: TestClient) -> None:
    # AREA lies 0.8 m inside imagery of 51.2 m: moved by 25.6 m, half of it (24.8 of 49.6 m) is outside.
    half = {"aoi": _shifted(25.6), "model": "tiny"}

    estimated = estimate(service, half)
    job = execute(service, half).json()

    assert estimated["coverage"] == pytest.approx(0.5, abs=1e-4)
    assert job["coverage"] == estimated["coverage"]
    assert service.get(f"/api/jobs/{job['jobID']}").json()["coverage"] == estimated["coverage"]
    with sessions().read() as session:
        assert jobs.get(session, job["jobID"]).coverage == estimated["coverage"]


@pytest.mark.parametrize("door", ["execution", "estimate"])
def test_an_area_without_any_imagery_is_refused(service: TestClient, door: str) -> None:
    beside = {"inputs": {"aoi": _shifted(50.5), "model": "tiny"}}  # 0.1 m east of the last pixel

    answer = service.post(f"{PROCESS}/{door}", json=beside)

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:cosia:problem:aoi-outside")


def test_an_area_that_is_too_large_is_measured_and_told_in_the_words_of_the_refusal(service: TestClient) -> None:
    refused = execute(service, {"aoi": LARGE, "model": "tiny"}).json()

    estimated = estimate(service, {"aoi": LARGE, "model": "tiny"})

    assert estimated["area_m2"] == pytest.approx(aoi.area_m2(shapely.geometry.shape(LARGE), 2154), rel=0.01)
    assert (estimated["blocks"], estimated["seconds"]) == (None, None)
    told = estimated["would_be_refused"]
    assert {name: told[name] for name in ("type", "status", "detail")} == {
        name: refused[name] for name in ("type", "status", "detail")
    }


def _told_and_refused(client: TestClient) -> dict[str, Any]:
    """What the estimate says, after comparing it with what the execution answers."""
    told = estimate(client, ASKED)["would_be_refused"]
    answer = execute(client, ASKED)
    refused = answer.json()
    assert (told["type"], told["status"], told["detail"]) == (refused["type"], refused["status"], refused["detail"])
    assert answer.headers["retry-after"] == str(told["retry_after_s"])
    found: dict[str, Any] = told
    return found


def test_too_many_jobs_are_told_before(service: TestClient) -> None:
    for _ in range(3):
        execute(service, ASKED)

    told = _told_and_refused(service)

    assert (told["status"], "the limit is 3" in told["detail"]) == (429, True)


def test_a_quota_of_area_that_is_used_up_is_told_before(service: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSIA_KM2_PER_DAY", str(1.5 * KM2))
    forget_settings()
    first = estimate(service, ASKED)
    execute(service, ASKED)

    told = _told_and_refused(service)

    assert first["would_be_refused"] is None
    assert first["quota"]["km2_per_day"]["left_after"] == pytest.approx(0.5 * KM2)
    assert (told["status"], told["retry_after_s"]) == (429, 86_400)
    assert "in the last 24 hours" in told["detail"]


def test_a_full_queue_is_told_before(service: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSIA_QUEUE_LENGTH", "1")
    forget_settings()
    execute(service, ASKED)

    told = _told_and_refused(service)

    assert (told["status"], told["type"]) == (503, "urn:cosia:problem:queue-full")


def test_answers_of_execution_tell_what_is_left(service: TestClient) -> None:
    first = execute(service, ASKED)
    for _ in range(2):
        execute(service, ASKED)
    refused = execute(service, ASKED)

    most_m2, left_m2 = 500_000_000, int(500_000_000 - first.json()["area_m2"])
    assert first.headers["ratelimit-policy"] == (
        f'"active-jobs";q=3;qu="concurrent-requests", "area";q={most_m2};w=86400;qu="square-metres"'
    )
    assert first.headers["ratelimit"].startswith(f'"active-jobs";r=2, "area";r={left_m2};t=')
    assert refused.status_code == 429
    assert refused.headers["ratelimit"].startswith('"active-jobs";r=0, "area";r=')


def test_the_landing_page_tells_a_caller_its_own_limits_and_what_is_used(service: TestClient) -> None:
    execute(service, ASKED)
    with sessions().write() as session:
        town = access.add(session, "town", active_jobs=50, km2_per_day=2.5).text
        operator = access.add(session, "operations", operator=True).text

    def limits(**headers: str) -> dict[str, Any]:
        found: dict[str, Any] = service.get("/api", headers=headers).json()["limits"]
        return found

    anonymous = limits()
    assert (anonymous["km2_per_day"], anonymous["active_jobs"]) == (500.0, 3)
    assert anonymous["yours"]["active_jobs"] == {"limit": 3, "used": 1, "left": 2}
    assert anonymous["yours"]["km2_per_day"]["used"] == pytest.approx(KM2)
    assert limits(**{"X-API-Key": town})["yours"] == {
        "active_jobs": {"limit": 50, "used": 0, "left": 50},
        "km2_per_day": {"limit": 2.5, "used": 0.0, "left": 2.5},
    }
    assert limits(**{"X-API-Key": operator})["yours"]["active_jobs"] == {"limit": None, "used": 0, "left": None}


def test_the_landing_page_is_there_without_the_database(service: TestClient, data_folder: Any) -> None:
    sessions().engine.dispose()
    (data_folder / "cosia.sqlite").rename(data_folder / "away.sqlite")
    (data_folder / "cosia.sqlite").mkdir()

    answer = service.get("/api")

    assert (answer.status_code, answer.json()["limits"]["yours"]) == (200, None)


def test_a_key_may_choose_to_be_urgent_and_others_may_not(service: TestClient) -> None:
    with sessions().write() as session:
        key = access.add(session, "town").text

    urgent = execute(service, {**ASKED, "priority": 0}, **{"X-API-Key": key})
    refused = execute(service, {**ASKED, "priority": 0})
    patient = execute(service, {**ASKED, "priority": 2})

    with sessions().read() as session:
        assert jobs.get(session, urgent.json()["jobID"]).priority == 0
        assert jobs.get(session, patient.json()["jobID"]).priority == 2
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:cosia:problem:forbidden")


@pytest.mark.parametrize("priority", [-1, 3, 1.0, "1", True, None, [1]])
def test_a_priority_that_is_none_is_refused(service: TestClient, priority: object) -> None:
    answer = execute(service, {**ASKED, "priority": priority})

    assert (answer.status_code, answer.json()["parameter"]) == (400, "priority")


def test_the_share_of_an_area_with_imagery_needs_every_band(service: TestClient) -> None:
    from app import imagery
    from app.definitions import Band

    with sessions().read() as session:
        inside = samples.lonlat_box(samples.CELL, samples.CELL, inset_m=190)
        assert imagery.covered_share(session, "town", tuple(Band), inside) == 1.0
        whole = samples.lonlat_box(samples.CELL, samples.CELL, inset_m=0)
        assert imagery.covered_share(session, "town", (Band.R,), whole) == pytest.approx((51.2 / 409.6) ** 2, rel=1e-6)
