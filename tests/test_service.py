"""The main job end to end, with real processes: area in, blocks computed, results out, and nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import rasterio
import shapely
from rasterio.features import geometry_mask
from rasterio.warp import transform_geom

from app import aoi
from app.definitions import BlockCell, prediction_grid
from tests.service import Service

WITHIN_S = 180
GRID = prediction_grid()
FIRST = BlockCell(1760, 13980)


def area(*, left_m: float, top_m: float, width_m: float, height_m: float) -> dict[str, Any]:
    """GeoJSON rectangle, metres right and down from the north-west corner of the territory."""
    corner = GRID.block(FIRST)
    left, top = corner.left + left_m, corner.top - top_m
    rectangle = aoi.from_grid_crs(shapely.box(left, top - height_m, left + width_m, top), 2154)
    mapping: dict[str, Any] = json.loads(shapely.to_geojson(rectangle))
    return mapping


ACROSS_FOUR_BLOCKS = area(left_m=250, top_m=250, width_m=320, height_m=310)  # 0.0992 km²


def ask(url: str, geometry: dict[str, Any], **inputs: Any) -> str:
    answer = httpx.post(
        f"{url}/api/processes/predict-land-cover/execution", json={"inputs": {"aoi": geometry, **inputs}}, timeout=30
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["jobID"])


def status(url: str, job_id: str) -> dict[str, Any]:
    document: dict[str, Any] = httpx.get(f"{url}/api/jobs/{job_id}", timeout=30).json()
    return document


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < deadline, f"{what}: not within {WITHIN_S} s"
        time.sleep(0.1)


def wait_for_success(url: str, job_id: str) -> dict[str, Any]:
    def ended() -> bool:
        return bool(status(url, job_id)["status"] in ("successful", "failed", "dismissed"))

    wait_until(ended, "the job's end")
    document = status(url, job_id)
    assert document["status"] == "successful", document["message"]
    return document


def result(url: str, job_id: str, name: str) -> httpx.Response:
    href = httpx.get(f"{url}/api/jobs/{job_id}/results", timeout=30).json()[name]["href"]
    return httpx.get(href, timeout=60)


@pytest.fixture(scope="module")
def finished_job(running_server: str) -> tuple[str, str]:
    """(url, job id) of a successful job over four blocks of the 2024 vintage."""
    job_id = ask(running_server, ACROSS_FOUR_BLOCKS, source="demo-2024")
    wait_for_success(running_server, job_id)
    return running_server, job_id


def test_a_job_goes_from_accepted_to_successful_and_tells_each_block(running_server: str) -> None:
    geometry = area(left_m=300, top_m=20, width_m=200, height_m=100)
    job_id = ask(running_server, geometry, source="demo-2021")  # its blocks are there: the set-up computed them

    kinds = []
    with httpx.stream("GET", f"{running_server}/api/jobs/{job_id}/events", timeout=WITHIN_S) as stream:
        for line in stream.iter_lines():
            if line.startswith("event: "):
                kinds.append(line.removeprefix("event: "))

    assert kinds[-1] == "status"
    assert status(running_server, job_id)["status"] == "successful"
    assert status(running_server, job_id)["blocks"] == {"total": 2, "done": 2, "failed": 0, "reused": 2}


def test_the_classes_are_a_cog_with_colours_and_names(finished_job: tuple[str, str], tmp_path: Path) -> None:
    url, job_id = finished_job
    (tmp_path / "classes.tif").write_bytes(result(url, job_id, "classes").content)
    (tmp_path / "classes.tif.aux.xml").write_bytes(result(url, job_id, "categories").content)

    with rasterio.open(tmp_path / "classes.tif") as dataset:
        assert (dataset.crs.to_epsg(), dataset.res, dataset.nodata) == (2154, (0.2, 0.2), 0)
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.colormap(1)[9] == (0x4C, 0x91, 0x29, 255)
        assert dataset.overviews(1) != []


@pytest.mark.needs("gdal")
def test_gdal_shows_the_names_of_the_classes(finished_job: tuple[str, str]) -> None:
    url, job_id = finished_job
    href = httpx.get(f"{url}/api/jobs/{job_id}/results", timeout=30).json()["classes"]["href"]

    shown = subprocess.run(["gdalinfo", "-json", f"/vsicurl/{href}"], capture_output=True, text=True, check=True)

    band = json.loads(shown.stdout)["bands"][0]
    # From the side file at the same address: the band's own metadata would not make a client show names.
    assert band["categories"][1] == "Bâtiment"
    assert band["categories"][16] == "Coupe"
    assert band["colorInterpretation"] == "Palette"


def test_square_metres_equal_an_independent_count(finished_job: tuple[str, str], tmp_path: Path) -> None:
    url, job_id = finished_job
    (tmp_path / "classes.tif").write_bytes(result(url, job_id, "classes").content)
    with rasterio.open(tmp_path / "classes.tif") as dataset:
        classes = dataset.read(1)
        polygon = transform_geom("OGC:CRS84", dataset.crs, ACROSS_FOUR_BLOCKS)
        inside = ~geometry_mask([polygon], classes.shape, dataset.transform)
    counted = {int(value): int((classes[inside] == value).sum()) for value in np.unique(classes[inside]) if value}

    table = result(url, job_id, "areas").json()

    assert {each["value"]: each["area_m2"] for each in table["classes"]} == pytest.approx(
        {value: pixels * 0.04 for value, pixels in counted.items()}, rel=1e-4
    )
    assert table["area_m2"] == pytest.approx(320 * 310, rel=2e-3)
    assert sum(each["share"] for each in table["classes"]) == pytest.approx(1)


def test_the_prediction_is_land_cover_and_not_noise(finished_job: tuple[str, str], tmp_path: Path) -> None:
    url, job_id = finished_job
    (tmp_path / "classes.tif").write_bytes(result(url, job_id, "classes").content)
    with rasterio.open(tmp_path / "classes.tif") as dataset:
        classes = dataset.read(1)

    same_as_right = (classes[:, :-1] == classes[:, 1:]).mean()

    assert same_as_right > 0.9
    assert len(np.unique(classes)) >= 4


def test_a_second_job_over_the_same_place_computes_nothing(finished_job: tuple[str, str]) -> None:
    url, first = finished_job
    estimate = httpx.post(
        f"{url}/api/processes/predict-land-cover/estimate",
        json={"inputs": {"aoi": ACROSS_FOUR_BLOCKS, "source": "demo-2024"}},
        timeout=30,
    ).json()
    second = ask(url, ACROSS_FOUR_BLOCKS, source="demo-2024")

    wait_for_success(url, second)

    assert estimate["blocks"] == {"total": 4, "ready": 4, "to_compute": 0}
    assert result(url, first, "classes").content == result(url, second, "classes").content


@pytest.fixture
def own_service(running_service: Service, tmp_path: Path) -> Iterator[Service]:
    """A service of this test alone, to do harm to: a copy of the other one's data, without jobs, one block a batch."""
    folder = _copied(running_service, tmp_path / "data")
    with closing(sqlite3.connect(folder / "cosia.sqlite")) as copy:
        for table in ("event", "job_block", "job", "block"):
            copy.execute(f"DELETE FROM {table}")
        copy.commit()
    with Service(folder, COSIA_BATCH_S="0.1", COSIA_LEASE_S="6", COSIA_SWEEP_S="1") as service:
        yield service


