"""The inputs of a prediction that tell how it is written and compared: described, checked, kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app import jobs
from app.database import ImagerySourceRow, JobRow, LayerRow, sessions
from app.definitions import Grid, ImagerySource, nomenclature
from app.outputs import write_class_cog
from app.publish.raster_files import raster_row
from app.storage import storage
from tests import samples
from tests.api.test_processes import AREA, PROCESS, execute


def job_of(answer: Any) -> JobRow:
    with sessions().read() as session:
        return jobs.get(session, answer.json()["jobID"])


def register_other_source(**changes: Any) -> None:
    """A second source with the files' extent of the first, but without files of its own."""
    with sessions().write() as session:
        known = ImagerySource.model_validate(session.get_one(ImagerySourceRow, "town").document)
        other = known.model_copy(update={"id": "other", **changes})
        session.add(ImagerySourceRow(id="other", document=other.model_dump(mode="json")))


def test_the_description_says_what_may_be_asked_of_outputs(service: TestClient) -> None:
    register_other_source()
    inputs = service.get(PROCESS).json()["inputs"]

    assert {"classes", "polygons", "report", "stac"} <= set(inputs["outputs"]["schema"]["items"]["enum"])
    assert inputs["language"]["schema"] == {"type": "string", "enum": ["fr", "en"], "default": "fr"}
    assert inputs["gaps"]["schema"]["default"] is False
    layer, source = inputs["compare"]["schema"]["oneOf"]
    assert source["properties"]["source"]["enum"] == ["other", "town"]
    assert layer["required"] == ["layer"]


def test_what_is_asked_stands_in_the_job(service: TestClient) -> None:
    plain = job_of(execute(service, {"aoi": AREA, "model": "tiny"}))
    asked = {"gaps": True, "language": "en", "minimum_area_m2": 4, "outputs": ["report", "polygons", "report"]}
    particular = job_of(execute(service, {"aoi": AREA, "model": "tiny", **asked}))

    alone = {"ensemble": [], "augmentation": "none"}
    assert plain.inputs == {"gaps": False, "language": "fr", "minimum_area_m2": 0.0, "compare": None, **alone}
    assert {"classes", "areas", "report", "stac", "tiles"} <= set(plain.outputs["names"])
    assert not {"changes", "polygons"} & set(plain.outputs["names"])
    assert particular.inputs == {"gaps": True, "language": "en", "minimum_area_m2": 4.0, "compare": None, **alone}
    assert particular.outputs["names"] == ["report", "polygons"]


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"gaps": "yes"}, "gaps must be true or false"),
        ({"language": "de"}, "language must be one of fr, en"),
        ({"minimum_area_m2": -1}, "minimum_area_m2 must be a number from 0 to 10000"),
        ({"minimum_area_m2": True}, "minimum_area_m2 must be a number"),
        ({"minimum_area_m2": 1e9}, "minimum_area_m2 must be a number"),
        ({"outputs": ["shapefile"]}, "outputs must be a list of some of classes, categories"),
        ({"outputs": []}, "outputs must be a list of some of"),
        ({"outputs": ["changes"]}, "output 'changes' tells of a comparison"),
        ({"compare": "town"}, "compare must be"),
        ({"compare": {"layer": "a", "source": "b"}}, "compare must be"),
        ({"compare": {"layer": "other"}}, "there is no such layer; published: none yet"),
        ({"compare": {"source": "town"}}, "imagery source 'town' can be compared with no other"),
        ({"compare": {"source": ["town"]}}, "can be compared with no other"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(service: TestClient, inputs: dict[str, Any], told: str) -> None:
    answer = execute(service, {"aoi": AREA, "model": "tiny", **inputs})

    assert answer.status_code == 400
    assert told in answer.json()["detail"]
    assert answer.json()["parameter"] == next(iter(inputs))


def test_a_source_of_another_grid_is_not_among_those_to_compare_with(service: TestClient) -> None:
    register_other_source(epsg=2975)
    answer = execute(service, {"aoi": AREA, "model": "tiny", "compare": {"source": "other"}})

    assert "can be compared with no other" in answer.json()["detail"]


def test_a_second_source_that_has_nothing_there_is_refused(service: TestClient) -> None:
    register_other_source()
    answer = execute(service, {"aoi": AREA, "model": "tiny", "compare": {"source": "other"}})

    assert answer.status_code == 400
    assert "the area lies outside imagery source 'other'" in answer.json()["detail"]


def publish(layer_id: str, left: float) -> None:
    """A layer of one raster of 51 m, at the height of the first block."""
    grid = Grid(2154, left, samples.GRID.block(samples.CELL).top - 179.2, 0.2, 256, 256)
    with storage().writing(f"layers/{layer_id}.tif") as path:
        write_class_cog(path, grid, [((0, 0, 256, 256), np.full((256, 256), 8, np.uint8))], nomenclature())
    with sessions().write() as session:
        session.add(LayerRow(id=layer_id, title="", description="", nomenclature="cosia", attribution="", version="v1"))
        session.flush()
        row = raster_row(storage(), "a", f"layers/{layer_id}.tif", None, grid)
        row.layer_id = layer_id
        session.add(row)


@pytest.mark.usefixtures("service")
def test_only_a_layer_that_has_something_there_can_be_compared() -> None:
    left = samples.GRID.block(samples.CELL).left + 179.2
    publish("near", left)
    publish("far", left + 10_000)

    from app.main import create_app

    # An application that starts now knows the layers at once.
    with TestClient(create_app(), base_url="http://127.0.0.1:8000") as client:
        near, far = (
            execute(client, {"aoi": AREA, "model": "tiny", "compare": {"layer": layer}}) for layer in ("near", "far")
        )

    job = job_of(near)
    assert (job.inputs or {})["compare"] == {"layer": "near"}
    assert {"changes", "changes_csv"} <= set(job.outputs["names"])
    assert (far.status_code, "the area lies outside layer far" in far.json()["detail"]) == (400, True)
