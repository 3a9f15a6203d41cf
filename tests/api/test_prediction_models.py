"""What is to predict: a model alone, an ensemble, an augmentation; described, checked, priced, kept and told."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app import jobs, models, workers
from app.database import BlockRow, JobRow, sessions
from app.definitions import Band
from app.requeue import requeue
from app.storage import storage
from tests import samples
from tests.api.test_estimates import estimate
from tests.api.test_prediction_options import job_of, register_other_source
from tests.api.test_processes import AREA, PROCESS, execute
from tests.conftest import forget_settings

ASKED = {"aoi": AREA, "model": "tiny"}
COLOURS = (Band.R, Band.G, Band.B)


@pytest.fixture
def several(service: TestClient) -> TestClient:
    """Beside `tiny`: `a`, `b`, `c`, alike; `colours`, which takes three bands; `coarse`, of another resolution."""
    cards = [samples.card(id=name) for name in ("a", "b", "c")]
    cards.append(samples.card(id="colours", bands=COLOURS, mean=(0.0,) * 3, std=(1.0,) * 3))
    cards.append(samples.card(id="coarse", resolution_m=0.5))
    with sessions().write() as session:
        for number, card in enumerate(cards):
            models.add_model(session, storage(), card, b"weights", f"{number:064x}")
    return service


def pace(**seconds_per_block: float) -> None:
    """A worker that has measured these; `__` stands for +, `_by_` for @."""
    paces = {name.replace("__", "+").replace("_by_", "@"): value for name, value in seconds_per_block.items()}
    with sessions().write() as session:
        workers.register(session, "w", host="h", device="cpu", queues=["gpu", "cpu"])
        workers.beat(session, "w", seconds_per_block=paces, tallies={}, out_of_service=None)


def test_the_description_names_the_models_that_can_be_members_and_the_augmentations(several: TestClient) -> None:
    inputs = several.get(PROCESS).json()["inputs"]

    members = inputs["ensemble"]["schema"]
    assert (members["maxItems"], members["uniqueItems"], members["default"]) == (3, True, [])
    assert members["items"]["enum"] == inputs["model"]["schema"]["enum"]
    assert {"tiny", "a", "b"} <= set(members["items"]["enum"])
    assert inputs["augmentation"]["schema"] == {"type": "string", "enum": ["none", "flips", "d4"], "default": "none"}


def test_the_job_its_blocks_and_its_status_name_all_members_and_the_augmentation(several: TestClient) -> None:
    answer = execute(several, {**ASKED, "ensemble": ["b", "a"], "augmentation": "flips"})

    job = job_of(answer)
    assert (job.model_id, job.predicted_by) == ("tiny", "a+b+tiny@flips")
    with sessions().read() as session:
        block = session.scalars(select(BlockRow)).one()
    assert (block.model_id, block.model_sha256, block.augmentation) == ("a", f"{0:064x}", "flips")
    assert block.further_models == [["b", f"{1:064x}"], ["tiny", samples.WEIGHTS_SHA256]]
    (listed,) = several.get("/api/jobs").json()["jobs"]
    for told in (answer.json(), several.get(f"/api/jobs/{job.id}").json(), listed):
        assert (told["model"], told["inputs"]["ensemble"], told["inputs"]["augmentation"]) == (
            "tiny",
            ["b", "a"],
            "flips",
        )


def test_ensembles_share_blocks_with_their_like_alone(several: TestClient) -> None:
    """The block that one of them waits for is no other's, but for the same members in another order."""
    asked = [
        {"model": "tiny"},
        {"model": "tiny", "ensemble": []},
        {"model": "a", "ensemble": ["tiny"]},
        {"model": "tiny", "ensemble": ["a"]},
        {"model": "tiny", "ensemble": ["a"], "augmentation": "d4"},
        {"model": "tiny", "augmentation": "d4"},
    ]
    for inputs in asked:
        job = execute(several, {"aoi": AREA, **inputs}).json()["jobID"]
        several.delete(f"/api/jobs/{job}")

    with sessions().read() as session:
        found = [
            (row.model_id, bool(row.further_models), row.augmentation) for row in session.scalars(select(BlockRow))
        ]
    assert sorted(found) == [
        ("a", True, "d4"),
        ("a", True, "none"),
        ("tiny", False, "d4"),
        ("tiny", False, "none"),
    ]


