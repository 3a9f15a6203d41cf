"""Imagery tiles over HTTP: right colours at the right place, cheap answers to wrong questions."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from pyproj import Transformer
from rasterio.io import DatasetReader
from rasterio.shutil import copy

from app import imagery
from app.api import imagery as imagery_routes
from app.api.problems import add_problem_handlers
from app.database import sessions
from app.database.migrate import migrate
from app.definitions import Band
from app.settings import settings
from tests.imagery_files import LEFT, TOP, UNNAMED_LAMBERT_93, write_raster

SIDE_M = 204.8
RED, BLUE, NEAR_INFRARED = (200, 40, 30), (20, 60, 210), (240, 200, 40)


def _tile_at(x_m: float, y_m: float, z: int) -> tuple[int, int, int]:
    """z, x, y of the Web Mercator tile that holds a point of EPSG:2154."""
    lon, lat = Transformer.from_crs(2154, 4326, always_xy=True).transform(x_m, y_m)
    across = 2**z
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return z, int((lon + 180) / 360 * across), int(y * across)


def _address(x_m: float, y_m: float, z: int) -> str:
    return "/imagery/town/{}/{}/{}.jpg".format(*_tile_at(x_m, y_m, z))


CENTRE = _address(LEFT + SIDE_M / 2, TOP - SIDE_M / 2, 19)


@pytest.fixture
def client(tmp_path: Path, data_folder: Path) -> Iterator[TestClient]:
    """A source `town`: the west half red, the east half blue, all of it yellow in infrared, as one COG each."""
    migrate(sessions().engine)
    rgb = np.zeros((3, 1024, 1024), np.uint8)
    rgb[:, :, :512] = np.array(RED)[:, None, None]
    rgb[:, :, 512:] = np.array(BLUE)[:, None, None]
    irc = np.broadcast_to(np.array(NEAR_INFRARED, np.uint8)[:, None, None], rgb.shape)
    paths = {}
    for role, pixels in (("rgb", rgb), ("irc", irc)):
        plain = write_raster(tmp_path / f"plain-{role}.tif", pixels, crs=UNNAMED_LAMBERT_93)
        paths[role] = tmp_path / f"{role}.tif"
        copy(plain, paths[role], driver="COG", BLOCKSIZE=256)
    imagery.register(sessions(), source_id="town", title="Town", rgb=[paths["rgb"]], irc=[paths["irc"]], year=2021)
    application = FastAPI()
    add_problem_handlers(application)
    application.include_router(imagery_routes.router)
    with TestClient(application) as client:
        yield client


def _pixels(data: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(data))
    assert (image.format, image.size) == ("JPEG", (256, 256))
    return np.asarray(image.convert("RGB")).astype(int)


def _is(pixels: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    close: np.ndarray = (np.abs(pixels - colour) <= 6).all(axis=-1)  # JPEG
    return close


def test_a_tile_shows_natural_colours_at_their_place(client: TestClient) -> None:
    z, x, y = _tile_at(LEFT + SIDE_M / 2, TOP - SIDE_M / 2, 19)
    pixels = _pixels(client.get(CENTRE).content)

    # Where the border between red and blue must run, in tile pixels, along the middle row.
    to_lonlat = Transformer.from_crs(2154, 3857, always_xy=True).transform
    mercator_x, _ = to_lonlat(LEFT + SIDE_M / 2, TOP - SIDE_M / 2)
    circumference = 2 * math.pi * 6378137
    border = (mercator_x / circumference + 0.5) * 2**z * 256 - x * 256
    assert 0 < border < 256
    row = round(((0.5 - to_lonlat(LEFT + SIDE_M / 2, TOP - SIDE_M / 2)[1] / circumference) * 2**z - y) * 256)
    assert _is(pixels[row, : int(border) - 8], RED).all()
    assert _is(pixels[row, int(border) + 9 :], BLUE).all()


def test_infrared_shows_the_bands_of_the_infrared_file(client: TestClient) -> None:
    assert _is(_pixels(client.get(f"{CENTRE}?style=infrared").content), NEAR_INFRARED).all()


def test_a_low_zoom_is_drawn_from_an_overview(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int | None] = []
    really_open = imagery.ImageryFile.open

    def note(file: imagery.ImageryFile, overview: int | None = None) -> DatasetReader:
        opened.append(overview)
        return really_open(file, overview)

    monkeypatch.setattr(imagery.ImageryFile, "open", note)
    answer = client.get(_address(LEFT + SIDE_M / 2, TOP - SIDE_M / 2, 15))

    shown = _pixels(answer.content)
    assert opened == [None, 1]  # 1024 px halved twice: 256, what a COG of 256 px blocks ends with
    assert 0.02 < (~_is(shown, (255, 255, 255))).mean() < 0.1  # (204.8 m / 887 m)² = 5 % of the tile


def test_ground_without_imagery_is_no_content(client: TestClient) -> None:
    answer = client.get(_address(LEFT + 5000, TOP, 19))

    assert (answer.status_code, answer.content) == (204, b"")


def test_an_address_with_the_current_version_is_kept_for_long(client: TestClient) -> None:
    template = client.get("/imagery/town/tilejson.json").json()["tiles"][0]
    version = template.rpartition("v=")[2]

    assert "immutable" in client.get(f"{CENTRE}?v={version}").headers["cache-control"]
    assert "immutable" not in client.get(f"{CENTRE}?v=older").headers["cache-control"]


def test_a_tile_the_client_has_is_not_sent_again(client: TestClient) -> None:
    etag = client.get(CENTRE).headers["etag"]

    again = client.get(CENTRE, headers={"If-None-Match": etag})

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "address", ["19/-1/5", "25/0/0", "3/8/0", "3/0/8", "3/1e1/0", "3/٣/0", "3/99999999999999999999/0"]
)
def test_tiles_that_are_not_there_are_not_found_and_open_nothing(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    def open_nothing(*_: object) -> None:
        raise AssertionError("a file was opened")

    monkeypatch.setattr(imagery.ImageryFile, "open", open_nothing)

    assert client.get(f"/imagery/town/{address}.jpg").status_code in (400, 404)


@pytest.mark.parametrize("query", ["url=http://127.0.0.1/x.tif", "style=", "style=relief", "v=1&v=2", "tilesize=20000"])
def test_parameters_that_are_not_known_are_refused(client: TestClient, query: str) -> None:
    answer = client.get(f"{CENTRE}?{query}")

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_unknown_source_is_not_found_and_the_known_are_named(client: TestClient) -> None:
    answer = client.get("/imagery/village/19/1/1.jpg")

    assert answer.status_code == 404
    assert "town" in answer.json()["detail"]


def test_infrared_of_a_source_without_it_is_refused(client: TestClient, tmp_path: Path) -> None:
    imagery.register(sessions(), source_id="plain", title="Plain", rgb=[tmp_path / "rgb.tif"])

    answer = client.get(CENTRE.replace("town", "plain") + "?style=infrared")

    assert answer.status_code == 400
    assert "near infrared" in answer.json()["detail"]


def test_a_stack_shows_ground_that_is_dark_in_infrared(client: TestClient, tmp_path: Path) -> None:
    pixels = np.zeros((4, 1024, 1024), np.uint8)  # of four bands, GDAL takes the last for alpha
    pixels[:3] = np.array(RED, np.uint8)[:, None, None]
    pixels[3, 0, 0] = 9
    stack = write_raster(tmp_path / "stack.tif", pixels)
    order = imagery.Told(stack_bands=(Band.R, Band.G, Band.B, Band.NIR))
    imagery.register(sessions(), source_id="stack", title="Stack", stack=[stack], told=order)

    answer = client.get(CENTRE.replace("town", "stack"))

    assert _is(_pixels(answer.content), RED).all()


def test_sixteen_bits_are_shown_by_the_range_that_is_told(client: TestClient, tmp_path: Path) -> None:
    pixels = np.full((3, 1024, 1024), 40, np.uint16) * np.array(RED, np.uint16)[:, None, None]
    deep = write_raster(tmp_path / "deep.tif", pixels)
    imagery.register(sessions(), source_id="deep", title="Deep", rgb=[deep], told=imagery.Told(scale=(0, 10_200)))

    answer = client.get(CENTRE.replace("town", "deep"))

    assert _is(_pixels(answer.content), RED).all()


def test_a_file_that_is_gone_is_unavailable_without_its_path(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "rgb.tif").unlink()

    answer = client.get(CENTRE)

    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    assert str(tmp_path) not in answer.text


def test_tilejson_says_where_and_how_to_ask(client: TestClient) -> None:
    document = client.get("/imagery/town/tilejson.json?style=infrared").json()

    west, south, east, north = document["bounds"]
    lon, lat = Transformer.from_crs(2154, 4326, always_xy=True).transform(LEFT + SIDE_M / 2, TOP - SIDE_M / 2)
    assert west < lon < east
    assert south < lat < north
    template = document["tiles"][0]
    assert template.startswith(f"{settings().public_url}/imagery/town/{{z}}/{{x}}/{{y}}.jpg?style=infrared&v=")
    assert document["minzoom"] <= 15
    assert document["attribution"] == "IGN"


def test_head_answers_as_get_without_a_body(client: TestClient) -> None:
    answer = client.head(CENTRE)

    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "image/jpeg", b"")


def test_a_warm_tile_needs_neither_sql_nor_files(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = client.get(CENTRE).content
    (tmp_path / "rgb.tif").unlink()
    asked = []
    monkeypatch.setattr(type(sessions()), "read", lambda self: asked.append(1))
    monkeypatch.setattr("app.imagery.index.time.monotonic", lambda: 0.0)

    assert client.get(CENTRE).content == first
    assert asked == []
