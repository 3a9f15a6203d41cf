"""What an operator tells of how the photographs of a source were taken."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app import imagery
from app.cli import main
from app.database import sessions
from app.definitions import ExtraInput, ImagerySource, Photographs
from app.errors import ImageryRefused
from tests.imagery_files import random_bytes, write_raster

TOLD = ["--taken", "2020-07-22T11:42", "--camera", "UCE-M3-f120-s06", "--altitude-m", "50.1"]


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    return write_raster(tmp_path / "stack.tif", random_bytes(5, 64, 64))


def add(stack: Path, *told: str) -> Result:
    return CliRunner().invoke(main, ["imagery", "add", "town", "--stack", str(stack), *told])


def source() -> ImagerySource:
    with sessions().read() as session:
        return imagery.find(session, "town")


def test_facts_of_the_photographs_are_kept_and_told(stack: Path) -> None:
    done = add(stack, *TOLD)

    assert done.exit_code == 0, done.output
    assert "taken 2020-07-22 11:42 with UCE-M3-f120-s06 over ground at 50.1 m" in done.output
    found = source()
    assert found.photographs == Photographs(
        taken=datetime(2020, 7, 22, 11, 42), camera="UCE-M3-f120-s06", altitude_m=50.1
    )
    assert found.extra_inputs == (ExtraInput.METADATA,)


def test_other_facts_give_a_new_version(stack: Path) -> None:
    versions = set()
    for told in ([], TOLD, [*TOLD[:-1], "51"], TOLD):
        assert add(stack, *told).exit_code == 0
        versions.add(source().version)

    assert len(versions) == 3


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (TOLD[:2], "--taken, --camera and --altitude-m tell together how the pictures were taken: give all"),
        (["--taken", "2022-07-22T11:42", *TOLD[2:]], "told how photographs were taken know the years 2018 to 2021"),
        (["--taken", "2020-07-22", *TOLD[2:]], "does not match the format"),
        ([*TOLD[:5], "99999"], "altitude_m 99999.0 is not accepted"),
        ([*TOLD[:3], "", *TOLD[4:]], "camera  is not accepted"),
    ],
    ids=["not all", "year", "no time", "height", "no name"],
)
def test_facts_that_no_network_knows_are_refused(stack: Path, told: list[str], says: str) -> None:
    refused = add(stack, *told)

    assert refused.exit_code != 0
    assert says in refused.output


def test_facts_are_told_of_lambert_93_alone(tmp_path: Path) -> None:
    reunion = write_raster(
        tmp_path / "stack.tif", random_bytes(5, 64, 64), left=340_000, top=7_680_000, crs="EPSG:2975"
    )

    refused = add(reunion, *TOLD)

    assert refused.exit_code == 1
    assert "is in EPSG:2975" in refused.output
    assert "know places of EPSG:2154 alone" in refused.output


@pytest.mark.parametrize("told", [{"photographs": {"taken": "2020-07-22T11:42", "camera": "c", "altitude_m": 5}},
                                  {"series": {"first": "2021-04-01", "last": "2021-05-01", "dates": 2}}])  # fmt: skip
def test_definition_of_a_map_server_cannot_tell_of_files(told: dict[str, Any]) -> None:
    layers = [{"role": "rgb", "layer": "ortho", "format": "image/png"}]
    service = {"protocol": "wms", "url": "https://maps.example/wms", "layers": layers}
    document = {"id": "ortho", "title": "O", "epsg": 2154, "bbox": [0, 45, 1, 46], "service": service}
    imagery.define_service(document)

    with pytest.raises(ImageryRefused, match="are those of files, and this is a map server"):
        imagery.define_service(document | told)
