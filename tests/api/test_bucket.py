"""The whole way of a layer whose files are in a bucket, over HTTP, and what is seen when the bucket is away."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import cv2
import morecantile
import numpy as np
import pytest
from fastapi.testclient import TestClient
from pyproj import Transformer

from app import checks
from app.database import sessions
from app.database.migrate import migrate
from app.publish import unpublish
from app.settings import settings
from app.storage import storage
from tests.published import LEFT, TOP, publish_town_and_field
from tests.servers import S3Server, s3_server

# In the middle of the town's south-west quarter, which is water, and of the field (tests/published.py).
_DEGREES = Transformer.from_crs(2154, 4326, always_xy=True)
WATER = _DEGREES.transform(LEFT + 51.2, TOP - 153.6)
FIELD = _DEGREES.transform(LEFT + 4096 + 25.6, TOP - 25.6)


@pytest.fixture
def s3() -> Iterator[S3Server]:
    """A server of this test's own, which it may end."""
    with s3_server() as server:
        yield server


@pytest.fixture
def client(s3_settings: str, tmp_path: Path) -> Iterator[TestClient]:
    """The application over a bucket with the layers of tests/published.py."""
    migrate(sessions().engine)
    publish_town_and_field(sessions(), storage(), tmp_path)
    from app.main import create_app

    with TestClient(create_app(), base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as made:
        yield made


def tile_address(layer: str, place: tuple[float, float]) -> str:
    tile = morecantile.tms.get("WebMercatorQuad").tile(*place, 20)
    return f"/tiles/{layer}/{tile.z}/{tile.x}/{tile.y}.png"


def polygon(place: tuple[float, float]) -> dict[str, object]:
    """A square of about 20 m from the place on."""
    lon, lat = place
    ring = [[lon + dx, lat + dy] for dx, dy in ((0, 0), (2e-4, 0), (2e-4, 2e-4), (0, 2e-4), (0, 0))]
    return {"type": "Polygon", "coordinates": [ring]}


def test_a_layer_in_a_bucket_gives_tiles_points_and_areas(client: TestClient) -> None:
    tile = client.get(tile_address("town", WATER))
    assert tile.status_code == 200
    picture = cv2.imdecode(np.frombuffer(tile.content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert (picture[..., :3] == (161, 117, 51)).all()  # blue, green, red of water

    point = client.get("/api/collections/town/point", params={"lon": WATER[0], "lat": WATER[1]})
    assert (point.status_code, point.json()["value"]) == (200, 6)
    areas = client.post("/api/collections/town/areas", json=polygon(WATER))
    assert areas.status_code == 200
    assert [row["value"] for row in areas.json()["classes"]] == [6]

    unpublish(sessions(), storage(), "town")
    assert storage().names("layers/town") == []
    assert storage().names("layers/field") != []


def test_while_the_bucket_is_away_answers_say_to_come_back(client: TestClient, s3: S3Server, s3_settings: str) -> None:
    assert client.get(tile_address("town", WATER)).status_code == 200
    s3.program.end(signal.SIGKILL)

    # Of a file that was never opened: what GDAL holds of others is as right as before.
    tile = client.get(tile_address("field", FIELD))
    answers = [tile, client.post("/api/collections/field/areas", json=polygon(FIELD))]

    for answer in answers:
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) > 0
        assert s3_settings.removeprefix("s3://").split("/")[0] not in answer.text
        assert str(s3.port) not in answer.text
    storage_line = next(line for line in checks.check_components(settings()) if line.component == "storage")
    assert not storage_line.ok
    assert storage_line.message == "the storage does not answer: try again in a moment"


def test_the_check_names_the_bucket_and_no_key(client: TestClient, s3_settings: str) -> None:
    lines = {line.component: line for line in checks.check_components(settings())}

    assert lines["storage"].ok
    assert lines["storage"].message == f"{s3_settings} can be written"
    assert not any("secret-of-this-test" in line.message for line in lines.values())
