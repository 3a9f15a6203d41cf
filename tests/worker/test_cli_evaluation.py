"""`cosia evaluate` as an operator types it, and what readers of the layer see of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from fastapi.testclient import TestClient
from sqlalchemy import update

from app import models
from app.cli import main
from app.database import JobRow, LayerQualityRow, LayerRow, sessions
from app.database.migrate import migrate
from app.definitions import Grid, nomenclature
from app.errors import Conflict
from app.outputs import write_class_cog
from app.publish import unpublish
from app.quality import QualityReport, find_report, publish_report
from app.storage import storage
from tests import nomenclatures, samples
from tests import published as layers
from tests.published import write_classes
from worker.evaluation import job_map


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["evaluate", *(str(argument) for argument in arguments)])


@pytest.fixture
def town(tmp_path: Path) -> None:
    """The layers `town` and `field` of tests/published.py."""
    migrate(sessions().engine)
    layers.publish_town_and_field(sessions(), storage(), tmp_path)


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """The town as somebody surveyed it, in pixels of 0.4 m: its north-east is water, its nodata is built."""
    values = np.full((512, 512), layers.BUILDING, np.uint8)
    values[:256, 256:] = values[256:, :256] = layers.WATER
    return write_classes(tmp_path / "survey.tif", values, Grid(2154, layers.LEFT, layers.TOP, 0.4, 512, 512))


def test_layer_is_evaluated_and_its_report_written(town: None, reference: Path, tmp_path: Path) -> None:
    result = run("--layer", "town", "--reference", reference, "--out", tmp_path / "out")

    assert result.exit_code == 0, result.output
    report = QualityReport.model_validate_json((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert (report.compared_pixels, report.unpredicted_pixels) == (3 * 512**2, 512**2)
    assert report.overall_accuracy == 2 / 3
    assert f"overall accuracy {2 / 3:.4f}" in result.output
    schema = json.loads((tmp_path / "out" / "report.schema.json").read_text(encoding="utf-8"))
    assert schema["properties"].keys() == json.loads(report.model_dump_json()).keys()
    assert "<svg" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_published_figures_stand_in_the_collection_and_in_stac(town: None, reference: Path) -> None:
    assert run("--layer", "town", "--reference", reference, "--publish").exit_code == 0

    from app.main import create_app

    with TestClient(create_app(), base_url="http://127.0.0.1:8000") as client:
        collection = client.get("/api/collections/town").json()
        stac = client.get("/api/stac/town").json()
        document = client.get("/api/collections/town/quality.json")
        shown = client.get("/api/collections/town/quality.html?lang=en")
        other = client.get("/api/collections/field/quality.json")
    assert collection["cosia:quality"]["overall_accuracy"] == 2 / 3
    assert stac["summaries"]["cosia:quality"] == [collection["cosia:quality"]]
    for linked in (collection, stac):
        assert "http://127.0.0.1:8000/api/collections/town/quality.html" in [each["href"] for each in linked["links"]]
    assert document.json()["reference"]["name"] == "survey.tif"
    assert shown.headers["content-security-policy"].startswith("default-src 'none'")
    assert "Quality of Town" in shown.text
    assert other.status_code == 404
    assert "was not evaluated" in other.json()["detail"]


def test_figures_that_another_version_of_the_program_wrote_do_not_take_the_layer_away(
    town: None, reference: Path
) -> None:
    run("--layer", "town", "--reference", reference, "--publish")
    with sessions().write() as session:
        session.execute(update(LayerQualityRow).values(document={"format": "of tomorrow"}))

    from app.main import create_app

    with TestClient(create_app(), base_url="http://127.0.0.1:8000") as client:
        collection = client.get("/api/collections/town")
        document = client.get("/api/collections/town/quality.json")

    assert (collection.status_code, collection.json()["cosia:quality"]) == (200, None)
    assert document.status_code == 404


def test_figures_of_another_content_are_not_shown_and_those_of_a_withdrawn_layer_go(
    town: None, reference: Path, tmp_path: Path
) -> None:
    run("--layer", "town", "--reference", reference, "--publish")
    with sessions().read() as session:
        report = find_report(session, "town", session.get_one(LayerRow, "town").version)
        assert report is not None

    layers.publish_layer(sessions(), storage(), write_classes(tmp_path / "new.tif", np.ones((64, 64), np.uint8)))
    with sessions().read() as session:
        assert find_report(session, "town", session.get_one(LayerRow, "town").version) is None
    with pytest.raises(Conflict, match="published anew meanwhile"):
        publish_report(sessions(), report)
    unpublish(sessions(), storage(), "town")

    with sessions().read() as session:
        assert find_report(session, "town", str(report.subject.version)) is None


def test_job_is_evaluated_by_its_classes(tmp_path: Path, reference: Path) -> None:
    migrate(sessions().engine)
    grid = Grid(2154, layers.LEFT, layers.TOP, 0.2, 256, 256)
    with storage().writing("jobs/one/classes.tif") as path:
        write_class_cog(
            path, grid, [((0, 0, 256, 256), np.full((256, 256), layers.BUILDING, np.uint8))], nomenclature()
        )
    _add_job("one", {"classes": "jobs/one/classes.tif"})

    result = run("--job", "one", "--reference", reference, "--out", tmp_path / "out")

    assert result.exit_code == 0, result.output
    report = QualityReport.model_validate_json((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert (report.subject.kind, report.compared_pixels, report.overall_accuracy) == ("job", 256**2, 1.0)
    assert report.calibration is None  # the job was not asked for confidence


def test_job_is_evaluated_in_the_nomenclature_of_its_model(tmp_path: Path) -> None:
    migrate(sessions().engine)
    with nomenclatures.another(tmp_path / "nomenclatures") as classes:
        with storage().writing("jobs/one/classes.tif") as path:
            write_classes(path, np.ones((64, 64), np.uint8))
        _add_job("one", {"classes": "jobs/one/classes.tif"}, classes.id)

        with sessions().read() as session:
            layer, subject = job_map(session, storage(), "one")

    assert (layer.nomenclature.id, subject.nomenclature) == ("other", "other")


def test_job_that_has_nothing_to_show_is_refused(reference: Path) -> None:
    migrate(sessions().engine)
    _add_job("areas-only", {"areas": "jobs/areas-only/areas.json"})
    _add_job("gone", {"classes": "jobs/gone/classes.tif"})
    with sessions().write() as session:
        session.execute(update(JobRow).where(JobRow.id == "gone").values(expired_at=1.0))

    for job, words in (("areas-only", "no raster of classes"), ("gone", "are gone"), ("other", "no job of that id")):
        result = run("--job", job, "--reference", reference)
        assert result.exit_code == 1
        assert words in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--layer", "town"], "--reference FILE goes with --layer or --job"),
        (["--layer", "town", "--job", "x"], "do not go together"),
        (["--publish"], "give --layer and --reference"),
        (["--model", "nobody"], "there is no model"),
    ],
)
def test_combinations_that_mean_nothing_are_refused(arguments: list[str], words: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 1
    assert words in result.output


def test_unknown_layer_is_refused_and_those_there_are_named(town: None, reference: Path) -> None:
    result = run("--layer", "village", "--reference", reference)

    assert result.exit_code == 1
    assert "field, town" in result.output


def _add_job(job_id: str, results: dict[str, str], nomenclature_id: str = "cosia") -> None:
    card = samples.card(nomenclature=nomenclature_id)
    with sessions().write() as session:
        models.add_model(session, storage(), card, b"weights", samples.WEIGHTS_SHA256)
        session.add(
            JobRow(
                id=job_id,
                permalink=f"link-{job_id}",
                owner="somebody",
                request_sha256="0" * 64,
                status="successful",
                process="predict-land-cover",
                source_id="ortho-2021",
                model_id="tiny",
                outputs={"names": list(results)},
                aoi=samples.lonlat_box(samples.CELL, samples.CELL),
                area_m2=1.0,
                epsg=2154,
                blocks_total=1,
                results=results,
            )
        )
