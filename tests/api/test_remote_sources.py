"""Imagery of map servers at the door: offered without files, asked for as any other, drawn where it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import shapely
from fastapi.testclient import TestClient

from tests.conftest import forget_settings


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

    assert [choice["value"] for choice in source["cosia:choices"]] == ["ign-ortho", "ign-ortho-lidar", "town"]
    assert source["schema"]["default"] == "town"
    assert source["cosia:choices"][0]["cosia:bands"] == ["R", "G", "B", "NIR", "E"]
    assert source["cosia:choices"][0]["cosia:attribution"] == "IGN – BD ORTHO®, RGE ALTI® (Licence Ouverte 2.0)"


def test_an_area_anywhere_in_france_is_accepted(open_service: TestClient) -> None:
    body = {"inputs": {"aoi": _square(-4.49, 48.39), "source": "ign-ortho", "model": "tiny"}}

    accepted = open_service.post("/api/processes/predict-land-cover/execution", json=body)

    assert accepted.status_code == 201
    assert accepted.json()["status"] == "accepted"


def test_an_area_outside_its_bounds_is_refused(open_service: TestClient) -> None:
    body = {"inputs": {"aoi": _square(-9.14, 38.71), "source": "ign-ortho", "model": "tiny"}}

    refused = open_service.post("/api/processes/predict-land-cover/execution", json=body)

    assert refused.status_code == 400
    assert "lies outside imagery source 'ign-ortho'" in refused.json()["detail"]


def test_nothing_of_the_server_s_address_is_told(open_service: TestClient) -> None:
    assert "geopf" not in open_service.get("/api/processes/predict-land-cover").text
