"""A job's result among the layers: there only while its owner wants it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from lxml import etree
from PIL import Image
from sqlalchemy import update

from app import jobs
from app.database import ImagerySourceRow, JobRow, sessions
from app.definitions import Grid, nomenclature
from app.errors import ParameterInvalid
from app.outputs import category_sidecar, write_class_cog, write_confidence_cog
from app.settings import settings
from app.storage import storage
from tests import published as layers
from tests.api.test_processes import AREA, execute

GRID = Grid(2154, layers.LEFT, layers.TOP, 0.2, 256, 256)  # one tile of level 20


@pytest.fixture
def job_id(service: TestClient) -> str:
    """A job that waits for a worker."""
    job: dict[str, Any] = execute(service, {"aoi": AREA, "model": "tiny"}).json()
    return str(job["jobID"])


@pytest.fixture
def successful_id(job_id: str) -> str:
    """The same job with its results: vineyards, certain in the north and half certain in the south."""
    folder, values = f"jobs/{job_id}", np.full((256, 256), 11, np.uint8)
    confidence = np.where(np.arange(256)[:, None] < 128, 255, 128).astype(np.uint8) * np.ones((1, 256), np.uint8)
    with storage().writing(f"{folder}/classes.tif") as path:
        write_class_cog(path, GRID, [((0, 0, 256, 256), values)], nomenclature())
    with storage().writing(f"{folder}/classes.tif.aux.xml") as path:
        path.write_text(category_sidecar(nomenclature()), encoding="utf-8")
    with storage().writing(f"{folder}/confidence.tif") as path:
        write_confidence_cog(path, GRID, [((0, 0, 256, 256), confidence)])
    with sessions().write() as session:
        hrefs = {"classes": f"{folder}/classes.tif", "confidence": f"{folder}/confidence.tif"}
        assert jobs.succeed(session, job_id, hrefs)
    return job_id


def _offered(client: TestClient) -> list[str]:
    """Ids of the layers in the capabilities, in the themes, in the collections and in STAC: the same everywhere."""
    root = etree.fromstring(client.get("/wmts").content)
    ids = [e.text or "" for e in root.iterfind("{*}Contents/{*}Layer/{*}Identifier")]
    assert sorted(e.text or "" for e in root.iter("{*}LayerRef")) == ids
    assert [c["id"] for c in client.get("/api/collections").json()["collections"]] == ids
    children = [link["href"] for link in client.get("/api/stac").json()["links"] if link["rel"] == "child"]
    assert [href.rpartition("/")[2] for href in children] == ids
    return ids


def test_a_result_is_no_layer_until_its_owner_publishes_it(service: TestClient, successful_id: str) -> None:
    assert _offered(service) == []

    answer = service.put(f"/api/jobs/{successful_id}/layer", json={"title": "Vines <here> & there"})
    layer_id = f"job-{successful_id}"
    assert (answer.status_code, answer.json()["layer"]) == (200, layer_id)
    assert answer.headers["location"] == f"http://127.0.0.1:8000/api/collections/{layer_id}"
    assert _offered(service) == [layer_id]
    collection = service.get(f"/api/collections/{layer_id}").json()
    assert (collection["title"], collection["cosia:vintage"]) == ("Vines <here> & there", 2024)

    assert service.delete(f"/api/jobs/{successful_id}/layer").status_code == 204
    assert _offered(service) == []
    assert service.get(f"/api/jobs/{successful_id}/results/classes.tif").status_code == 200


def test_a_published_result_has_tiles_styles_a_theme_and_its_own_files(service: TestClient, successful_id: str) -> None:
    service.put(f"/api/jobs/{successful_id}/layer")
    layer = f"job-{successful_id}"

    tile = service.get(f"/wmts/1.0.0/{layer}/normal/2154_10cm_7_20/20/111840/14080.png").content
    assert (np.asarray(Image.open(io.BytesIO(tile))) == 11).all()
    root = etree.fromstring(service.get("/wmts").content)
    assert [e.text for e in root.iter("{http://www.opengis.net/ows/1.1}Identifier") if e.text in ("jobs",)] == ["jobs"]
    assert service.get(f"/api/collections/{layer}").json()["cosia:styles"] == ["normal", "colour-blind", "confidence"]
    (item,) = service.get(f"/api/stac/{layer}/items").json()["features"]
    files = {name: asset["href"].removeprefix("http://127.0.0.1:8000") for name, asset in item["assets"].items()}
    whole = service.get(f"/api/jobs/{successful_id}/results/classes.tif").content
    assert service.get(files["classes"]).content == whole
    assert service.get(files["confidence"]).status_code == 200
    assert "Vigne" in service.get(files["categories"]).text


def test_publishing_again_changes_the_title_only(service: TestClient, successful_id: str) -> None:
    service.put(f"/api/jobs/{successful_id}/layer")
    before = service.get(f"/api/collections/job-{successful_id}").json()
    service.put(f"/api/jobs/{successful_id}/layer", json={"title": "Vines"})
    after = service.get(f"/api/collections/job-{successful_id}").json()

    assert after == {**before, "title": "Vines"}


def test_somebody_else_can_neither_publish_nor_withdraw_it(service: TestClient, successful_id: str) -> None:
    with sessions().write() as session:
        session.execute(update(JobRow).values(owner="address:192.0.2.7"))

    for answer in (
        service.put(f"/api/jobs/{successful_id}/layer"),
        service.delete(f"/api/jobs/{successful_id}/layer"),
    ):
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (404, "no-such-job")
    assert _offered(service) == []


def test_a_job_without_a_result_cannot_be_published(service: TestClient, job_id: str) -> None:
    waiting = service.put(f"/api/jobs/{job_id}/layer")
    service.delete(f"/api/jobs/{job_id}")
    dismissed = service.put(f"/api/jobs/{job_id}/layer")

    for answer, status in ((waiting, "accepted"), (dismissed, "dismissed")):
        assert answer.status_code == 409
        assert status in answer.json()["detail"]
    assert _offered(service) == []


def test_a_job_without_classes_has_nothing_to_publish(service: TestClient, job_id: str) -> None:
    with sessions().write() as session:
        jobs.succeed(session, job_id, {"areas": f"jobs/{job_id}/areas.json"})

    assert service.put(f"/api/jobs/{job_id}/layer").status_code == 409


def test_a_result_whose_files_are_gone_is_not_published(service: TestClient, successful_id: str) -> None:
    storage().remove(f"jobs/{successful_id}")

    assert service.put(f"/api/jobs/{successful_id}/layer").status_code == 503
    assert _offered(service) == []


def test_a_title_that_is_none_is_refused(service: TestClient, successful_id: str) -> None:
    for body in (
        {"title": ""},
        {"title": " "},
        {"title": "x" * 201},
        {"title": "a\nb"},
        {"title": 1},
        {"name": "x"},
        {},
    ):
        answer = service.put(f"/api/jobs/{successful_id}/layer", json=body)

        assert (answer.status_code, answer.json()["parameter"]) == (400, "title"), body
    assert _offered(service) == []


def test_what_is_not_published_cannot_be_withdrawn(service: TestClient, successful_id: str) -> None:
    assert service.delete(f"/api/jobs/{successful_id}/layer").status_code == 404
    assert service.put("/api/jobs/nothing/layer").status_code == 404


def test_ids_of_job_layers_are_for_jobs_only(service: TestClient) -> None:
    with pytest.raises(ParameterInvalid, match="job-"):
        layers.publish_layer(sessions(), storage(), "blocks/a.tif", layer_id="job-1")


def test_an_operator_may_keep_results_out_of_the_layers(
    service: TestClient, successful_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = settings().model_copy(update={"publish_results": False})
    monkeypatch.setattr("app.api.job_layers.settings", lambda: refusing)

    answer = service.put(f"/api/jobs/{successful_id}/layer")

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:cosia:problem:forbidden")
    assert _offered(service) == []


def test_a_result_of_demonstration_imagery_says_so(service: TestClient, successful_id: str) -> None:
    with sessions().write() as session:
        row = session.get_one(ImagerySourceRow, "town")
        row.document = {**row.document, "demonstration": True}

    service.put(f"/api/jobs/{successful_id}/layer")

    assert service.get(f"/api/collections/job-{successful_id}").json()["cosia:demonstration"] is True
