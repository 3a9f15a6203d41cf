"""The class at a point."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from pyproj import Transformer

from app.api import points
from app.definitions import Grid, Language
from tests import published as layers
from tests.statistics.layers import layer
from tests.tiling.blobs import reference, write

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


def test_a_point_of_all_layers_has_the_newest_vintage_first(published: TestClient) -> None:
    lon, lat = _lonlat(150.0, 50.0)
    answer = published.get(f"/api/point?lon={lon}&lat={lat}").json()

    (town,) = answer["layers"]
    assert (town["layer"], town["vintage"], town["code"], town["problem"]) == ("town", 2021, "feuillu", None)
    assert town["confidence"] == pytest.approx(128 / 255, abs=1e-3)


def test_a_point_where_no_layer_is_has_none(published: TestClient) -> None:
    assert published.get("/api/point?lon=-1.5&lat=48").json()["layers"] == []


def test_a_damaged_layer_does_not_spoil_the_others(tmp_path: Path) -> None:
    grid = Grid(2154, layers.LEFT, layers.TOP, 0.2, 64, 64)
    rasters = {name: write(tmp_path / f"{name}.tif", np.full((64, 64), 9, np.uint8), grid) for name in ("old", "new")}
    Path(rasters["new"].path).write_bytes(b"II*\0")
    old, new = (layer(raster, id=name, title=name) for name, raster in rasters.items())

    damaged, whole = points.entries([new, old], *_lonlat(5.0, 5.0), Language.ENGLISH)

    assert (damaged["layer"], damaged["value"]) == ("new", None)
    assert "cannot be read" in damaged["problem"]
    assert (whole["layer"], whole["value"], whole["problem"]) == ("old", 9, None)


def test_layers_are_sorted_by_vintage_and_those_elsewhere_are_not_read(tmp_path: Path) -> None:
    here, far = (Grid(2154, layers.LEFT + x, layers.TOP, 0.2, 64, 64) for x in (0.0, 50_000.0))
    near, away = (reference(tmp_path / "not-there.tif", grid) for grid in (here, far))
    known = [
        layer(near, id="unknown", vintage=None),
        layer(near, id="y2018", vintage=2018),
        layer(near, id="y2024", vintage=2024),
        layer(away, id="elsewhere", vintage=2030),
    ]

    assert [found.id for found in points.layers_at(known, *_lonlat(5.0, 5.0))] == ["y2024", "y2018", "unknown"]