def _copied(service: Service, folder: Path) -> Path:
    """The data of a service that goes on running."""
    shutil.copytree(service.folder, folder, ignore=shutil.ignore_patterns("cosia.sqlite*", "broker", "logs"))
    with (
        closing(sqlite3.connect(service.folder / "cosia.sqlite")) as source,
        closing(sqlite3.connect(folder / "cosia.sqlite")) as copy,
    ):
        source.backup(copy)
    return folder


def test_the_later_vintage_follows_once_the_service_is_ready_and_is_compared(
    running_service: Service, tmp_path: Path
) -> None:
    with Service(_copied(running_service, tmp_path / "data"), COSIA_DEMONSTRATION_VINTAGES="2") as service:
        wait_until(lambda: "cosia-demo-2024" in _layers(service.url), "the layer of 2024")

        path = "api/collections/cosia-demo-2021/changes?to=cosia-demo-2024"
        changes = httpx.post(f"{service.url}/{path}", json=ACROSS_FOUR_BLOCKS, timeout=60).json()
        # Fields sown and ploughed, houses built: some of it, not most (app/demonstration/changes.py).
        assert 0.01 < changes["changed_m2"] / changes["compared_m2"] < 0.5
        assert changes["warnings"] == []  # one network made both


def _layers(url: str) -> list[str]:
    return [layer["id"] for layer in httpx.get(f"{url}/api/collections", timeout=30).json()["collections"]]


