"""The outputs of a job from its rows: gaps, comparisons, blocks that are damaged, a job that nobody wants any more."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update

from app import jobs
from app.catalogue import Catalogue
from app.database import BlockRow, ImagerySourceRow, JobRow, LayerRow, Sessions
from app.definitions import BlockCell, ImagerySource, nomenclature, shipped_model_cards
from app.errors import Invalid
from app.outputs import write_class_cog
from app.publish.raster_files import raster_row
from app.settings import Settings
from app.storage import FolderStorage, sha256
from tests import samples
from tests.outputs.predictions import FORESTS, block_row
from worker.predicted import BlocksDamaged
from worker.prediction_outputs import PredictionOutputs

SECOND = BlockCell(samples.CELL.column + 1, samples.CELL.row)
FELLED = np.where(FORESTS == 9, 16, FORESTS).astype(np.uint8)
"""The same place when the broad-leaved trees have been cut."""
SOURCE = samples.source()
OLDER = samples.source(id="ortho-2018", title="Ortho 2018", year=2018)


@pytest.fixture(autouse=True)
def _nobody_is_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.broker.ring", lambda *_, **__: True)


def predicted(
    sessions: Sessions,
    storage: FolderStorage,
    blocks: Mapping[tuple[ImagerySource, BlockCell], np.ndarray | str],
    **changes: Any,
) -> JobRow:
    """A job whose blocks have ended: with classes, or with the reason why they failed."""
    with sessions.write() as session:
        for source in (SOURCE, OLDER):
            session.add(ImagerySourceRow(id=source.id, document=source.model_dump(mode="json")))
    columns = len({cell for _, cell in blocks})
    asked = {"ensemble": samples.ensemble(shipped_model_cards()["cosia-demo"]), **changes}
    job = jobs.submit(sessions, samples.request(columns=columns, source=SOURCE, **asked), samples.LIMITS)
    with sessions.write() as session:
        for (source, cell), result in blocks.items():
            if isinstance(result, str):
                values: dict[str, Any] = {"status": "failed", "reason": result}
            else:
                row = block_row(FolderStorage(storage.folder / source.id), cell, result)
                (storage.folder / "blocks").mkdir(exist_ok=True)
                href = f"blocks/{source.id}-{cell.column}.tif"
                (storage.folder / source.id / str(row.href)).rename(storage.path(href))
                values = {"status": "done", "href": href, "sha256": row.sha256, "histogram": row.histogram}
            session.execute(
                update(BlockRow)
                .where(BlockRow.source_id == source.id, BlockRow.grid_column == cell.column)
                .values(**values)
            )
    return job


def outputs_of(sessions: Sessions, storage: FolderStorage, job: JobRow) -> dict[str, Any]:
    """The documents among the outputs of a job."""
    written, _ = write(sessions, storage, job)
    return {name: json.loads(storage.path(href).read_text()) for name, href in written.items() if "json" in href}


def write(sessions: Sessions, storage: FolderStorage, job: JobRow) -> tuple[dict[str, str], jobs.Files]:
    catalogue = Catalogue(sessions, storage, 1.0)
    settings = Settings(data=str(storage.folder), public_url="http://maps.example")
    return PredictionOutputs(sessions, storage, settings, catalogue, job, lambda: None).write()


def finish(sessions: Sessions, storage: FolderStorage, job: JobRow) -> dict[str, Path]:
    """Writes the outputs of a job and ends it well; where they are."""
    results, files = write(sessions, storage, job)
    with sessions.write() as session:
        assert jobs.succeed(session, job.id, results, files=files)
    return {name: storage.path(href) for name, href in results.items()}


def test_a_job_with_gaps_says_where_and_why(sessions: Sessions, storage: FolderStorage) -> None:
    job = predicted(
        sessions,
        storage,
        {(SOURCE, samples.CELL): FORESTS, (SOURCE, SECOND): "no imagery could be read"},
        inputs={"gaps": True},
        coverage=0.75,
    )

    table = outputs_of(sessions, storage, job)["areas"]

    assert [gap["reason"] for gap in table["gaps"]] == ["no imagery could be read"]
    assert table["gaps_m2"] == table["nodata_m2"] == pytest.approx(2043 * 2038 * 0.04)
    assert (table["coverage"], table["asked_m2"]) == (0.75, round(job.area_m2, 3))
    assert table["area_m2"] + table["nodata_m2"] == pytest.approx(job.area_m2, rel=1e-4)


def test_a_second_source_is_compared_from_the_older_year_to_the_newer(
    sessions: Sessions, storage: FolderStorage
) -> None:
    job = predicted(
        sessions,
        storage,
        {(SOURCE, samples.CELL): FELLED, (OLDER, samples.CELL): FORESTS},
        compared=OLDER,
        inputs={"compare": {"source": OLDER.id}},
        outputs=("areas", "changes"),
    )

    documents = outputs_of(sessions, storage, job)

    changes = documents["changes"]
    moved = {(row["from_code"], row["to_code"]): row["area_m2"] for row in changes["transitions"]}
    assert moved == pytest.approx(
        {("feuillu", "coupe"): 507 * 2038 * 0.04, ("conifere", "conifere"): 1531 * 2038 * 0.04}
    )
    assert (changes["from"]["imagery"], changes["to"]["imagery"]) == (OLDER.id, SOURCE.id)
    assert (changes["warnings"], changes["gaps"]) == ([], [])
    # The areas are those of the source that was asked for.
    assert {row["code"] for row in documents["areas"]["classes"]} == {"conifere", "coupe"}


def test_a_published_layer_of_a_later_year_is_what_it_became(sessions: Sessions, storage: FolderStorage) -> None:
    job = predicted(
        sessions,
        storage,
        {(SOURCE, samples.CELL): FORESTS},
        inputs={"compare": {"layer": "later"}},
        outputs=("changes",),
    )
    publish(sessions, storage, "later", FELLED, vintage=2024)

    changes = outputs_of(sessions, storage, job)["changes"]

    assert (changes["from"]["imagery"], changes["to"]["layer"]) == (SOURCE.id, "later")
    assert changes["changed_m2"] == pytest.approx(507 * 2038 * 0.04)
    lost = {row["code"]: row["lost_m2"] for row in changes["classes"] if row["lost_m2"]}
    assert lost == {"feuillu": pytest.approx(507 * 2038 * 0.04)}
    # Nobody knows by which network the layer was made.
    assert "Changes of the network mix" in changes["warnings"][0]


def test_a_layer_that_was_withdrawn_meanwhile_ends_the_job_with_that(
    sessions: Sessions, storage: FolderStorage
) -> None:
    job = predicted(
        sessions,
        storage,
        {(SOURCE, samples.CELL): FORESTS},
        inputs={"compare": {"layer": "gone"}},
        outputs=("changes",),
    )

    with pytest.raises(Invalid, match="layer gone was withdrawn"):
        outputs_of(sessions, storage, job)


OUTPUTS = ("classes", "areas", "picture", "report", "stac")


def repeated(sessions: Sessions, **changes: Any) -> JobRow:
    """The same area asked for again; its block is there."""
    asked = {"ensemble": samples.ensemble(shipped_model_cards()["cosia-demo"]), **changes}
    request = samples.request(source=SOURCE, outputs=OUTPUTS, **asked)
    return jobs.submit(sessions, request, samples.LIMITS)


def test_a_repeat_takes_over_the_files_that_do_not_name_the_job_without_reading_a_block(
    sessions: Sessions, storage: FolderStorage
) -> None:
    first = predicted(sessions, storage, {(SOURCE, samples.CELL): FORESTS}, outputs=OUTPUTS)
    before = finish(sessions, storage, first)
    second = repeated(sessions)
    storage.remove(f"blocks/{SOURCE.id}-{samples.CELL.column}.tif")

    after = finish(sessions, storage, second)

    for name in ("classes", "areas", "picture"):
        assert after[name] != before[name]
        assert after[name].read_bytes() == before[name].read_bytes()
    for name, permalink in (("report", second.permalink), ("stac", second.permalink)):
        assert after[name].read_bytes() != before[name].read_bytes()
        assert name == "report" or permalink in after[name].read_text()
    with sessions.read() as session:
        kept = jobs.get(session, second.id)
        assert kept.checksums == {name: sha256(path) for name, path in after.items()}
        assert kept.result_bytes == sum(path.stat().st_size for path in after.values())


@pytest.mark.parametrize("changes", [{"inputs": {"language": "en"}}, {"inputs": {"minimum_area_m2": 5.0}}])
def test_a_job_that_asks_otherwise_takes_nothing_over(
    sessions: Sessions, storage: FolderStorage, changes: dict[str, Any]
) -> None:
    finish(sessions, storage, predicted(sessions, storage, {(SOURCE, samples.CELL): FORESTS}, outputs=OUTPUTS))
    second = repeated(sessions, **changes)
    storage.remove(f"blocks/{SOURCE.id}-{samples.CELL.column}.tif")

    with pytest.raises(BlocksDamaged):
        write(sessions, storage, second)


def test_results_that_were_damaged_are_not_taken_over(sessions: Sessions, storage: FolderStorage) -> None:
    first = predicted(sessions, storage, {(SOURCE, samples.CELL): FORESTS}, outputs=OUTPUTS)
    before = finish(sessions, storage, first)
    good = before["classes"].read_bytes()
    before["classes"].write_bytes(good[:-1] + bytes([good[-1] ^ 1]))

    after = finish(sessions, storage, repeated(sessions))

    assert after["classes"].read_bytes() == good


def test_a_block_whose_file_changed_is_not_used(sessions: Sessions, storage: FolderStorage) -> None:
    job = predicted(sessions, storage, {(SOURCE, samples.CELL): FORESTS})
    path = storage.path(f"blocks/{SOURCE.id}-{samples.CELL.column}.tif")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1  # in a checksum or in nothing at all: only the digest tells
    path.write_bytes(data)

    with pytest.raises(BlocksDamaged) as caught:
        outputs_of(sessions, storage, job)
    with sessions.read() as session:
        assert list(caught.value.keys) == [row.key for row in jobs.ended_blocks(session, job.id)]


def publish(sessions: Sessions, storage: FolderStorage, layer_id: str, classes: np.ndarray, *, vintage: int) -> None:
    """A layer of one raster, on the first block."""
    grid = samples.GRID.block(samples.CELL)
    href = f"layers/{layer_id}.tif"
    with storage.writing(href) as path:
        write_class_cog(path, grid, [((0, 0, grid.width, grid.height), classes)], nomenclature())
    with sessions.write() as session:
        session.add(
            LayerRow(
                id=layer_id,
                title=layer_id,
                description="",
                nomenclature="cosia",
                vintage=vintage,
                attribution="IGN",
                version="v1",
            )
        )
        session.flush()
        raster = raster_row(storage, "a", href, None, grid)
        raster.layer_id = layer_id
        session.add(raster)
