"""XYZ tiles and TileJSON as a browser sees them."""

from __future__ import annotations

import asyncio
import io
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from pyproj import Transformer

from app.api import tile_answers
from app.tiling.render import Picture, encoded
from app.tiling.threads import Flights, TileThreads
from tests import published as layers
from tests.conftest import forget_settings

Z = 18


def _tile(x_m: float, y_m: float, z: int = Z) -> tuple[int, int]:
    """Column and row of the XYZ tile that holds a Lambert-93 point."""
    lon, lat = Transformer.from_crs(2154, 4326, always_xy=True).transform(x_m, y_m)
    n = 2**z
    x = int((lon + 180) / 360 * n)
    y = int((1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * n)
    return x, y


X, Y = _tile(layers.LEFT + 51.2, layers.TOP - 51.2)  # the middle of the buildings
TILE = f"/tiles/town/{Z}/{X}/{Y}.png"


def _colours(body: bytes) -> set[tuple[int, ...]]:
    picture = Image.open(io.BytesIO(body)).convert("RGBA")
    return {tuple(pixel) for pixel in np.asarray(picture).reshape(-1, 4).tolist()}


def test_a_tile_shows_the_classes_in_their_official_colours(published: TestClient) -> None:
    answer = published.get(TILE)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert (*layers.BUILDING_RGB, 255) in _colours(answer.content)
    known = {layers.BUILDING_RGB, layers.WATER_RGB, layers.DECIDUOUS_RGB}
    assert {pixel[:3] for pixel in _colours(answer.content) if pixel[3]} <= known


def test_the_index_of_a_pixel_is_its_class_value(published: TestClient) -> None:
    picture = Image.open(io.BytesIO(published.get(TILE).content))

    assert picture.mode == "P"
    assert picture.getpixel((128, 128)) in (0, layers.BUILDING, layers.DECIDUOUS, layers.WATER)
    assert layers.BUILDING in np.unique(np.asarray(picture))


def test_classes_outside_of_the_filter_are_transparent_and_keep_their_pixels(published: TestClient) -> None:
    everything = published.get(TILE).content
    filtered = published.get(f"{TILE}?classes=9,6").content

    assert (*layers.BUILDING_RGB, 255) not in _colours(filtered)
    assert filtered[filtered.index(b"IDAT") :] == everything[everything.index(b"IDAT") :]


def test_confidence_is_a_style_of_layers_that_have_it(published: TestClient) -> None:
    shown = published.get(f"{TILE}?style=confidence")
    refused = published.get(TILE.replace("town", "field") + "?style=confidence")

    assert 255 in np.asarray(Image.open(io.BytesIO(shown.content)))
    assert refused.status_code == 400
    assert "normal" in refused.json()["detail"]


def test_a_tile_without_data_has_no_content(published: TestClient) -> None:
    answer = published.get(f"/tiles/town/{Z}/{X + 50}/{Y}.png")

    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(
    "query",
    ["tilesize=512", "classes=1&classes=2", "classes=99", "classes=", "style=blue", "classes=1&style=confidence"],
)
def test_unknown_repeated_or_senseless_parameters_are_refused(published: TestClient, query: str) -> None:
    answer = published.get(f"{TILE}?{query}")

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "place",
    ["-1/0/0", "99/0/0", "18/-1/0", f"18/{2**18}/0", f"18/0/{2**18}", "18/1e3/0", "18/0x1/0", "18/%D9%A3/0", "25/0/0"],
)
def test_a_tile_that_does_not_exist_is_not_found(published: TestClient, place: str) -> None:
    answer = published.get(f"/tiles/town/{place}.png")

    assert answer.status_code == 404
    assert answer.json()["status"] == 404


def test_an_unknown_layer_is_not_found_and_the_known_ones_are_named(published: TestClient) -> None:
    answer = published.get("/tiles/nowhere/18/0/0.png")

    assert answer.status_code == 404
    assert "field, town" in answer.json()["detail"]


