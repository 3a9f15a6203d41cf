"""The OpenAPI document held to its word: all checks of schemathesis, on a running server, the same way each time."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import shapely

from app import imagery, models
from app.database import Sessions, connect
from app.storage import FolderStorage
from tests import published as layers
from tests import samples
from tests.imagery_files import write_raster

# Where sense comes after form (a polygon that crosses itself, parameters that need each other), OpenAPI cannot say what
# is refused: there, what the document allows need not be accepted.
CONFIGURATION = """
[[operations]]
include-path = [
    "/wmts",
    "/api/collections/{layer}/areas",
    "/api/collections/{layer}/changes",
    "/api/processes/{processID}/estimate",
    "/api/processes/{processID}/execution",
    "/api/jobs",
    "/api/jobs/{jobID}",
    "/api/jobs/{jobID}/layer",
    "/api/jobs/{jobID}/results",
    "/tiles/{layer}/{z}/{x}/{y}.png",
    "/api/map/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}",
    "/api/collections/{layer}/map/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}",
]
checks.positive_data_acceptance.enabled = false
"""

# So that random values meet what is there, not only what is not.
WHAT_EXISTS = """
[parameters]
"path.layer" = "town"
"path.Layer" = "town"
"path.source" = "ortho-2021"
"path.processID" = "predict-land-cover"
"path.tileMatrixSetId" = "WebMercatorQuad"
"path.TileMatrixSet" = "PM_6_19"
"path.Style" = "normal"
"path.jobID" = "JOB"
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[str]:
    """A running server with layers, a source of imagery and a model."""
    folder, scratch = tmp_path_factory.mktemp("fuzzed"), tmp_path_factory.mktemp("scratch")
    engine = connect(f"sqlite:///{shutil.copy(migrated_sqlite, folder / 'cosia.sqlite')}")
    sessions, storage = Sessions(engine), FolderStorage(folder)
    layers.publish_town_and_field(sessions, storage, scratch)
    pixels = np.full((5, 256, 256), 90, np.uint8)
    stack = write_raster(scratch / "stack.tif", pixels, left=layers.LEFT, top=layers.TOP)
    imagery.register(sessions, source_id="ortho-2021", title="Town", stack=[stack], year=2021)
    with sessions.write() as session:
        models.add_model(session, storage, samples.card(id="tiny"), b"weights", samples.WEIGHTS_SHA256)
    engine.dispose()
    # Nobody computes: jobs stay in the queue, and the streams of their events open, but for those that have ended.
    with layers.web_server(folder) as url:
        yield url


def ask(address: str) -> str:
    """A job of ours: its id."""
    area = shapely.geometry.mapping(shapely.box(*source_box(address)))
    for _ in range(10):  # a machine that is busy answers 503: the key makes it one job, however often it is asked for
        answer = httpx.post(
            f"{address}/api/processes/predict-land-cover/execution",
            json={"inputs": {"aoi": area, "model": "tiny"}},
            headers={"Idempotency-Key": "fuzzed"},
            timeout=30,
        )
        if answer.status_code != 503:
            break
    assert answer.status_code == 201, answer.text
    return str(answer.json()["jobID"])


def source_box(address: str) -> list[float]:
    """A corner of the imagery there is: west, south, east, north."""
    process = httpx.get(f"{address}/api/processes/predict-land-cover").json()
    west, south, east, north = process["inputs"]["source"]["cosia:choices"][0]["cosia:bbox"]
    return [west + (east - west) / 3, south + (north - south) / 3, (west + east) / 2, (south + north) / 2]


@pytest.fixture
def ended_job(address: str) -> str:
    """A job that has ended: its events do, too."""
    job_id = ask(address)
    httpx.delete(f"{address}/api/jobs/{job_id}").raise_for_status()
    return job_id


@pytest.mark.parametrize("existing", ["", WHAT_EXISTS], ids=["anything", "what exists"])
def test_every_answer_is_as_documented(address: str, ended_job: str, tmp_path: Path, existing: str) -> None:
    (tmp_path / "schemathesis.toml").write_text(existing.replace("JOB", ended_job) + CONFIGURATION)
    command = [
        Path(sys.executable).with_name("schemathesis"),
        *("--config-file", tmp_path / "schemathesis.toml"),
        *("run", f"{address}/api/openapi.json"),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", "4"),
        *("--generation-deterministic", "--suppress-health-check", "all", "--request-timeout", "10", "--no-color"),
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    assert run.returncode == 0, run.stdout[-6000:]


def test_jobs_that_are_asked_for_are_followed_to_every_address_of_theirs(address: str, tmp_path: Path) -> None:
    """Stateful: ids that executions answer with go into the requests that come after."""
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    command = [
        Path(sys.executable).with_name("schemathesis"),
        *("--config-file", tmp_path / "schemathesis.toml"),
        *("run", f"{address}/api/openapi.json", "--include-path-regex", "^/api/(jobs|processes)"),
        *("--exclude-path", "/api/jobs/{jobID}/events"),  # that of a job that waits does not end
        *("--phases", "stateful", "--max-examples", "10", "--checks", "not_a_server_error"),
        *("--generation-deterministic", "--suppress-health-check", "all", "--request-timeout", "10", "--no-color"),
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    assert run.returncode == 0, run.stdout[-6000:]
    assert "Stateful" in run.stdout
