"""Models that need more than imagery: neither offered for jobs nor accepted, and told why."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from app import models
from app.database import sessions
from app.definitions import ExtraInput
from app.storage import storage
from tests import samples
from tests.api.test_processes import AREA, PROCESS, execute


@pytest.fixture
def with_fused(service: TestClient) -> TestClient:
    """Beside `tiny`: `a-fused`, which needs a Sentinel-2 series."""
    card = samples.card(id="a-fused", extra_inputs=(ExtraInput.SERIES,))
    with sessions().write() as session:
        models.add_model(session, storage(), card, b"weights", "f" * 64)
    return service


def test_the_description_does_not_offer_it(with_fused: TestClient) -> None:
    inputs = with_fused.get(PROCESS).json()["inputs"]

    assert "tiny" in inputs["model"]["schema"]["enum"]
    assert "a-fused" not in inputs["model"]["schema"]["enum"]
    assert "a-fused" not in inputs["ensemble"]["schema"]["items"]["enum"]


@pytest.mark.parametrize(
    "asked", [{"model": "a-fused"}, {"model": "tiny", "ensemble": ["a-fused"]}], ids=["alone", "as a member"]
)
def test_a_job_that_names_it_is_refused(with_fused: TestClient, asked: dict[str, object]) -> None:
    answer = execute(with_fused, {"aoi": AREA, **asked})

    assert answer.status_code == 400
    assert "model 'a-fused' needs a Sentinel-2 series beside the imagery" in answer.json()["detail"]


def test_it_is_never_the_default(with_fused: TestClient) -> None:
    with sessions().read() as session:
        trained = models.trained_models(session, storage())

    assert models.default_model({name: trained[name] for name in ("a-fused", "tiny")}) == "tiny"
    assert models.default_model({"a-fused": trained["a-fused"]}) is None