def test_a_client_that_has_the_tile_gets_304(published: TestClient) -> None:
    etag = published.get(TILE).headers["etag"]
    answer = published.get(TILE, headers={"If-None-Match": f'"other", {etag}'})

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == etag


def test_only_an_address_with_the_current_version_may_be_kept_for_ever(published: TestClient) -> None:
    version = published.get("/api/collections/town").json()["cosia:version"]

    assert "immutable" in published.get(f"{TILE}?v={version}").headers["cache-control"]
    assert "immutable" not in published.get(f"{TILE}?v=old").headers["cache-control"]
    assert "immutable" not in published.get(TILE).headers["cache-control"]


def test_a_damaged_raster_is_a_passing_fault_and_not_a_wrong_map(
    published_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = shutil.copytree(published_folder, tmp_path / "data")
    (path,) = [path for path in (data / "layers/town").rglob("*.tif") if "confidence" not in path.name]
    good = path.read_bytes()
    monkeypatch.setenv("COSIA_DATA", str(data))
    forget_settings()
    from app.main import create_app

    path.write_bytes(good[: len(good) // 3])
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        broken = client.get(TILE)
        reported = client.get("/wmts/1.0.0/town/normal/2154_10cm_7_20/20/111840/14080.png")
        path.write_bytes(good)
        repaired = client.get(TILE)

    assert (broken.status_code, reported.status_code) == (503, 503)
    assert int(broken.headers["retry-after"]) > 0
    assert int(reported.headers["retry-after"]) > 0
    assert b"NoApplicableCode" in reported.content
    assert str(data) not in broken.text + reported.text
    assert repaired.status_code == 200


def test_head_answers_like_get_without_a_body(published: TestClient) -> None:
    answer = published.head(TILE)

    assert answer.status_code == 200
    assert answer.headers["etag"] == published.get(TILE).headers["etag"]


def test_another_method_is_told_the_allowed_ones(published: TestClient) -> None:
    answer = published.post(TILE)

    assert answer.status_code == 405
    assert set(answer.headers["allow"].replace(" ", "").split(",")) == {"GET", "HEAD"}


@pytest.mark.parametrize(
    "path", [TILE, "/tiles/town/tilejson.json", "/api/collections/town/legend.json", "/wmts?SERVICE=WMTS"]
)
def test_any_page_may_read_tiles_and_what_describes_them(published: TestClient, path: str) -> None:
    assert published.get(path).headers["access-control-allow-origin"] == "*"


def test_tilejson_leads_to_tiles_of_the_current_content(published: TestClient) -> None:
    document = published.get("/tiles/town/tilejson.json").json()
    version = published.get("/api/collections/town").json()["cosia:version"]

    assert document["tilejson"] == "3.0.0"
    assert document["tiles"] == [f"http://127.0.0.1:8000/tiles/town/{{z}}/{{x}}/{{y}}.png?v={version}"]
    west, south, east, north = document["bounds"]
    corner = Transformer.from_crs(2154, 4326, always_xy=True).transform(layers.LEFT, layers.TOP)
    assert west == pytest.approx(corner[0], abs=1e-5)
    assert north == pytest.approx(corner[1], abs=1e-5)
    assert south < north
    assert west < east


def test_links_begin_with_the_configured_address_whatever_the_host_header_says(published: TestClient) -> None:
    answer = published.get(
        "/tiles/town/tilejson.json", headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    )

    assert "evil" not in answer.text


@pytest.mark.parametrize("query", ["opacity=40", "isolate=9", "style=colour-blind", "isolate=9&opacity=0&classes=1,9"])
def test_another_look_is_another_header_before_the_same_data(published: TestClient, query: str) -> None:
    plain = published.get(TILE)
    dressed = published.get(f"{TILE}?{query}")

    assert dressed.status_code == 200
    assert dressed.content != plain.content
    assert dressed.headers["etag"] != plain.headers["etag"]
    assert dressed.content[dressed.content.index(b"IDAT") :] == plain.content[plain.content.index(b"IDAT") :]


def test_an_isolated_class_stands_out_of_pale_ones(published: TestClient) -> None:
    shown = _colours(published.get(f"{TILE}?isolate=1&opacity=50").content)

    assert (*layers.BUILDING_RGB, 128) in shown
    assert {colour for colour in shown if colour[3]} <= {(*layers.BUILDING_RGB, 128), (224, 224, 224, 128)}


@pytest.mark.parametrize(
    "query", ["opacity=101", "opacity=0.5", "opacity=", "isolate=99", "isolate=", "isolate=1,2",
              "isolate=1&style=confidence", "opacity=5&opacity=5"],
)  # fmt: skip
def test_looks_that_make_no_sense_are_refused_by_name(published: TestClient, query: str) -> None:
    answer = published.get(f"{TILE}?{query}")

    assert answer.status_code == 400
    assert answer.json()["parameter"] in query


def test_a_client_that_has_the_tile_gets_304_without_a_pixel_read(
    published_folder: Path, tmp_path: Path, published: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    etag = published.get(TILE).headers["etag"]
    data = shutil.copytree(published_folder, tmp_path / "data")
    for path in (data / "layers").rglob("*.tif"):
        path.write_bytes(b"")
    monkeypatch.setenv("COSIA_DATA", str(data))
    forget_settings()
    from app.main import create_app

    with TestClient(create_app()) as client:
        assert client.get(TILE, headers={"If-None-Match": etag}).status_code == 304
        assert client.get(TILE, headers={"If-None-Match": '"other"'}).status_code == 503


def test_a_layer_with_a_changed_file_is_named_by_the_readiness(
    published_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = shutil.copytree(published_folder, tmp_path / "data")
    monkeypatch.setenv("COSIA_DATA", str(data))
    monkeypatch.setenv("COSIA_SCRUB_S", "0.05")
    forget_settings()
    from app.main import create_app

    path = next(path for path in (data / "layers/town").rglob("*.tif") if "confidence" not in path.name)
    with TestClient(create_app()) as client:
        good, before = path.read_bytes(), client.get("/readyz").json()["components"]["rasters"]
        path.write_bytes(good + b"\0")
        told = _await_rasters(client, "unreadable in town")
        path.write_bytes(good)
        after = _await_rasters(client, "ok")

    assert (before, told["components"]["rasters"], after["components"]["rasters"]) == ("ok", "unreadable in town", "ok")
    assert told["status"] == "not ready"
    assert str(data) not in str(told)


def _await_rasters(client: TestClient, state: str) -> dict[str, Any]:
    for _ in range(200):
        told: dict[str, Any] = client.get("/readyz").json()
        if told["components"]["rasters"] == state:
            break
        time.sleep(0.05)
    return told


class _Drawing:
    """Stands in for the drawing of a tile and does not end before it is let."""

    def __init__(self) -> None:
        self.started, self.allowed, self.times = threading.Event(), threading.Event(), 0

    def __call__(self, asked: Picture) -> bytes:
        self.times += 1
        self.started.set()
        assert self.allowed.wait(10)
        return encoded(asked)


def test_an_asker_who_leaves_does_not_take_the_tile_from_the_others(
    published: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing = _Drawing()
    monkeypatch.setattr(tile_answers, "known", lambda _: None)
    monkeypatch.setattr(tile_answers, "encoded", drawing)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=published.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            leaving, staying = (asyncio.create_task(client.get(TILE)) for _ in range(2))
            await asyncio.to_thread(drawing.started.wait, 10)
            await asyncio.sleep(0)
            leaving.cancel()
            drawing.allowed.set()
            return await staying

    assert asyncio.run(ask()).status_code == 200
    assert drawing.times == 1


def test_a_tile_that_nobody_has_time_to_draw_is_asked_to_come_back(
    published: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tile_answers, "known", lambda _: None)
    monkeypatch.setattr(tile_answers, "_flights", lambda: Flights(TileThreads(1, 10, wait_s=0.0)))

    answer = published.get(TILE)

    assert (answer.status_code, answer.json()["type"]) == (503, "urn:cosia:problem:tiles-busy")
    assert int(answer.headers["retry-after"]) > 0
