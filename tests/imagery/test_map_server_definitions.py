"""Definitions of map servers: those that are shipped, those an operator adds, and those that are refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely
from click.testing import CliRunner

from app import checks, imagery
from app.cli import main
from app.database import Sessions, sessions
from app.database.migrate import migrate
from app.definitions import Band, ImagerySource, imagery_source, shipped_imagery_sources
from app.errors import ImageryRefused
from app.imagery import IndexedSource
from app.imagery.remote import Cell, RemoteCells
from app.imagery.tiles import lowest_zoom
from app.settings import settings
from tests.conftest import forget_settings
from tests.imagery_files import LEFT, TOP, random_bytes, write_raster
from tests.map_servers import Door, Reply, door_to, mapserver

_LAYER = {"role": "rgb", "layer": "a"}


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch) -> dict[str, ImagerySource]:
    """The shipped sources, offered as they are unless an operator says otherwise."""
    monkeypatch.delenv("COSIA_REMOTE_IMAGERY")
    forget_settings()
    return shipped_imagery_sources()


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Door]:
    """MapServer with an RGB raster over a bit of ground."""
    path = write_raster(tmp_path / "rgb.tif", random_bytes(3, 100, 100))
    with door_to(mapserver(tmp_path, {"ortho": path}, (LEFT, TOP - 20, LEFT + 20, TOP))) as door:
        yield door


def _service(url: str, **more: Any) -> dict[str, Any]:
    return {"url": url, "requests_per_s": 40, "layers": [{"role": "rgb", "layer": "ortho"}]} | more


def _definition(url: str, **more: Any) -> dict[str, Any]:
    return {"title": "Town", "epsg": 2154, "bbox": [3.255, 43.56, 3.256, 43.561], "service": _service(url, **more)}


def _add(tmp_path: Path, definition: object, *options: str) -> tuple[int, str]:
    file = tmp_path / "town.json"
    file.write_text(json.dumps(definition))
    done = CliRunner().invoke(main, ["imagery", "add", "town", "--service", str(file), *options])
    return done.exit_code, done.output


def test_shipped_sources_are_offered_without_adding_anything(
    shipped: dict[str, ImagerySource], sessions: Sessions
) -> None:
    with sessions.read() as session:
        offered = {source.id: source for source in imagery.list_sources(session)}
        assert imagery.find(session, "ign-ortho") == shipped["ign-ortho"]

    assert offered == shipped
    assert all(source.bands == tuple(Band) and source.resampled for source in offered.values())
    assert all("Licence Ouverte 2.0" in source.attribution for source in offered.values())


def test_shipped_sources_cover_the_bounds_of_their_definition(
    shipped: dict[str, ImagerySource], sessions: Sessions
) -> None:
    brest, lisbon = shapely.box(-4.49, 48.38, -4.48, 48.39), shapely.box(-9.14, 38.7, -9.13, 38.71)
    with sessions.read() as session:
        assert imagery.coverage(session, "ign-ortho").equals(shapely.box(-5.2, 41.3, 9.7, 51.2))
        assert imagery.covered_share(session, "ign-ortho", [Band.R, Band.E], brest) == 1
        assert imagery.covered_share(session, "ign-ortho", [Band.R], lisbon) == 0
        assert imagery.files_for(session, "ign-ortho", (0, 0, 10_000_000, 10_000_000)) == []


def test_lidar_heights_are_asked_on_their_own_pixels(shipped: dict[str, ImagerySource]) -> None:
    source = shipped["ign-lidar-ortho"]
    assert source.service is not None
    heights = source.service.layers[2]

    asked = RemoteCells(source, source.service).request(heights, Cell(2769, 20_460))

    # Edges of LiDAR HD's pixels of 0.5 m lie a quarter of a metre beside whole and half metres.
    assert asked["BBOX"] == "708864.25,6761984.25,709120.25,6762240.25"
    assert (asked["WIDTH"], asked["FORMAT"]) == ("512", "image/x-bil;bits=32")


def test_an_installation_without_a_way_out_offers_its_own_sources_alone(sessions: Sessions) -> None:
    with sessions.read() as session:
        assert imagery.list_sources(session) == []


def test_a_source_without_files_has_a_zoom(shipped: dict[str, ImagerySource]) -> None:
    assert 0 <= lowest_zoom(IndexedSource(shipped["ign-ortho"], [])) < 10


@pytest.mark.needs("mapserver")
def test_an_operator_adds_a_server_that_answers(town: Door, tmp_path: Path) -> None:
    code, said = _add(tmp_path, _definition(town.url))

    assert (code, "bands R, G, B" in said) == (0, True)
    listed = CliRunner().invoke(main, ["imagery", "list"]).output
    assert listed == "town\t-\tR,G,B\twms: available, nothing to add\tTown\n"


@pytest.mark.needs("mapserver")
def test_another_definition_is_another_version_and_has_to_be_said(town: Door, tmp_path: Path) -> None:
    _add(tmp_path, _definition(town.url))
    with sessions().read() as session:
        before = imagery.find(session, "town")

    assert _add(tmp_path, _definition(town.url, edition="2025"))[0] == 1
    assert _add(tmp_path, _definition(town.url, edition="2025"), "--replace")[0] == 0

    with sessions().read() as session:
        assert imagery.find(session, "town").version != before.version


@pytest.mark.needs("mapserver")
def test_a_layer_that_is_not_there_is_refused_in_the_words_of_the_server(town: Door, tmp_path: Path) -> None:
    code, said = _add(tmp_path, _definition(town.url, layers=[{"role": "rgb", "layer": "nowhere"}]))

    assert code == 1
    assert "the map server of imagery source town: it says" in said
    assert "LayerNotDefined" in said


@pytest.mark.needs("mapserver")
def test_check_says_whether_a_map_server_answers(town: Door, tmp_path: Path) -> None:
    _add(tmp_path, _definition(town.url))

    assert "ok   imagery town: its map server answers" in CliRunner().invoke(main, ["check"]).output
    town.failing = [Reply(503)]
    assert "FAIL imagery town: the map server of imagery source town" in CliRunner().invoke(main, ["check"]).output


@pytest.fixture
def shipped_far_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One shipped definition, of a server that nobody runs."""
    document = _definition("http://127.0.0.1:9/wms") | {"id": "far"}
    (tmp_path / "far.json").write_text(json.dumps(document), encoding="utf-8")
    monkeypatch.setattr(imagery_source, "_FOLDER", tmp_path)
    monkeypatch.setenv("COSIA_REMOTE_IMAGERY", "true")
    imagery_source.shipped_imagery_sources.cache_clear()
    forget_settings()
    yield
    imagery_source.shipped_imagery_sources.cache_clear()


