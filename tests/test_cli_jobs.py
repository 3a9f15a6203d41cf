"""`cosia jobs`: what operators see of jobs and do to them."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog
from click.testing import CliRunner, Result
from sqlalchemy import update

from app import blocks, imagery, jobs, models
from app.cli import main
from app.database import JobRow, LayerRow, sessions
from app.database.migrate import migrate
from app.publish.results import layer_id_of
from app.storage import storage
from tests import samples
from tests.conftest import forget_settings
from tests.imagery_files import write_raster

OWNER = "key:town-hall"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["jobs", *arguments])


def told(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """The commands set up the logs of their process, which here is everybody's."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**before)


@pytest.fixture(autouse=True)
def service(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty database with one imagery source and one model."""
    monkeypatch.setenv("COSIA_REDIS_URL", redis_url)
    forget_settings()
    migrate(sessions().engine)
    stack = write_raster(tmp_path / "stack.tif", np.full((5, 64, 64), 90, np.uint8))
    imagery.register(sessions(), source_id="ortho-2021", title="Ortho", stack=[stack])
    with sessions().write() as session:
        models.add_model(session, storage(), samples.card(), b"weights", samples.WEIGHTS_SHA256)


def submitted(**changes: Any) -> JobRow:
    with sessions().read() as session:
        source = imagery.find(session, "ortho-2021")
    request = samples.request(source=source, **{"owner": OWNER, **changes})
    return jobs.submit(sessions(), request, samples.LIMITS)


def failed(**changes: Any) -> JobRow:
    """A job whose first block failed; the others are done."""
    job = submitted(**changes)
    with sessions().write() as session:
        first, *others = jobs.claim_blocks(session, job.id, owner="a", limit=9, lease_s=60, most_attempts=3)
        blocks.fail_attempt(session, first, "the imagery is damaged", final=True)
        jobs.block_ended(session, first.key, (3.0, 43.0, 3.1, 43.1), failed=True)
        for other in others:
            href = blocks.block_href(other.key)
            blocks.complete(session, other, href=href, sha256="0", histogram={}, seconds=1.0)
            jobs.block_ended(session, other.key, (3.0, 43.0, 3.1, 43.1))
        jobs.fail(session, job.id, "1 of 2 blocks failed: the imagery is damaged")
    return job


def successful(*, used_days_ago: float = 0.0) -> JobRow:
    job = submitted()
    with storage().writing(f"jobs/{job.id}/areas.json") as path:
        path.write_text("{}")
    with sessions().write() as session:
        jobs.succeed(session, job.id, {"areas": f"jobs/{job.id}/areas.json"})
        then = time.time() - used_days_ago * 86_400
        session.execute(update(JobRow).where(JobRow.id == job.id).values(used_at=then))
    return job


def status(job_id: str) -> str:
    with sessions().read() as session:
        return jobs.get(session, job_id).status


# --- list, show


def test_jobs_are_listed_newest_first_and_by_what_is_asked() -> None:
    old, young, other = submitted(), failed(), submitted(owner="address:192.0.2.1")

    assert [job["id"] for job in told("list")] == [other.id, young.id, old.id]
    assert [job["id"] for job in told("list", "--limit", "1")] == [other.id]
    assert [job["id"] for job in told("list", "--status", "failed")] == [young.id]
    assert [job["id"] for job in told("list", "--owner", OWNER, "--status", "accepted")] == [old.id]


def test_a_list_for_people_has_aligned_columns_and_a_head() -> None:
    job = submitted()

    head, line = run("list").output.splitlines()

    assert head.split() == ["id", "status", "owner", "process", "blocks", "km2", "created", "message"]
    assert line.split()[:5] == [job.id, "accepted", OWNER, "predict-land-cover", "0/1"]
    assert head.index("status") == line.index("accepted")


@pytest.mark.parametrize("name", ["id", "permalink"])
def test_a_job_is_shown_with_its_blocks_and_reasons(name: str) -> None:
    job = failed(columns=2)

    shown = told("show", getattr(job, name))

    assert (shown["id"], shown["blocks"]) == (job.id, "2/2")
    assert shown["blocks_by_status"] == {"done": 1, "failed": 1}
    assert shown["reasons"] == ["the imagery is damaged"]
    assert "the imagery is damaged" in run("show", job.id).output


@pytest.mark.parametrize("command", ["show", "requeue", "expire"])
def test_an_unknown_job_is_refused_with_exit_code_1(command: str) -> None:
    refused = run(command, "none")

    assert (refused.exit_code, refused.output) == (1, "Error: there is no job none: see `cosia jobs list`\n")


# --- requeue


def test_an_ended_job_is_asked_anew_for_its_owner_and_stays_what_it_is() -> None:
    job = failed(columns=2)

    again = told("requeue", job.id)

    assert again["new"] is True
    assert (status(job.id), status(again["id"])) == ("failed", "accepted")
    shown = told("show", again["id"])
    assert (shown["owner"], shown["blocks"], shown["reused"]) == (OWNER, "1/2", 1)
    with sessions().write() as session:
        claimed = jobs.claim_blocks(session, again["id"], owner="b", limit=9, lease_s=60, most_attempts=3)
    assert [claim.attempts for claim in claimed] == [1]


def test_limits_of_the_owner_do_not_keep_a_job_from_being_tried_again() -> None:
    job = failed()
    for _ in range(3):
        submitted()

    assert run("requeue", job.id).exit_code == 0


def test_an_active_job_is_rung_for_again() -> None:
    job = submitted()

    again = told("requeue", job.id)

    assert again == {"id": job.id, "new": False}
    assert len(told("list")) == 1


def test_a_count_is_asked_anew_too() -> None:
    job = jobs.submit_count(sessions(), samples.count(owner=OWNER), samples.LIMITS)
    jobs.dismiss(sessions(), job.id)

    again = told("requeue", job.id)

    shown = told("show", again["id"])
    assert (shown["process"], shown["inputs"]) == (jobs.MEASURE_AREAS, {"layer": "town"})


def test_a_job_whose_imagery_is_gone_cannot_be_asked_anew() -> None:
    job = failed()
    with sessions().write() as session:
        session.execute(update(JobRow).values(source_id="gone"))

    refused = run("requeue", job.id)

    assert refused.exit_code == 1
    assert "there is no imagery source 'gone'; known: ortho-2021" in refused.output


# --- expire


def test_the_results_of_one_job_are_taken_away() -> None:
    job, other = successful(), successful()

    assert run("expire", job.id).output == "gone: the results of 1 jobs, 0 blocks\n"

    assert storage().names("jobs") == [f"jobs/{other.id}/areas.json"]
    assert [each["status"] for each in told("list")] == ["successful", "successful, expired"]


def test_what_cannot_be_taken_away_is_said_with_exit_code_1() -> None:
    active, layer = submitted(), successful()
    with sessions().write() as session:
        words = {"title": "", "description": "", "nomenclature": "cosia", "attribution": "", "version": "1"}
        session.add(LayerRow(id=layer_id_of(layer.id), **words))

    for job, why in ((active, "it has none"), (layer, "they are a published layer")):
        refused = run("expire", job.id)
        assert refused.exit_code == 1
        assert why in refused.output


def test_results_that_were_not_used_for_so_long_are_taken_away() -> None:
    successful(used_days_ago=8)
    kept = successful(used_days_ago=6)

    assert told("expire", "--older-than", "7") == {"results": 1, "blocks": 0}
    assert storage().names("jobs") == [f"jobs/{kept.id}/areas.json"]


def test_without_more_words_everything_that_is_due_goes() -> None:
    successful(used_days_ago=31)
    kept = successful()

    assert told("expire") == {"results": 1, "blocks": 0}
    assert storage().names("jobs") == [f"jobs/{kept.id}/areas.json"]


def test_an_id_and_an_age_together_are_not_understood() -> None:
    refused = run("expire", "some", "--older-than", "3")

    assert refused.exit_code == 2
    assert "not both" in refused.output


def test_a_database_of_another_version_is_said_to_be(data_folder: Path) -> None:
    (data_folder / "cosia.sqlite").unlink()
    forget_settings()

    refused = run("list")

    assert refused.exit_code == 1
    assert "cosia migrate" in refused.output