@pytest.mark.parametrize(
    ("inputs", "parameter", "says"),
    [
        ({"ensemble": ["no"]}, "ensemble", "there is no model 'no'; ready to use: a, b, c"),
        ({"ensemble": ["flair-inc-rvbi"]}, "ensemble", "the weights of model 'flair-inc-rvbi' are not installed here"),
        ({"ensemble": ["tiny"]}, "ensemble", "model 'tiny' is named twice"),
        ({"ensemble": ["a", "a"]}, "ensemble", "model 'a' is named twice"),
        ({"ensemble": ["a", "b", "c", "colours"]}, "ensemble", "an ensemble has at most 4 members"),
        ({"ensemble": ["coarse"]}, "ensemble", "'coarse' gives classes of cosia at 0.5 m, model 'tiny' those of cosia"),
        ({"ensemble": "a"}, "ensemble", "ensemble must be a list of model ids, at most 3"),
        ({"ensemble": [1]}, "ensemble", "ensemble must be a list of model ids"),
        ({"ensemble": None}, "ensemble", "ensemble must be a list of model ids"),
        ({"augmentation": "d8"}, "augmentation", "augmentation must be one of none, flips, d4"),
        ({"augmentation": ["d4"]}, "augmentation", "augmentation must be one of none, flips, d4"),
        ({"augmentation": None}, "augmentation", "augmentation must be one of none, flips, d4"),
    ],
)
@pytest.mark.parametrize("door", ["execution", "estimate"])
def test_what_cannot_predict_together_is_refused_with_what_can(
    several: TestClient, door: str, inputs: dict[str, Any], parameter: str, says: str
) -> None:
    answer = several.post(f"{PROCESS}/{door}", json={"inputs": {**ASKED, **inputs}})

    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]


def test_the_source_needs_the_bands_of_every_member(several: TestClient) -> None:
    register_other_source(bands=COLOURS)
    answer = execute(several, {"aoi": AREA, "source": "other", "model": "colours", "ensemble": ["tiny"]})
    compared = execute(several, {**ASKED, "model": "colours", "ensemble": ["tiny"], "compare": {"source": "other"}})

    assert (answer.status_code, answer.json()["parameter"]) == (400, "ensemble")
    assert "model 'tiny' needs band NIR, which imagery source 'other' does not have (it has R, G, B)" in answer.text
    assert (compared.status_code, compared.json()["parameter"]) == (400, "compare")


def test_the_price_before_anybody_has_measured_it_is_that_of_the_members_times_the_passes(several: TestClient) -> None:
    pace(tiny=2.0, a=3.0)

    alone = estimate(several, ASKED)
    both = estimate(several, {**ASKED, "ensemble": ["a"], "augmentation": "d4"})

    assert (alone["seconds"], alone["price"]) == (2.0, {"passes": 1, "factor": 1.0, "measured": True})
    assert (both["seconds"], both["price"]) == (8 * (2.0 + 3.0), {"passes": 16, "factor": 20.0, "measured": False})


def test_the_price_is_the_measured_one_once_there_is_one(several: TestClient) -> None:
    pace(tiny=2.0, a=3.0, a__tiny_by_d4=30.0)

    both = estimate(several, {**ASKED, "ensemble": ["a"], "augmentation": "d4"})

    assert (both["seconds"], both["price"]) == (30.0, {"passes": 16, "factor": 15.0, "measured": True})


def test_no_time_is_promised_where_a_member_was_never_measured(several: TestClient) -> None:
    pace(tiny=2.0)

    both = estimate(several, {**ASKED, "ensemble": ["a"], "augmentation": "flips"})

    assert (both["seconds"], both["price"]) == (None, {"passes": 8, "factor": 8.0, "measured": False})


def test_blocks_of_an_ensemble_ahead_cost_what_the_ensemble_costs(several: TestClient) -> None:
    pace(tiny=2.0, a=3.0)
    execute(several, {**ASKED, "ensemble": ["a"], "augmentation": "flips"})

    assert estimate(several, ASKED)["seconds"] == 2.0 + 4 * (2.0 + 3.0)


def test_an_ensemble_goes_to_the_queue_of_the_first_rule_that_fits_a_member(
    several: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIA_QUEUES", "b=gpu-large,tiny=gpu-small")
    forget_settings()

    queues = [job_of(execute(several, {**ASKED, "ensemble": members})).queue for members in ([], ["a"], ["a", "b"])]

    assert queues == ["gpu-small", "gpu-small", "gpu-large"]


def test_trying_again_asks_for_the_same_members_and_augmentation(several: TestClient) -> None:
    job = job_of(execute(several, {**ASKED, "ensemble": ["b"], "augmentation": "d4"}))
    jobs.dismiss(sessions(), job.id)

    again: JobRow = requeue(sessions(), storage(), job.id).job

    assert (again.id != job.id, again.predicted_by, again.model_id) == (True, "b+tiny@d4", "tiny")
    assert again.inputs == job.inputs
    with sessions().read() as session:
        assert len(session.scalars(select(BlockRow)).all()) == 1
