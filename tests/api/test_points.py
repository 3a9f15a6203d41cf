"""The class at a point."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from pyproj import Transformer

from tests import published as layers

_TO_LONLAT = Transformer.from_crs(2154, 4326, always_xy=True)


def _lonlat(right_m: float, down_m: float) -> tuple[float, float]:
    """Of a point counted from the corner of the town."""
    lon, lat = _TO_LONLAT.transform(layers.LEFT + right_m, layers.TOP - down_m)
    return lon, lat


def test_a_point_has_the_class_that_lies_there(published: TestClient) -> None:
    lon, lat = _lonlat(150.0, 50.0)
    answer = published.get(f"/api/collections/town/point?lon={lon}&lat={lat}").json()

    assert (answer["value"], answer["code"], answer["colour"]) == (9, "feuillu", "#4c9129")
    assert (answer["title_fr"], answer["title_en"]) == ("Feuillu", "deciduous")
    assert answer["confidence"] == pytest.approx(128 / 255, abs=1e-3)


@pytest.mark.parametrize(("right_m", "down_m"), [(150.0, 150.0), (-5.0, 50.0), (1e6, -1e6)])
def test_a_point_on_nodata_or_outside_has_the_value_0(published: TestClient, right_m: float, down_m: float) -> None:
    lon, lat = _lonlat(right_m, down_m)
    answer = published.get(f"/api/collections/town/point?lon={lon}&lat={lat}").json()

    assert (answer["value"], answer["colour"], answer["confidence"]) == (0, None, None)


@pytest.mark.parametrize("query", ["lon=500&lat=0", "lon=nan&lat=0", "lon=3", "lon=3&lat=44&crs=2154"])
def test_a_point_that_is_none_is_refused(published: TestClient, query: str) -> None:
    assert published.get(f"/api/collections/town/point?{query}").status_code == 400
