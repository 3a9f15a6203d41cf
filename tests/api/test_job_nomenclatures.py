"""What a job shows is in the names and colours of its model's nomenclature, whichever there are beside it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image, ImageColor

from app import models
from app.api import previews
from app.database import sessions
from app.outputs import write_class_cog
from app.storage import storage
from tests import nomenclatures, samples
from tests.api.test_jobs import finish
from tests.api.test_previews import compute_halves, place_of
from tests.api.test_processes import AREA, execute

PLACE = place_of(samples.CELL, 15)[0]


@pytest.fixture
def job_id(service: TestClient, tmp_path: Path) -> Iterator[str]:
    """A job of a model that gives other classes than CoSIA's; its block is half of the first of them."""
    with nomenclatures.another(tmp_path / "nomenclatures") as classes:
        with sessions().write() as session:
            card = samples.card(id="strange", nomenclature=classes.id)
            models.add_model(session, storage(), card, b"weights", samples.WEIGHTS_SHA256)
        answer = execute(service, {"aoi": AREA, "model": "strange", "outputs": ["classes"]})
        job_id = str(answer.json()["jobID"])
        compute_halves(job_id)
        yield job_id


def building_colour(png: bytes) -> tuple[int, ...]:
    """Of the first class in the palette of a tile."""
    picture = Image.open(io.BytesIO(png))
    assert 1 in np.asarray(picture)
    return tuple(picture.convert("RGB").getpixel(tuple(np.argwhere(np.asarray(picture).T == 1)[0].tolist())))  # type: ignore[arg-type]


@pytest.mark.parametrize("most_rasters", [36, 0])
def test_a_preview_has_the_colours_of_the_jobs_nomenclature_from_near_and_from_afar(
    service: TestClient, job_id: str, monkeypatch: pytest.MonkeyPatch, most_rasters: int
) -> None:
    monkeypatch.setattr(previews, "_MOST_RASTERS", most_rasters)

    shown = service.get(f"/api/jobs/{job_id}/tiles/{PLACE}.png").content

    assert building_colour(shown) == ImageColor.getrgb(nomenclatures.BUILDING_COLOUR)


def test_a_result_and_the_layer_made_of_it_have_the_jobs_nomenclature(service: TestClient, job_id: str) -> None:
    href, grid = f"jobs/{job_id}/classes.tif", samples.GRID.block(samples.CELL)
    with sessions().read() as session:
        classes = models.nomenclature_of(session, "strange")
    with storage().writing(href) as path:
        write_class_cog(path, grid, [((0, 0, 2048, 2048), np.ones((2048, 2048), np.uint8))], classes)
    finish(job_id, classes=href)

    result = service.get(f"/api/jobs/{job_id}/tiles/{PLACE}.png").content
    layer = service.put(f"/api/jobs/{job_id}/layer").json()["layer"]
    legend = service.get(f"/api/collections/{layer}/legend.json").json()
    tile = service.get(f"/tiles/{layer}/{PLACE}.png").content

    assert building_colour(result) == building_colour(tile) == ImageColor.getrgb(nomenclatures.BUILDING_COLOUR)
    assert (legend["title"], legend["classes"][0]["colour"]) == ("Other", nomenclatures.BUILDING_COLOUR)
