"""Search of places over HTTP."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from httpx import Response

from app.database import Sessions, connect
from app.definitions import Grid
from app.demonstration.territory import LEFT_M, TOP_M
from app.storage import FolderStorage
from tests import published as layers
from tests.conftest import forget_settings
from tests.map_servers import Door, Reply, door_to

STREET = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [3.8785, 43.6095]},
    "properties": {
        "_type": "address", "type": "street", "name": "Rue de Montpellier", "postcode": "34000", "city": "Montpellier",
    },
}  # fmt: skip


def _names(answer: dict[str, Any]) -> list[str]:
    return [feature["properties"]["name"] for feature in answer["features"]]


def _states(answer: dict[str, Any]) -> dict[str, str]:
    return {source["id"]: source["state"] for source in answer["sources"]}


@contextmanager
def _application(patch: pytest.MonkeyPatch, folder: Path, **settings: str) -> Iterator[TestClient]:
    patch.setenv("COSIA_DATA", str(folder))
    for name, value in settings.items():
        patch.setenv(name, value)
    forget_settings()
    from app.main import create_app

    with TestClient(create_app(), base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def geocoder() -> Iterator[Door]:
    """One that knows one street."""
    with door_to(lambda _: Reply(200, {}, json.dumps({"features": [STREET]}).encode())) as door:
        yield door


@pytest.fixture
def with_geocoder(published_folder: Path, geocoder: Door, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    with _application(monkeypatch, published_folder, COSIA_GEOCODER_URL=geocoder.url) as client:
        yield client


def _settled(client: TestClient, query: str) -> Response:
    """The answer once the geocoder has had its time: a busy machine takes longer than who asks is kept waiting."""
    while _states((answer := client.get(f"/api/places?{query}")).json())["geocoder"] == "late":
        pass
    return answer


def test_places_are_points_with_names_and_what_tells_them_apart(published: TestClient) -> None:
    answer = published.get("/api/places?q=saint-denis&limit=2")

    assert answer.headers["content-type"] == "application/geo+json"
    document = answer.json()
    assert document["type"] == "FeatureCollection"
    assert {feature["properties"]["context"] for feature in document["features"]} == {
        "Seine-Saint-Denis (93)",
        "La Réunion (974)",
    }
    for feature in document["features"]:
        assert feature["geometry"]["type"] == "Point"
        assert feature["properties"]["kind"] == "commune"
        assert not feature["properties"]["demonstration"]


def test_the_geocoder_is_not_asked_where_it_is_switched_off(published: TestClient) -> None:
    document = published.get("/api/places?q=montpellier").json()

    assert document["complete"]
    assert _states(document) == {"gazetteer": "answered", "geocoder": "unasked"}


def test_addresses_of_the_geocoder_join_the_towns(with_geocoder: TestClient) -> None:
    document = _settled(with_geocoder, "q=montpellier").json()

    assert document["complete"]
    assert _names(document)[0] == "Montpellier"
    assert "Rue de Montpellier" in _names(document)
    assert _states(document)["geocoder"] == "answered"
    assert "Base Adresse Nationale" in document["sources"][-1]["attribution"]


def test_a_failing_geocoder_spoils_nothing_and_is_told(with_geocoder: TestClient, geocoder: Door) -> None:
    geocoder.failing = [Reply(500)]
    answer = _settled(with_geocoder, "q=montpellier")

    assert _names(answer.json())[0] == "Montpellier"
    assert not answer.json()["complete"]
    assert _states(answer.json())["geocoder"] == "unavailable"
    assert answer.headers["cache-control"] == "no-cache"


def test_a_complete_answer_is_kept_by_who_asked_alone(published: TestClient) -> None:
    first = published.get("/api/places?q=lyon")
    again = published.get("/api/places?q=lyon", headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["cache-control"].startswith("private")
    assert again.status_code == 304


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=",
        "q=a",
        f"q={'a' * 201}",
        "q=lyon&limit=0",
        "q=lyon&limit=21",
        "q=lyon&lang=de",
        "q=lyon&x=1",
        "q=a1&q=b2",
    ],
)
def test_a_search_that_is_none_is_refused_in_words(published: TestClient, query: str) -> None:
    answer = published.get(f"/api/places?{query}", headers={"Accept-Language": "fr"})

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_nothing_found_is_an_empty_list(published: TestClient) -> None:
    assert published.get("/api/places?q=zzyzx").json()["features"] == []


def test_places_of_the_demonstration_are_found_where_it_is_published(
    tmp_path: Path, migrated_sqlite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = connect(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'cosia.sqlite')}")
    grid = Grid(2154, LEFT_M, TOP_M, 0.2, 2048, 2048)
    raster = layers.write_classes(tmp_path / "demo.tif", np.full((2048, 2048), 9, np.uint8), grid)
    layers.publish_layer(Sessions(engine), FolderStorage(tmp_path), raster, layer_id="demo", demonstration=True)
    engine.dispose()

    with _application(monkeypatch, tmp_path) as client:
        english = client.get("/api/places?q=pond&lang=en").json()
        french = client.get("/api/places?q=etang&lang=fr").json()
        (extent,) = client.get("/api/collections/demo").json()["extent"]["spatial"]["bbox"]

    told = french["features"][0]
    assert english["features"][0]["properties"]["name"] == "Pond"
    assert (told["properties"]["name"], told["properties"]["demonstration"]) == ("Étang", True)
    assert told["properties"]["context"] == "Territoire de démonstration"
    west, south, east, north = told["bbox"]
    assert extent[0] <= west < told["geometry"]["coordinates"][0] < east <= extent[2]
    assert extent[1] <= south < told["geometry"]["coordinates"][1] < north <= extent[3]
    assert french["sources"][0]["attribution"] == "Territoire de synthèse : aucun lieu réel"


def test_places_of_the_demonstration_are_not_found_elsewhere(published: TestClient) -> None:
    assert "demonstration" not in _states(published.get("/api/places?q=pond").json())
