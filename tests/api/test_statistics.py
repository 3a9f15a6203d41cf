"""Areas and changes in a polygon, over HTTP; where they are large, as jobs."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from pyproj import Transformer

from app.catalogue import Catalogue
from app.database import sessions
from app.definitions import Grid
from app.settings import settings
from app.storage import storage
from tests import published as layers
from tests.conftest import forget_settings
from tests.worker.watched import Watched
from worker.finalize import finalize

_TO_LONLAT = Transformer.from_crs(2154, 4326, always_xy=True)


def _lonlat(right_m: float, down_m: float) -> tuple[float, float]:
    """Of a point counted from the corner of the town."""
    lon, lat = _TO_LONLAT.transform(layers.LEFT + right_m, layers.TOP - down_m)
    return lon, lat


def _rectangle(left_m: float, top_m: float, right_m: float, bottom_m: float) -> dict[str, object]:
    corners = [(left_m, top_m), (right_m, top_m), (right_m, bottom_m), (left_m, bottom_m), (left_m, top_m)]
    return {"type": "Polygon", "coordinates": [[_lonlat(*corner) for corner in corners]]}


TOWN = _rectangle(-1.0, -1.0, 206.0, 206.0)
CORNER = _rectangle(10.05, 10.05, 20.05, 20.05)
"""Inside the limit of `two_vintages` for changes, 200 m²."""


@pytest.fixture
def two_vintages(
    published_folder: Path, tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    """A client of the application with `town` and `town-2024`, where some of the buildings became water.

    Settings: 400 m² are counted at once (200 m² for changes), 0.05 km² as a job; three active jobs.
    """
    data = shutil.copytree(published_folder, tmp_path / "data")
    for name, value in {
        "DATA": str(data),
        "REDIS_URL": redis_url,
        "AREAS_KM2": "0.0004",
        "STATISTICS_KM2": "0.05",
        "ACTIVE_JOBS": "3",
    }.items():
        monkeypatch.setenv(f"COSIA_{name}", value)
    forget_settings()
    values = layers.town_classes()
    values[:128, :512] = np.where(values[:128, :512] == layers.BUILDING, layers.WATER, 0)
    raster = layers.write_classes(tmp_path / "town-2024.tif", values)
    layers.publish_layer(sessions(), storage(), raster, layer_id="town-2024", vintage=2024, model="other")
    # Three windows wide.
    grid = Grid(2154, layers.LEFT, layers.TOP + 5000, 0.2, 6144, 16)
    wide = layers.write_classes(tmp_path / "wide.tif", np.full((16, 6144), layers.WATER, np.uint8), grid)
    layers.publish_layer(sessions(), storage(), wide, layer_id="wide")
    from app.main import create_app

    with TestClient(create_app(), base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield client


def work(job: dict[str, Any]) -> None:
    """What a worker does when it is rung."""
    catalogue = Catalogue(sessions(), storage(), 2.0)
    finalize(
        sessions(), storage(), settings(), job["jobID"], catalogue=catalogue, stop=threading.Event(), watchdog=Watched()
    )


def test_areas_count_the_pixels_inside_a_polygon(published: TestClient) -> None:
    # Edges lie between pixel centres (0.1 m + k * 0.2 m): columns 312-661, rows 52-151; trees begin at column 512.
    polygon = _rectangle(62.35, 10.35, 132.45, 30.45)
    answer = published.post("/api/collections/town/areas", json=polygon).json()

    by_code = {c["code"]: c["area_m2"] for c in answer["classes"]}
    assert by_code == {"batiment": pytest.approx(200 * 100 * 0.04), "feuillu": pytest.approx(150 * 100 * 0.04)}
    assert answer["area_m2"] == pytest.approx(sum(by_code.values()))
    assert sum(c["share"] for c in answer["classes"]) == pytest.approx(1)
    assert answer["asked_m2"] == pytest.approx(70.1 * 20.1, rel=1e-4)
    assert answer["resolution_m"] == 0.2


def test_areas_outside_of_the_layer_are_empty(published: TestClient) -> None:
    answer = published.post("/api/collections/town/areas", json=_rectangle(-90.0, 10.0, -20.0, 30.0)).json()

    assert (answer["area_m2"], answer["classes"]) == (0, [])


def test_areas_refuse_what_is_no_polygon(published: TestClient) -> None:
    answer = published.post("/api/collections/town/areas", json={"type": "Point", "coordinates": [3, 44]})

    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:cosia:problem:aoi-invalid"


def test_areas_state_their_rule(published: TestClient) -> None:
    answer = published.post("/api/collections/town/areas", json=TOWN).json()

    assert "when its centre lies inside" in answer["rule"]
    assert answer["nodata_m2"] == pytest.approx(102.4**2)
    assert answer["outside_m2"] == pytest.approx(207**2 - 204.8**2, rel=1e-3)


def test_changes_between_two_vintages_are_answered(two_vintages: TestClient) -> None:
    answer = two_vintages.post("/api/collections/town/changes?to=town-2024", json=CORNER)

    document = answer.json()
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert (document["from"]["vintage"], document["to"]["vintage"]) == (2021, 2024)
    assert [(t["from_code"], t["to_code"], t["area_m2"]) for t in document["transitions"]] == [
        ("batiment", "surface_eau", pytest.approx(100.0))
    ]
    assert document["changed_on_borders_share"] == 0
    assert "within 1 m" in document["border_rule"]
    assert "model tiny" in document["warnings"][0]


@pytest.mark.parametrize(
    ("query", "status", "word"),
    [
        ("to=town", 400, "itself"),
        ("to=none", 404, "no such layer"),
        ("", 400, "to"),
        ("to=town-2024&to=town", 400, "once"),
        ("to=town-2024&from=town", 400, "unknown query parameter"),
    ],
)
def test_changes_that_cannot_be_had_are_refused(two_vintages: TestClient, query: str, status: int, word: str) -> None:
    answer = two_vintages.post(f"/api/collections/town/changes?{query}", json=CORNER)

    assert answer.status_code == status
    assert word in answer.json()["detail"]


def test_a_large_area_becomes_a_job(two_vintages: TestClient) -> None:
    answer = two_vintages.post("/api/collections/town/areas", json=TOWN)

    job = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"http://127.0.0.1:8000/api/jobs/{job['jobID']}"
    assert (job["processID"], job["status"], job["progress"]) == ("measure-areas", "accepted", 0)
    assert job["inputs"] == {"layer": "town"}
    assert "blocks" not in job
    work(job)
    results = two_vintages.get(f"/api/jobs/{job['jobID']}/results").json()
    counted = two_vintages.get(results["areas"]["href"].removeprefix("http://127.0.0.1:8000")).json()
    assert {c["code"]: c["area_m2"] for c in counted["classes"]} == dict.fromkeys(
        ("batiment", "surface_eau", "feuillu"), pytest.approx(102.4**2)
    )


def test_large_changes_become_a_job(two_vintages: TestClient) -> None:
    job = two_vintages.post("/api/collections/town/changes?to=town-2024", json=TOWN).json()
    work(job)

    assert (job["processID"], job["inputs"]) == ("compare-layers", {"from": "town", "to": "town-2024"})
    status = two_vintages.get(f"/api/jobs/{job['jobID']}").json()
    assert (status["status"], status["progress"], status["message"]) == ("successful", 100, "the results are there")
    results = two_vintages.get(f"/api/jobs/{job['jobID']}/results").json()
    document = two_vintages.get(results["changes"]["href"].removeprefix("http://127.0.0.1:8000")).json()
    assert document["changed_m2"] == pytest.approx(128 * 512 * 0.04)


def test_more_than_any_limit_is_refused_with_it(two_vintages: TestClient) -> None:
    answer = two_vintages.post("/api/collections/town/areas", json=_rectangle(0, 0, 300, 200))

    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:cosia:problem:aoi-too-large"
    assert "the limit is 0.05 km²" in answer.json()["detail"]


def test_the_processes_describe_themselves_and_run(two_vintages: TestClient) -> None:
    listed = [process["id"] for process in two_vintages.get("/api/processes").json()["processes"]]
    description = two_vintages.get("/api/processes/compare-layers").json()
    body = {"inputs": {"aoi": CORNER, "from": "town", "to": "town-2024"}}
    job = two_vintages.post("/api/processes/compare-layers/execution", json=body)

    assert listed == ["predict-land-cover", "measure-areas", "compare-layers"]
    assert description["inputs"]["from"]["schema"]["enum"] == ["field", "town", "town-2024", "wide"]
    assert list(description["outputs"]) == ["changes"]
    assert job.status_code == 201
    assert [each["processID"] for each in two_vintages.get("/api/jobs").json()["jobs"]] == ["compare-layers"]


@pytest.mark.parametrize(
    ("inputs", "parameter"),
    [
        ({"aoi": CORNER}, "layer"),
        ({"aoi": CORNER, "layer": "none"}, "layer"),
        ({"aoi": CORNER, "layer": ["town"]}, "layer"),
        ({"layer": "town"}, "inputs"),
        ({"aoi": CORNER, "layer": "town", "model": "tiny"}, "model"),
    ],
)
def test_inputs_that_do_not_fit_the_process_are_refused(
    two_vintages: TestClient, inputs: dict[str, Any], parameter: str
) -> None:
    answer = two_vintages.post("/api/processes/measure-areas/execution", json={"inputs": inputs})

    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)


def test_a_process_without_an_estimate_says_so(two_vintages: TestClient) -> None:
    answer = two_vintages.post("/api/processes/measure-areas/estimate", json={"inputs": {"aoi": CORNER}})

    assert answer.status_code == 404


def test_the_same_key_gives_the_same_job_and_another_area_a_conflict(two_vintages: TestClient) -> None:
    def ask(polygon: dict[str, object]) -> Any:
        return two_vintages.post("/api/collections/town/areas", json=polygon, headers={"Idempotency-Key": "k"})

    first, second, other = ask(TOWN), ask(TOWN), ask(_rectangle(0, 0, 204, 204))

    assert first.json()["jobID"] == second.json()["jobID"]
    assert other.status_code == 409


def test_a_job_that_counts_is_dismissed_and_has_no_tiles(two_vintages: TestClient) -> None:
    job = two_vintages.post("/api/collections/town/areas", json=TOWN).json()
    path = f"/api/jobs/{job['jobID']}"

    tile, tilejson = (
        two_vintages.get(f"{path}/tiles/17/66767/47910.png"),
        two_vintages.get(f"{path}/tiles/tilejson.json"),
    )
    dismissed = two_vintages.delete(path).json()
    work(job)

    assert (tile.status_code, tilejson.status_code) == (404, 404)
    assert "has no tiles" in tile.json()["detail"]
    assert dismissed["status"] == "dismissed"
    assert two_vintages.get(path).json()["status"] == "dismissed"
    assert all(link["rel"] != "tiles" for link in dismissed["links"])


def test_events_of_a_job_that_counts_end_with_its_status(two_vintages: TestClient) -> None:
    job = two_vintages.post("/api/collections/town/areas", json=TOWN).json()
    work(job)

    events = two_vintages.get(f"/api/jobs/{job['jobID']}/events").text

    assert "event: status" in events
    assert '"successful"' in events


def test_what_cannot_be_counted_in_time_becomes_a_job(
    two_vintages: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.statistics._MOST_S", 0.0)
    strip = _rectangle(-1.0, -5000.1, 1230.0, -5000.0)

    assert two_vintages.post("/api/collections/wide/areas", json=strip).status_code == 201


def test_a_long_outline_is_not_counted_while_the_caller_waits(
    two_vintages: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.statistics._MOST_OUTLINE_M", 39.0)

    assert two_vintages.post("/api/collections/town/areas", json=CORNER).status_code == 201
