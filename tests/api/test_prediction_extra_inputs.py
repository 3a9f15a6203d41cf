"""Models that need more than imagery: offered and accepted where an imagery source gives it, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import shapely
from fastapi.testclient import TestClient
from shapely.affinity import translate

from app import aoi, imagery, models
from app.database import sessions
from app.definitions import ExtraInput
from app.storage import storage
from tests import samples
from tests.api.test_processes import AREA, PROCESS, execute
from tests.series_files import ground, write_image

BLOCK = samples.GRID.block(samples.CELL)


@pytest.fixture
def with_fused(service: TestClient) -> TestClient:
    """Beside `tiny`: `a-fused`, which needs a Sentinel-2 series."""
    card = samples.card(id="a-fused", extra_inputs=(ExtraInput.SERIES,))
    with sessions().write() as session:
        models.add_model(session, storage(), card, b"weights", "f" * 64)
    return service


@pytest.fixture
def with_series(with_fused: TestClient, tmp_path: Path) -> TestClient:
    """Beside source `town`: `seen`, of the same pictures, whose series begins in the middle of AREA."""
    write_image(tmp_path / "s2", "20210412", ground(), left=BLOCK.left + 204.8, top=BLOCK.top)
    stack, series = tmp_path / "stack.tif", tmp_path / "s2"
    imagery.register(sessions(), source_id="seen", title="Seen", stack=[stack], series=[series], year=2020)
    return with_fused


def refused(client: TestClient, route: str, inputs: dict[str, Any]) -> str:
    answer = client.post(f"{PROCESS}/{route}", json={"inputs": inputs})
    assert answer.status_code == 400
    return str(answer.json()["detail"])


def test_the_description_does_not_offer_it_where_no_source_gives_a_series(with_fused: TestClient) -> None:
    inputs = with_fused.get(PROCESS).json()["inputs"]

    assert "tiny" in inputs["model"]["schema"]["enum"]
    assert "a-fused" not in inputs["model"]["schema"]["enum"]
    assert "a-fused" not in inputs["ensemble"]["schema"]["items"]["enum"]


def test_the_description_tells_which_models_need_a_series_and_which_sources_have_one(with_series: TestClient) -> None:
    inputs = with_series.get(PROCESS).json()["inputs"]

    needed = {each["value"]: each["cosia:extraInputs"] for each in inputs["model"]["cosia:choices"]}
    given = {each["value"]: each for each in inputs["source"]["cosia:choices"]}
    assert (needed["a-fused"], needed["tiny"]) == (["series"], [])
    assert "a-fused" in inputs["ensemble"]["schema"]["items"]["enum"]
    assert (given["seen"]["cosia:extraInputs"], given["town"]["cosia:extraInputs"]) == (["series"], [])
    assert given["seen"]["cosia:series"] == {"first": "2021-04-12", "last": "2021-04-12", "dates": 1}
    assert given["town"]["cosia:series"] is None


@pytest.mark.parametrize("route", ["execution", "estimate"])
@pytest.mark.parametrize(
    "asked", [{"model": "a-fused"}, {"model": "tiny", "ensemble": ["a-fused"]}], ids=["alone", "as a member"]
)
def test_it_is_refused_on_a_source_without_a_series(
    with_series: TestClient, route: str, asked: dict[str, object]
) -> None:
    told = refused(with_series, route, {"aoi": AREA, "source": "town", **asked})

    assert told.startswith(
        "model 'a-fused' needs a Sentinel-2 series beside the imagery, which imagery source 'town' cannot give"
    )


def test_what_a_source_gives_only_in_part_is_named(with_series: TestClient) -> None:
    card = samples.card(id="a-third", extra_inputs=tuple(ExtraInput))
    with sessions().write() as session:
        models.add_model(session, storage(), card, b"weights", "e" * 64)

    told = refused(with_series, "execution", {"aoi": AREA, "source": "seen", "model": "a-third"})
    offered = with_series.get(PROCESS).json()["inputs"]["model"]["schema"]["enum"]

    assert told == (
        "model 'a-third' needs the facts of each photograph beside the imagery, which imagery source 'seen' cannot give"
    )
    assert "a-third" not in offered


def test_it_is_accepted_where_the_series_is_and_the_share_told(with_series: TestClient) -> None:
    asked = {"aoi": AREA, "source": "seen", "model": "a-fused"}

    estimated = with_series.post(f"{PROCESS}/estimate", json={"inputs": asked})
    answer = execute(with_series, asked)

    assert answer.status_code == 201, answer.text
    assert answer.json()["coverage"] == estimated.json()["coverage"] == pytest.approx(0.5, abs=1e-3)
    plain = with_series.post(f"{PROCESS}/estimate", json={"inputs": {**asked, "model": "tiny"}})
    assert plain.json()["coverage"] == 1


def test_area_beside_the_series_is_refused_with_the_reason(with_series: TestClient) -> None:
    metres = aoi.to_grid_crs(shapely.geometry.shape(AREA), 2154)
    west = shapely.intersection(metres, translate(metres, -30))  # ends 5 m before the series begins
    area = shapely.geometry.mapping(aoi.from_grid_crs(west, 2154))

    told = refused(with_series, "execution", {"aoi": area, "source": "seen", "model": "a-fused"})

    assert told.startswith("imagery source 'seen' has pictures of the area and no image of its Sentinel-2 series")


def test_sources_are_compared_only_where_both_have_a_series(with_series: TestClient) -> None:
    asked = {"aoi": AREA, "source": "seen", "model": "a-fused", "compare": {"source": "town"}}

    assert refused(with_series, "execution", asked).startswith("imagery source 'seen' can be compared with no other")
    assert execute(with_series, {**asked, "model": "tiny"}).status_code == 201


def test_it_is_never_the_default(with_series: TestClient) -> None:
    with sessions().read() as session:
        trained = models.trained_models(session, storage())

    assert models.default_model({name: trained[name] for name in ("a-fused", "tiny")}) == "tiny"
    assert models.default_model({"a-fused": trained["a-fused"]}) is None
