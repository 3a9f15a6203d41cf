"""`cosia predict` on a map server: a part of what it covers, through its weather, with words where it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from click.testing import CliRunner
from PIL import Image

from app import imagery
from app.cli import main
from app.definitions import Augmentation, ImagerySource, ModelCard
from app.errors import ImageryRefused, ParameterInvalid, Unavailable
from app.imagery.remote import client
from tests import samples
from tests.map_servers import Door, Reply, door_to
from tests.worker.test_source_map import Brightest
from worker.pipeline import Predictor
from worker.source_map import Lonlat, write_source_map

BBOX = samples.lonlat_box(samples.CELL, samples.CELL, inset_m=100.0).bounds
"""The middle of a block, 209.6 m wide: 1048 pixels, and a few more because north is not quite up there."""
NO_LAYER = (
    b"<ServiceExceptionReport>"
    b'<ServiceException code="LayerNotDefined">no rgb</ServiceException></ServiceExceptionReport>'
)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_FIRST_WAIT_S", 0.001)
    monkeypatch.setattr(client, "_UNSTATED_WAIT_S", 0.001)
    monkeypatch.setattr("app.blocks._FIRST_WAIT_S", 0.001)


@pytest.fixture
def door() -> Iterator[Door]:
    """A server whose every picture is of a colour in which green is brightest."""
    file = BytesIO()
    Image.new("RGB", (2048, 2048), (10, 200, 30)).save(file, "PNG")
    with door_to(lambda _query: Reply(200, {"Content-Type": "image/png"}, file.getvalue())) as door:
        yield door


@pytest.fixture
def source(door: Door) -> ImagerySource:
    return source_of(door, [3.0, 43.0, 4.0, 44.0])


def source_of(door: Door, bbox: list[float]) -> ImagerySource:
    layers = [{"role": "rgb", "layer": "rgb", "cell_px": 2048}]
    service = {"url": door.url, "requests_per_s": 40, "layers": layers}
    return imagery.define_service({"id": "remote", "title": "Remote", "epsg": 2154, "bbox": bbox, "service": service})


Write = Callable[..., list[str]]


@pytest.fixture
def write(card: ModelCard, tmp_path: Path) -> Write:
    """Writes map.tif; gives what was said meanwhile."""
    network = Predictor([(card, Brightest())], Augmentation.NONE, torch.device("cpu"))

    def written(source: ImagerySource, bbox: Lonlat | None = BBOX) -> list[str]:
        said: list[str] = []
        write_source_map(tmp_path / "map.tif", source, [], [], network, lambda _: None, said.append, bbox)
        return said

    return written


def test_a_part_of_what_a_server_covers_is_predicted_and_nothing_around_it(
    write: Write, source: ImagerySource, door: Door, tmp_path: Path
) -> None:
    assert write(source) == []

    with rasterio.open(tmp_path / "map.tif") as raster:
        assert 1048 <= raster.width <= 1060
        assert 1048 <= raster.height <= 1060
        assert set(np.unique(raster.read(1))) == {2}
    assert len(door.asked) == 1


def test_a_server_that_is_away_for_a_while_is_waited_for_and_told(
    write: Write, source: ImagerySource, door: Door, tmp_path: Path
) -> None:
    door.failing = [Reply(502) for _ in range(5)]  # four tries, a wait, and one more

    (said,) = write(source)

    assert said.startswith("the map server of imagery source remote: it has a fault of its own (502); asked again in")
    assert (tmp_path / "map.tif").exists()


def test_a_server_that_stays_away_is_named_with_what_to_do(
    write: Write, source: ImagerySource, door: Door, tmp_path: Path
) -> None:
    door.failing = [Reply(502) for _ in range(100)]

    with pytest.raises(
        Unavailable, match=r"source remote: it has a fault of its own \(502\); what came until now is kept"
    ):
        write(source)
    assert len(door.asked) == 4 * 4
    assert not (tmp_path / "map.tif").exists()


def test_what_no_try_betters_is_said_at_once_in_the_words_of_the_server(
    write: Write, source: ImagerySource, door: Door
) -> None:
    door.failing = [Reply(200, {"Content-Type": "text/xml"}, NO_LAYER)]

    with pytest.raises(ImageryRefused, match="source remote: it says 'no rgb'"):
        write(source)
    assert len(door.asked) == 1


def test_a_source_as_large_as_a_country_is_predicted_in_parts_only(
    write: Write, source: ImagerySource, door: Door
) -> None:
    with pytest.raises(ParameterInvalid, match=r"covers [\d,]+ km²: say which part with --bbox"):
        write(source, None)
    assert door.asked == []


def test_all_of_a_small_source_is_predicted_without_asking_for_a_part(write: Write, door: Door, tmp_path: Path) -> None:
    write(source_of(door, list(BBOX)), None)

    with rasterio.open(tmp_path / "map.tif") as raster:
        assert set(np.unique(raster.read(1))) == {2}


def test_a_part_beside_the_source_is_refused_with_what_it_covers(write: Write, source: ImagerySource) -> None:
    with pytest.raises(ParameterInvalid, match="remote has nothing there: it covers 3 43 4 44"):
        write(source, (5.0, 43.0, 5.1, 43.1))


@pytest.mark.parametrize("bbox", ["3.1 43.1 3.0 43.2", "3.0 43.2 3.1 43.1", "3.0 43.0 3.1 143.0"])
def test_bounds_that_are_none_are_refused_with_an_example(tmp_path: Path, bbox: str) -> None:
    arguments = ["predict", "--source", "any", "--out", str(tmp_path / "map.tif"), "--bbox", *bbox.split()]

    refused = CliRunner().invoke(main, arguments)

    assert refused.exit_code != 0
    assert "such as 2.33 48.85 2.35 48.86" in refused.output
