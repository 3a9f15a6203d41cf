"""Imagery of map servers at the door: offered without files, asked for as any other, drawn where it is."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import morecantile
import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient
from PIL import Image
from pyproj import Transformer

from app import imagery, workers
from app.database import ImagerySourceRow, sessions
from tests.conftest import forget_settings
from tests.imagery_files import LEFT, TOP, write_raster
from tests.map_servers import Door, Reply, door_to, mapserver


@pytest.fixture
def open_service(service: TestClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The service as it is without a setting: with the shipped sources."""
    from app.settings import settings

    monkeypatch.setenv("COSIA_REMOTE_IMAGERY", "true")
    settings.cache_clear()
    yield service
    forget_settings()


def _square(lon: float, lat: float) -> dict[str, object]:
    return shapely.geometry.mapping(shapely.box(lon, lat, lon + 0.002, lat + 0.002))


def test_shipped_map_servers_are_choices_and_the_newest_files_stay_the_default(open_service: TestClient) -> None:
    source = open_service.get("/api/processes/predict-land-cover").json()["inputs"]["source"]

    assert [choice["value"] for choice in source["cosia:choices"]] == ["ign-lidar-ortho", "ign-ortho", "town"]
    assert source["schema"]["default"] == "town"
    assert source["cosia:choices"][1]["cosia:bands"] == ["R", "G", "B", "NIR", "E"]
    assert source["cosia:choices"][1]["cosia:attribution"] == "IGN – BD ORTHO®, RGE ALTI® (Licence Ouverte 2.0)"


def test_without_files_the_source_that_covers_all_of_france_is_the_default(open_service: TestClient) -> None:
    with sessions().write() as session:
        session.delete(session.get(ImagerySourceRow, "town"))

    source = open_service.get("/api/processes/predict-land-cover").json()["inputs"]["source"]

    assert source["schema"]["default"] == "ign-ortho"  # LiDAR HD is not flown everywhere


def test_an_area_anywhere_in_france_is_accepted(open_service: TestClient) -> None:
    body = {"inputs": {"aoi": _square(-4.49, 48.39), "source": "ign-ortho", "model": "tiny"}}

    accepted = open_service.post("/api/processes/predict-land-cover/execution", json=body)

    assert accepted.status_code == 201
    assert accepted.json()["status"] == "accepted"


def test_an_estimate_counts_the_time_that_the_server_takes(open_service: TestClient) -> None:
    with sessions().write() as session:
        workers.register(session, "w", host="h", device="cpu", queues=["gpu", "cpu"])
        workers.beat(session, "w", seconds_per_block={"tiny": 0.1}, tallies={}, out_of_service=None)
    body = {"inputs": {"aoi": _square(-4.49, 48.39), "source": "ign-ortho", "model": "tiny"}}

    told = open_service.post("/api/processes/predict-land-cover/estimate", json=body).json()

    # Of the test's five bands: 4 + 4 cells of pictures, 0.64 + 0.16 of heights, ten a second.
    assert told["fetching"] == [
        {
            "source": "ign-ortho",
            "requests_per_block": 8.8,
            "requests_per_s": 10,
            "seconds_per_block": 0.88,
            "measured": False,
        }
    ]
    assert told["seconds"] == pytest.approx(0.88 * told["blocks"]["to_compute"], abs=0.05)


def test_an_area_outside_its_bounds_is_refused(open_service: TestClient) -> None:
    body = {"inputs": {"aoi": _square(-9.14, 38.71), "source": "ign-ortho", "model": "tiny"}}

    refused = open_service.post("/api/processes/predict-land-cover/execution", json=body)

    assert refused.status_code == 400
    assert "lies outside imagery source 'ign-ortho'" in refused.json()["detail"]


def test_nothing_of_the_server_s_address_is_told(open_service: TestClient) -> None:
    assert "geopf" not in open_service.get("/api/processes/predict-land-cover").text


@pytest.fixture
def town_door(tmp_path: Path) -> Iterator[Door]:
    """MapServer with a picture whose upper half is red and whose lower half is green, 204.8 m wide."""
    pixels = np.zeros((3, 1024, 1024), np.uint8)
    pixels[0, :512] = pixels[1, 512:] = 200
    path = write_raster(tmp_path / "ortho.tif", pixels)
    with door_to(mapserver(tmp_path, {"ortho": path}, (LEFT, TOP - 204.8, LEFT + 204.8, TOP))) as door:
        yield door


def _register(door: Door, **service: object) -> None:
    layer = {"role": "rgb", "layer": "ortho", "fill": 0}
    told = {"url": door.url, "requests_per_s": 40, "layers": [layer]} | service
    definition = {"id": "remote", "title": "Remote", "epsg": 2154, "bbox": (3.2, 43.5, 3.3, 43.6), "service": told}
    imagery.register_service(sessions(), imagery.define_service(definition))


def _tile(x_m: float, y_m: float, zoom: int) -> str:
    """Address of the tile at a place in EPSG:2154."""
    lon, lat = Transformer.from_crs(2154, 4326, always_xy=True).transform(x_m, y_m)
    tile = morecantile.tms.get("WebMercatorQuad").tile(lon, lat, zoom)
    return f"/imagery/remote/{zoom}/{tile.x}/{tile.y}.jpg"


def _colour(jpeg: bytes) -> list[int]:
    with Image.open(BytesIO(jpeg)) as image:
        return [round(value / 100) for value in np.asarray(image.resize((1, 1), Image.Resampling.BOX))[0, 0]]


@pytest.mark.needs("mapserver")
def test_a_map_server_s_picture_is_drawn_as_background(service: TestClient, town_door: Door) -> None:
    _register(town_door)

    upper = service.get(_tile(LEFT + 102.4, TOP - 51.2, 20))
    lower = service.get(_tile(LEFT + 102.4, TOP - 153.6, 20))

    assert (upper.status_code, upper.headers["content-type"]) == (200, "image/jpeg")
    assert (_colour(upper.content), _colour(lower.content)) == ([2, 0, 0], [0, 2, 0])


@pytest.mark.needs("mapserver")
def test_a_tile_is_asked_of_the_map_server_once(service: TestClient, town_door: Door) -> None:
    _register(town_door)
    address = _tile(LEFT + 102.4, TOP - 51.2, 20)

    first = service.get(address)

    assert service.get(address).content == first.content
    assert len(town_door.asked) == 1


@pytest.mark.needs("mapserver")
def test_ground_that_a_map_server_does_not_show_is_no_content(service: TestClient, town_door: Door) -> None:
    _register(town_door)

    assert service.get(_tile(LEFT + 1000, TOP - 1000, 20)).status_code == 204


def test_a_map_server_that_is_away_is_unavailable_and_names_the_source(service: TestClient) -> None:
    with door_to(lambda _: Reply(503)) as door:
        _register(door)
        answer = service.get(_tile(LEFT, TOP, 18))

    assert answer.status_code == 503
    assert answer.json()["detail"].startswith("the map server of imagery source remote")
    assert "127.0.0.1:" not in answer.json()["detail"]
