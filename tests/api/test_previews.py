"""Preview tiles of a job: from its blocks while it runs, from its result afterwards, at a cost that does not grow."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import update

from app import blocks, jobs
from app.api import previews
from app.api.preview_blocks import PreviewBlocks
from app.database import EventRow, JobRow, Sessions, sessions
from app.definitions import BlockCell, nomenclature
from app.outputs import write_block
from app.outputs.cog import write_class_cog
from app.storage import storage
from app.tiling import tile_grid
from app.tiling.grids import TileGrid
from tests import samples
from tests.api.test_followers import statements
from tests.api.test_jobs import compute_its_block, finish, job_id

__all__ = ["job_id"]

WHOLE = {str(value): 1000 - value for value in range(1, 4)} | {"0": 4_000_000}


@pytest.fixture
def job(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> JobRow:
    """A job of nine blocks."""
    monkeypatch.setattr("app.broker.ring", lambda *_args, **_options: True)
    return jobs.submit(sessions, samples.request(columns=3, rows=3), samples.LIMITS)


def complete(sessions: Sessions, job: JobRow, count: int) -> None:
    with sessions.write() as session:
        claims = jobs.claim_blocks(session, job.id, owner="a", limit=count, lease_s=60, most_attempts=3)
    for claim in claims:
        with sessions.write() as session:
            blocks.complete(
                session, claim, href=blocks.block_href(claim.key), sha256=claim.key, histogram=WHOLE, seconds=1
            )
            jobs.block_ended(session, claim.key, jobs.block_bbox(claim.epsg, claim.cell))


def known(sessions: Sessions, index: PreviewBlocks, job: JobRow) -> dict[BlockCell, Any]:
    with sessions.read() as session:
        return dict(index.of(session, session.get_one(JobRow, job.id)).cells)


def test_blocks_are_known_as_they_end(sessions: Sessions, job: JobRow) -> None:
    index = PreviewBlocks()
    counts = [len(known(sessions, index, job))]
    for _ in range(3):
        complete(sessions, job, 3)
        counts.append(len(known(sessions, index, job)))

    assert counts == [0, 3, 6, 9]


def test_what_has_not_changed_is_not_read_again(sessions: Sessions, job: JobRow) -> None:
    index = PreviewBlocks()
    complete(sessions, job, 8)
    known(sessions, index, job)

    with statements(sessions) as unchanged:
        known(sessions, index, job)
    complete(sessions, job, 1)
    with statements(sessions) as changed:
        found = known(sessions, index, job)

    assert len([each for each in unchanged if each.startswith("SELECT")]) == 1  # the job's row
    assert not [each for each in changed if "job_block" in each]
    assert len(found) == 9


def test_where_events_do_not_tell_all_blocks_are_read_anew(sessions: Sessions, job: JobRow) -> None:
    index = PreviewBlocks()
    known(sessions, index, job)
    complete(sessions, job, 2)
    with sessions.write() as session:
        session.query(EventRow).delete()

    assert len(known(sessions, index, job)) == 2


def test_blocks_that_were_there_before_are_known_at_once(sessions: Sessions, job: JobRow) -> None:
    complete(sessions, job, 9)
    again = jobs.submit(sessions, samples.request(columns=3, rows=3), samples.LIMITS)

    assert len(known(sessions, PreviewBlocks(), again)) == 9


def test_of_a_block_the_most_frequent_class_is_known_and_nodata_has_no_vote(sessions: Sessions, job: JobRow) -> None:
    complete(sessions, job, 1)

    (finished,) = known(sessions, PreviewBlocks(), job).values()
    assert finished.value == 1


def test_a_tile_asks_for_the_blocks_it_touches_only(sessions: Sessions, job: JobRow) -> None:
    complete(sessions, job, 9)
    with sessions.read() as session:
        index = PreviewBlocks().of(session, session.get_one(JobRow, job.id))

    assert set(index.under(place_of(samples.CELL, z=20)[1])) == {samples.CELL}
    assert set(index.under(tile_grid("WebMercatorQuad", 5, 0, 0))) == set()


def place_of(cell: BlockCell, z: int) -> tuple[str, TileGrid]:
    """The tile (z/x/y, and its grid) in which the middle of a block lies."""
    west, south, east, north = jobs.block_bbox(2154, cell)
    x = int(((west + east) / 2 + 180) / 360 * 2**z)
    y = int((1 - np.arcsinh(np.tan(np.radians((south + north) / 2))) / np.pi) / 2 * 2**z)
    return f"{z}/{x}/{y}", tile_grid("WebMercatorQuad", z, x, y)


def values(png: bytes) -> np.ndarray:
    """The class of each pixel."""
    picture = Image.open(io.BytesIO(png))
    assert picture.mode == "P"
    return np.asarray(picture)


def compute_halves(job_id: str) -> Path:
    """Leaves a block whose western half is of class 8, and its eastern half of class 1."""
    with sessions().write() as session:
        (claim,) = jobs.claim_blocks(session, job_id, owner="a", limit=1, lease_s=60, most_attempts=3)
    classes = np.full((2048, 2048), 8, np.uint8)
    classes[:, 1024:] = 1
    href = blocks.block_href(claim.key)
    with storage().writing(href) as path:
        write_block(path, classes, classes, samples.GRID.block(claim.cell))
    with sessions().write() as session:
        blocks.complete(session, claim, href=href, sha256="0" * 64, histogram={"8": 2, "1": 2}, seconds=1.0)
        jobs.block_ended(session, claim.key, jobs.block_bbox(claim.epsg, claim.cell))
    return Path(storage().gdal_path(href))


def test_a_preview_is_the_same_until_a_block_ends(service: TestClient, job_id: str) -> None:
    address = f"/api/jobs/{job_id}/tiles/{place_of(samples.CELL, 17)[0]}.png"
    empty = service.get(address)
    compute_its_block(job_id)
    full = service.get(address)
    again = service.get(address, headers={"If-None-Match": full.headers["etag"]})

    assert (empty.status_code, full.status_code, again.status_code) == (204, 200, 304)
    assert full.headers["cache-control"] == again.headers["cache-control"] == "private, no-cache"
    assert service.get(f"{address}?v=1").headers["cache-control"] == "private, max-age=300"


@pytest.mark.parametrize("z", [11, 13, 15, 17])
def test_seen_from_afar_a_block_shows_what_it_shows_from_near(
    service: TestClient, job_id: str, monkeypatch: pytest.MonkeyPatch, z: int
) -> None:
    compute_halves(job_id)
    address = f"/api/jobs/{job_id}/tiles/{place_of(samples.CELL, z)[0]}.png"
    near = values(service.get(address).content)
    monkeypatch.setattr(previews, "_MOST_RASTERS", 0)
    answer = service.get(address)
    far = values(answer.content)

    # A mosaic's pixels are of 12.8 m: what differs lies along edges, a pixel or two wide.
    assert (near != far).mean() < (0.03 if z < 17 else 0.06)
    assert set(np.unique(far)) <= {0, 1, 8}
    assert service.get(address, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_from_very_far_a_block_is_its_most_frequent_class(
    service: TestClient, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute_halves(job_id)
    monkeypatch.setattr(previews, "_MOST_RASTERS", 0)
    monkeypatch.setattr("app.api.preview_mosaics.MOST_PICTURES", 0)

    far = values(service.get(f"/api/jobs/{job_id}/tiles/{place_of(samples.CELL, 15)[0]}.png").content)

    assert set(np.unique(far)) == {0, 1}  # as frequent as 8, and the lower


@pytest.mark.parametrize("harm", ["flipped", "truncated", "gone"])
def test_a_damaged_block_is_no_tile_until_it_is_mended(service: TestClient, job_id: str, harm: str) -> None:
    path = compute_halves(job_id)
    good = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        middle = len(good) // 2
        path.write_bytes(
            good[:middle] + bytes([good[middle] ^ 255]) + good[middle + 1 :] if harm == "flipped" else good[:40]
        )
    address = f"/api/jobs/{job_id}/tiles/{place_of(samples.CELL, 17)[0]}.png"

    answer = service.get(address)

    if harm != "flipped":  # where the byte lies, this tile may not look
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert int(answer.headers["retry-after"]) > 0
        assert str(path) not in answer.text
    path.write_bytes(good)
    assert service.get(address).status_code == 200


def test_a_finished_job_shows_its_result_whatever_became_of_its_blocks(service: TestClient, job_id: str) -> None:
    block = compute_halves(job_id)
    href = f"jobs/{job_id}/classes.tif"
    grid = samples.GRID.block(samples.CELL).window(0, 0, 1024, 2048)
    with storage().writing(href) as path:
        write_class_cog(path, grid, [((0, 0, 1024, 2048), np.full((2048, 1024), 3, np.uint8))], nomenclature())
    finish(job_id, classes=href)
    block.unlink()

    shown = values(service.get(f"/api/jobs/{job_id}/tiles/{place_of(samples.CELL, 15)[0]}.png").content)

    assert set(np.unique(shown)) == {0, 3}


def test_expired_results_have_no_tiles(service: TestClient, job_id: str) -> None:
    finish(job_id)
    with sessions().write() as session:
        session.execute(update(JobRow).values(expired_at=1.0))

    answer = service.get(f"/api/jobs/{job_id}/tiles/{place_of(samples.CELL, 15)[0]}.png")

    assert answer.status_code == 410
    assert answer.json()["type"].endswith("result-expired")


def test_a_job_that_counts_has_no_tiles(service: TestClient, job_id: str) -> None:
    with sessions().write() as session:
        session.execute(update(JobRow).values(process=jobs.MEASURE_AREAS))

    assert service.get(f"/api/jobs/{job_id}/tiles/tilejson.json").status_code == 404
    assert service.get(f"/api/jobs/{job_id}/tiles/{place_of(samples.CELL, 15)[0]}.png").status_code == 404