@pytest.mark.usefixtures("shipped_far_away")
def test_a_shipped_map_server_that_is_away_is_told_and_is_no_failure() -> None:
    migrate(sessions().engine)

    (line,) = [line for line in checks.check_components(settings()) if line.component == "imagery far"]

    assert (line.mark, line.ok, line.needed) == ("away", False, False)
    assert "cannot be reached; predictions from it wait" in line.message


def test_files_and_a_server_together_are_refused(tmp_path: Path) -> None:
    migrate(sessions().engine)
    rgb = write_raster(tmp_path / "rgb.tif", random_bytes(3, 10, 10))

    code, said = _add(tmp_path, _definition("http://127.0.0.1:9/wms"), "--rgb", str(rgb))

    assert (code, "not from both" in said) == (2, True)


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        (_definition("ftp://host/wms"), "expected https://host/path"),
        (_definition("https://user:secret@host/wms"), "without user, password"),
        (_definition("file:///etc/passwd"), "expected https://host/path"),
        (_definition("https://host/wms", layers=[]), "layers"),
        (_definition("https://host/wms", colour="red"), "colour"),
        (_definition("https://host/wms", requests_per_s=1000), "less than or equal to 40"),
        (_definition("https://host/wms", layers=[_LAYER | {"format": "image/gif"}]), "bytes come as"),
        (_definition("https://host/wms", layers=[{"role": "stack", "layer": "a"}]), "the roles of a server's layers"),
        (_definition("https://host/wms", layers=[{"role": "surface", "layer": "a"}]), "has metres, not bytes"),
        (_definition("https://host/wms", layers=[_LAYER] * 2), "played by one layer"),
        (_definition("https://host/wms", layers=[{"role": "rgb", "layer": "a&REQUEST=x"}]), "pattern"),
        (_definition("https://host/wmts", protocol="wmts", version="1.0.0"), "need tile_matrix_set"),
        (_definition("https://host/wms") | {"epsg": "Lambert"}, "epsg"),
        ({"title": "Town"}, "service"),
        ([1], "holds no object"),
    ],
)
def test_a_definition_that_cannot_be_meant_is_refused(tmp_path: Path, definition: object, words: str) -> None:
    code, said = _add(tmp_path, definition)

    assert code == 1
    assert words in said


def test_no_message_repeats_a_password(tmp_path: Path) -> None:
    assert "secret" not in _add(tmp_path, _definition("https://user:secret@host/wms"))[1]


def test_an_id_that_no_address_can_hold_is_refused() -> None:
    with pytest.raises(ImageryRefused, match="the definition's id"):
        imagery.define_service({"id": "Town!", **_definition("https://host/wms")})
