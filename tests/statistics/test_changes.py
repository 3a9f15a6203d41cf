"""Transition matrices against pairs of whole arrays, and borders against a search around every changed pixel."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from pyproj import Transformer

from app.catalogue import Layer
from app.definitions import Grid
from app.errors import ParameterInvalid
from app.statistics import ChangeMeasurement, Tally, count
from tests.statistics.layers import LEFT, TOP, centres_inside, layer, lonlat
from tests.tiling.blobs import blobs, write

REACH_PX = 5  # 1 m of 0.2 m pixels


def compare(before: Layer, after: Layer, polygon: shapely.Geometry) -> tuple[np.ndarray, dict[str, Any]]:
    measurement = ChangeMeasurement(before, after, lonlat(polygon))
    tally = Tally.of_nothing(measurement)
    with ThreadPoolExecutor(2) as threads:
        for _ in count(measurement, tally, threads):
            pass
    return tally.counts, measurement.document(tally.counts)


def later(*rasters: Any, **changes: Any) -> Layer:
    return layer(*rasters, **{"id": "y2024", "vintage": 2024, "version": "w1", **changes})


def was_near(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """(height, width) bool: the later value occurs in the square of 11 px around the pixel before."""
    padded = np.pad(before, REACH_PX)
    around = np.lib.stride_tricks.sliding_window_view(padded, (2 * REACH_PX + 1, 2 * REACH_PX + 1))
    found: np.ndarray = (around == after[:, :, None, None]).any(axis=(2, 3))
    return found


def test_pairs_and_borders_equal_an_independent_count_across_windows(tmp_path: Path) -> None:
    # Wider than a window, so that a border lies beside the seam at column 2048.
    grid = Grid(2154, LEFT, TOP, 0.2, 2400, 200)
    old, new = blobs(200, 2400), blobs(200, 2400, seed=1)
    new[:, :1200] = np.roll(old, 3, axis=1)[:, :1200]
    old[:40, 300:350], new[100:130, 2000:2100] = 0, 0
    polygon = shapely.box(LEFT + 200.15, TOP - 35.15, LEFT + 455.15, TOP - 3.15)

    counts, document = compare(
        layer(write(tmp_path / "old.tif", old, grid)), later(write(tmp_path / "new.tif", new, grid)), polygon
    )

    inside = centres_inside(polygon, grid)
    pairs = np.zeros((256, 256), np.int64)
    np.add.at(pairs, (old[inside], new[inside]), 1)
    assert np.array_equal(counts[0], pairs)
    changed = inside & (old != new) & (old != 0) & (new != 0)
    on_border = changed & was_near(old, new)
    assert counts[1].sum() == on_border.sum() > 0
    assert document["changed_m2"] == pytest.approx(changed.sum() * 0.04)
    assert document["changed_on_borders_share"] == pytest.approx(on_border.sum() / changed.sum())


def test_the_document_adds_up(tmp_path: Path) -> None:
    grid = Grid(2154, LEFT, TOP, 0.2, 100, 100)
    old = np.full((100, 100), 9, np.uint8)  # deciduous
    old[:, 50:] = 13  # agricultural land
    new = old.copy()
    new[:10, :10] = 1  # a building, far from any other
    new[50:60, 50:53] = 9  # the wood grew by 0.6 m
    new[90:, 90:] = 0
    rasters = [write(tmp_path / f"{name}.tif", values, grid) for name, values in (("old", old), ("new", new))]

    _, document = compare(layer(rasters[0]), later(rasters[1]), shapely.box(*grid.bounds))

    rows = {(t["from_code"], t["to_code"]): (t["area_m2"], t["on_borders_m2"]) for t in document["transitions"]}
    assert rows == {
        ("feuillu", "feuillu"): (5000 * 0.04 - 4, 0),
        ("feuillu", "batiment"): (4.0, 0),
        ("culture", "culture"): (5000 * 0.04 - 1.2 - 4.0, 0),
        ("culture", "feuillu"): (1.2, 1.2),
    }
    assert (document["unchanged_m2"], document["changed_m2"]) == (390.8, 5.2)
    assert (document["nodata_m2"], document["compared_m2"]) == (4.0, 396.0)
    assert document["changed_on_borders_share"] == pytest.approx(1.2 / 5.2)
    by_code = {c["code"]: c["area_m2"] for c in document["from"]["classes"]}
    assert by_code == {"feuillu": 200.0, "culture": 196.0}
    assert sum(c["area_m2"] for c in document["to"]["classes"]) == pytest.approx(396.0)
    columns = ("from_m2", "to_m2", "unchanged_m2", "gained_m2", "lost_m2")
    assert {c["code"]: [c[column] for column in columns] for c in document["classes"]} == {
        "batiment": [0.0, 4.0, 0.0, 4.0, 0.0],
        "feuillu": [200.0, 197.2, 196.0, 1.2, 4.0],
        "culture": [196.0, 194.8, 194.8, 0.0, 1.2],
    }


def test_a_layer_on_other_pixels_is_read_by_nearest_neighbour(tmp_path: Path) -> None:
    old = blobs(400, 400)
    grid = Grid(2154, LEFT, TOP, 0.2, 400, 400)
    # The same map, its pixels 0.06 m further east: the nearest centre is the pixel of the same number.
    shifted = Grid(2154, LEFT + 0.06, TOP, 0.2, 400, 400)

    _, document = compare(
        layer(write(tmp_path / "old.tif", old, grid)),
        later(write(tmp_path / "new.tif", old, shifted)),
        shapely.box(LEFT + 1, TOP - 79, LEFT + 79, TOP - 1),
    )

    assert document["changed_m2"] == 0
    assert document["changed_on_borders_share"] is None
    assert "nearest neighbour" in document["pixels"]


def test_layers_of_one_lattice_are_said_to_be(tmp_path: Path) -> None:
    grid = Grid(2154, LEFT, TOP, 0.2, 64, 64)
    raster = write(tmp_path / "a.tif", blobs(64, 64), grid)

    _, document = compare(layer(raster), later(raster), shapely.box(*grid.bounds))

    assert document["pixels"] == "Both layers have the same pixels."
    assert document["unchanged_m2"] == document["compared_m2"]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"model": "a"}, {"model": "b"}, ["by model a of imagery of 2021", "by model b of imagery of 2024"]),
        ({"model": None}, {"model": None}, ["by an unknown model of imagery of 2021", "of imagery of 2024"]),
        ({"vintage": None}, {"model": "b"}, ["by model tiny of imagery of an unknown year"]),
    ],
)
def test_a_change_of_network_is_warned_of(
    tmp_path: Path, before: dict[str, Any], after: dict[str, Any], words: list[str]
) -> None:
    grid = Grid(2154, LEFT, TOP, 0.2, 64, 64)
    raster = write(tmp_path / "a.tif", blobs(64, 64), grid)

    _, document = compare(layer(raster, **before), later(raster, **after), shapely.box(*grid.bounds))

    (warning,) = document["warnings"]
    assert all(word in warning for word in words)


def test_one_network_needs_no_warning_and_the_wrong_order_does(tmp_path: Path) -> None:
    grid = Grid(2154, LEFT, TOP, 0.2, 64, 64)
    old, new = layer(raster := write(tmp_path / "a.tif", blobs(64, 64), grid)), later(raster)

    assert compare(old, new, shapely.box(*grid.bounds))[1]["warnings"] == []
    assert "not older" in compare(new, old, shapely.box(*grid.bounds))[1]["warnings"][0]


def test_a_layer_is_not_compared_with_itself() -> None:
    with pytest.raises(ParameterInvalid, match="itself"):
        ChangeMeasurement(layer(), layer(), shapely.box(3, 43, 3.1, 43.1))


def test_layers_of_different_classes_are_not_compared() -> None:
    other = layer().nomenclature.model_copy(update={"id": "other"})

    with pytest.raises(ParameterInvalid, match="only layers of one nomenclature"):
        ChangeMeasurement(layer(), later(nomenclature=other), shapely.box(3, 43, 3.1, 43.1))


def test_a_layer_in_another_crs_is_read_where_the_pixel_s_centre_lies(tmp_path: Path) -> None:
    # Around 3° E the grids of Lambert-93 and UTM 31N are turned by hardly a degree; pixels never coincide.
    centre_x, centre_y = Transformer.from_crs(2154, 32631, always_xy=True).transform(LEFT + 30.0, TOP - 30.0)
    here = Grid(2154, LEFT, TOP, 0.2, 300, 300)
    there = Grid(32631, round(centre_x) - 60.0, round(centre_y) + 60.0, 0.2, 600, 600)
    old, new = blobs(300, 300), blobs(600, 600, seed=1)

    counts, document = compare(
        layer(write(tmp_path / "old.tif", old, here)),
        later(write(tmp_path / "new.tif", new, there)),
        shapely.box(*here.bounds).buffer(5),
    )

    xs, ys = np.meshgrid(LEFT + 0.1 + 0.2 * np.arange(300), TOP - 0.1 - 0.2 * np.arange(300))
    utm_x, utm_y = Transformer.from_crs(2154, 32631, always_xy=True).transform(xs, ys)
    columns, rows = np.floor((utm_x - there.left) / 0.2).astype(int), np.floor((there.top - utm_y) / 0.2).astype(int)
    pairs = np.zeros((256, 256), np.int64)
    np.add.at(pairs, (old, new[rows, columns]), 1)
    # A centre on the very edge of a pixel may fall to either side.
    assert np.abs(counts[0] - pairs).sum() <= 4
    assert document["nodata_m2"] == 0
    assert "nearest neighbour" in document["pixels"]
