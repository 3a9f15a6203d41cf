"""Areas and changes in a polygon, over HTTP."""

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


def _rectangle(left_m: float, top_m: float, right_m: float, bottom_m: float) -> dict[str, object]:
    corners = [(left_m, top_m), (right_m, top_m), (right_m, bottom_m), (left_m, bottom_m), (left_m, top_m)]
    return {"type": "Polygon", "coordinates": [[_lonlat(*corner) for corner in corners]]}


def test_areas_count_the_pixels_inside_a_polygon(published: TestClient) -> None:
    # Edges lie between pixel centres (0.1 m + k * 0.2 m): columns 312-661, rows 52-151; trees begin at column 512.
    polygon = _rectangle(62.35, 10.35, 132.45, 30.45)
    answer = published.post("/api/collections/town/areas", json=polygon).json()

    by_code = {c["code"]: c["area_m2"] for c in answer["classes"]}
    assert by_code == {"batiment": pytest.approx(200 * 100 * 0.04), "feuillu": pytest.approx(150 * 100 * 0.04)}
    assert answer["area_m2"] == pytest.approx(sum(by_code.values()))
    assert sum(c["share"] for c in answer["classes"]) == pytest.approx(1)
    assert answer["asked_m2"] == pytest.approx(70.1 * 20.1, rel=1e-4)
    assert answer["resolution_m"] == 0.2


def test_areas_outside_of_the_layer_are_empty(published: TestClient) -> None:
    answer = published.post("/api/collections/town/areas", json=_rectangle(-90.0, 10.0, -20.0, 30.0)).json()

    assert (answer["area_m2"], answer["classes"]) == (0, [])


def test_areas_refuse_what_is_no_polygon(published: TestClient) -> None:
    answer = published.post("/api/collections/town/areas", json={"type": "Point", "coordinates": [3, 44]})

    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:cosia:problem:aoi-invalid"
