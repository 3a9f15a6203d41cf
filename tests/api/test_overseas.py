"""A layer of an overseas territory: offered in the territory's own tile matrix set, with exactly its pixels."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from lxml import etree
from PIL import Image

from app.database import sessions
from app.database.migrate import migrate
from app.storage import storage
from tests import published as layers

# 339 968 / 51.2 and (12 000 000 - 7 680 000) / 51.2: the layer is 4 x 4 tiles of level 20.
FIRST_COLUMN, FIRST_ROW, SIDE_TILES = 6640, 84375, 4


@pytest.fixture
def client(data_folder: Path, tmp_path: Path) -> Iterator[TestClient]:
    migrate(sessions().engine)
    layers.publish_reunion(sessions(), storage(), tmp_path)
    from app.main import create_app

    with TestClient(create_app(), base_url="http://127.0.0.1:8000") as client:
        yield client


def test_it_is_offered_in_its_own_set_and_in_no_other_territory_s(client: TestClient) -> None:
    root = etree.fromstring(client.get("/wmts").content)
    links = [e.text for e in root.iterfind("{*}Contents/{*}Layer/{*}TileMatrixSetLink/{*}TileMatrixSet")]
    tilesets = client.get("/api/collections/reunion/map/tiles").json()["tilesets"]

    assert links == ["PM_6_19", "2975_10cm_10_20", "4326_5_18"]
    named = {tileset["tileMatrixSetURI"].rpartition("/")[2] for tileset in tilesets}
    assert {"2975_10cm", "2975_10cm_10_20", "WebMercatorQuad"} <= named
    assert not any(name.startswith(("2154", "2972", "4471")) for name in named)


def test_its_tiles_hold_exactly_its_pixels(client: TestClient) -> None:
    values = np.full((SIDE_TILES * 256, SIDE_TILES * 256), 255, np.uint8)
    for row in range(SIDE_TILES):
        for column in range(SIDE_TILES):
            place = f"2975_10cm_10_20/20/{FIRST_ROW + row}/{FIRST_COLUMN + column}"
            answer = client.get(f"/wmts/1.0.0/reunion/normal/{place}.png")
            assert answer.status_code == 200
            window = np.s_[row * 256 : (row + 1) * 256, column * 256 : (column + 1) * 256]
            values[window] = np.asarray(Image.open(io.BytesIO(answer.content)))

    assert np.array_equal(values, layers.town_classes())


def test_tiles_beside_it_are_out_of_range(client: TestClient) -> None:
    for row, column in ((FIRST_ROW - 1, FIRST_COLUMN), (FIRST_ROW, FIRST_COLUMN + SIDE_TILES)):
        answer = client.get(f"/wmts/1.0.0/reunion/normal/2975_10cm_10_20/20/{row}/{column}.png")
        assert (answer.status_code, b"TileOutOfRange" in answer.content) == (404, True)