def test_what_is_killed_comes_back_and_the_job_is_finished(own_service: Service) -> None:
    """kill -9 of the worker, of the broker, of the launcher, and Ctrl-C: each in the middle of a job."""
    url = own_service.url
    job_id = ask(url, ACROSS_FOUR_BLOCKS, source="demo-2024")
    wait_until(lambda: status(url, job_id)["status"] == "running", "a first block")

    os.kill(own_service.processes("worker")[0], signal.SIGKILL)
    wait_until(lambda: status(url, job_id)["blocks"]["done"] >= 1, "a block after the worker was killed")
    os.kill(own_service.processes("valkey")[0], signal.SIGKILL)
    wait_until(lambda: status(url, job_id)["blocks"]["done"] >= 2, "a block after the broker was killed")
    own_service.kill_launcher()
    wait_until(lambda: not _answers(url), "the end of the children of a launcher that was killed")
    own_service.start()
    wait_until(lambda: status(url, job_id)["blocks"]["done"] >= 3, "a block after everything was killed")
    assert own_service.stop() == 0
    own_service.start()
    done = wait_for_success(url, job_id)

    assert done["blocks"] == {"total": 4, "done": 4, "failed": 0, "reused": 0}
    assert [path for path in own_service.folder.rglob("*.tmp*") if path.is_file()] == []


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def test_the_tile_of_the_published_layer_is_a_palette_png(running_server: str) -> None:
    document = httpx.get(f"{running_server}/tiles/cosia-demo-2021/tilejson.json", timeout=30).json()
    west, south, east, north = document["bounds"]
    z, lon, lat = 17, (west + east) / 2, (south + north) / 2
    x = int((lon + 180) / 360 * 2**z)
    y = int((1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * 2**z)

    tile = httpx.get(document["tiles"][0].format(z=z, x=x, y=y), timeout=30)

    assert tile.headers["content-type"] == "image/png"
    assert tile.content[25] == 3  # IHDR colour type: palette


def test_areas_counted_by_a_worker_are_those_counted_at_once(running_server: str) -> None:
    inputs = {"aoi": ACROSS_FOUR_BLOCKS, "layer": "cosia-demo-2021"}
    asked = httpx.post(f"{running_server}/api/processes/measure-areas/execution", json={"inputs": inputs}, timeout=30)
    at_once = httpx.post(
        f"{running_server}/api/collections/cosia-demo-2021/areas", json=ACROSS_FOUR_BLOCKS, timeout=30
    ).json()

    job_id = asked.json()["jobID"]
    assert wait_for_success(running_server, job_id)["progress"] == 100
    counted = result(running_server, job_id, "areas").json()
    assert counted == at_once
    assert counted["area_m2"] == pytest.approx(320 * 310, rel=1e-3)


def test_a_second_launcher_on_the_same_folder_is_refused(running_service: Service) -> None:
    rival = Service(running_service.folder)

    with pytest.raises(AssertionError, match="runs already on this data folder"):
        rival.start()
