"""Areas of layers of several rasters, against counts of whole arrays that shapely masked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from app.catalogue import Layer
from app.definitions import Grid
from app.errors import RasterUnreadable
from app.statistics import AreaMeasurement, Tally, count
from tests.statistics.layers import LEFT, TOP, centres_inside, layer, lonlat
from tests.tiling.blobs import blobs, write

CIRCLE = shapely.Point(LEFT + 320.03, TOP - 250.01).buffer(180.0)


def measure(measured: Layer, polygon: shapely.Geometry) -> tuple[np.ndarray, dict[str, Any]]:
    measurement = AreaMeasurement(measured, lonlat(polygon))
    tally = Tally.of_nothing(measurement)
    with ThreadPoolExecutor(2) as threads:
        for _ in count(measurement, tally, threads):
            pass
    return tally.counts, measurement.document(tally.counts)


def test_windows_add_up_to_the_whole(tmp_path: Path) -> None:
    grid, values = Grid(2154, LEFT, TOP, 0.2, 3000, 2500), blobs(2500, 3000)

    counts, _ = measure(layer(write(tmp_path / "a.tif", values, grid)), CIRCLE)

    expected = np.bincount(values[centres_inside(CIRCLE, grid)], minlength=256)
    # The polygon went to degrees and back: a centre within a micrometre of its edge may change sides.
    assert np.abs(counts - expected).sum() <= 2


def test_rasters_side_by_side_count_as_one(tmp_path: Path) -> None:
    whole, values = Grid(2154, LEFT, TOP, 0.2, 3000, 2500), blobs(2500, 3000)
    halves = [
        write(tmp_path / f"{column}.tif", values[:, column : column + 1500].copy(), whole.window(column, 0, 1500, 2500))
        for column in (0, 1500)
    ]

    counts, document = measure(layer(*halves), CIRCLE)

    expected, _ = measure(layer(write(tmp_path / "whole.tif", values, whole)), CIRCLE)
    assert np.array_equal(counts, expected)
    assert document["outside_m2"] == pytest.approx(0, abs=1e-3)


def test_where_rasters_overlap_the_first_with_data_counts_once(tmp_path: Path) -> None:
    # Two rasters of 100 × 100 px that share 50 columns; the first is nodata in its lower half.
    first = np.full((100, 100), 1, np.uint8)
    first[50:] = 0
    second = np.full((100, 100), 6, np.uint8)
    second[90:] = 0
    rasters = [
        write(tmp_path / "first.tif", first, Grid(2154, LEFT, TOP, 0.2, 100, 100)),
        write(tmp_path / "second.tif", second, Grid(2154, LEFT + 10.0, TOP, 0.2, 100, 100)),
    ]

    counts, document = measure(layer(*rasters), shapely.box(LEFT - 10, TOP - 40, LEFT + 50, TOP + 10))

    # First: its 50 rows of 100. Second: 50 rows of its own 50 columns, then 40 rows of all its 100.
    assert (counts[1], counts[6]) == (5000, 2500 + 4000)
    # Below row 90 the whole width of 150, and rows 50-89 where the first lies alone.
    assert counts[0] == 10 * 150 + 40 * 50
    assert document["outside_m2"] == pytest.approx(60 * 50 - 30 * 20, abs=0.01)


def test_rasters_of_two_crs_are_counted_in_their_own(tmp_path: Path) -> None:
    # Around 3° E Lambert-93 and UTM 31N overlap: one raster of each, 250 m apart.
    in_lambert = Grid(2154, LEFT, TOP, 0.2, 300, 300)
    utm_corner = shapely.Point(500_300.0, 4_823_400.0)
    in_utm = Grid(32631, utm_corner.x, utm_corner.y, 0.2, 300, 300)
    rasters = [
        write(tmp_path / "lambert.tif", np.full((300, 300), 9, np.uint8), in_lambert),
        write(tmp_path / "utm.tif", np.full((300, 300), 6, np.uint8), in_utm),
    ]
    west, south, east, north = shapely.union(
        lonlat(shapely.box(*in_lambert.bounds)), lonlat(shapely.box(*in_utm.bounds), 32631)
    ).bounds
    everything = shapely.box(west - 0.001, south - 0.001, east + 0.001, north + 0.001)
    measurement = AreaMeasurement(layer(*rasters), everything)
    tally = Tally.of_nothing(measurement)

    with ThreadPoolExecutor(1) as threads:
        list(count(measurement, tally, threads))

    assert (tally.counts[9], tally.counts[6], tally.counts.sum()) == (90_000, 90_000, 180_000)


def test_a_hole_and_a_second_polygon_count_as_drawn(tmp_path: Path) -> None:
    grid = Grid(2154, LEFT, TOP, 0.2, 600, 600)
    raster = write(tmp_path / "a.tif", np.full((600, 600), 9, np.uint8), grid)
    # Edges between centres. 100 m × 100 m without 20 m × 20 m, and 10 m × 10 m apart from it.
    ring = shapely.box(LEFT, TOP - 100, LEFT + 100, TOP).difference(
        shapely.box(LEFT + 40, TOP - 60, LEFT + 60, TOP - 40)
    )
    apart = shapely.box(LEFT + 105, TOP - 115, LEFT + 115, TOP - 105)

    counts, _ = measure(layer(raster), shapely.union(ring, apart))

    assert counts[9] == 500 * 500 - 100 * 100 + 50 * 50


def test_what_lies_outside_is_told(tmp_path: Path) -> None:
    raster = write(tmp_path / "a.tif", np.full((500, 500), 9, np.uint8), Grid(2154, LEFT, TOP, 0.2, 500, 500))

    _, document = measure(layer(raster), shapely.box(LEFT - 50, TOP - 100, LEFT + 100, TOP))

    assert document["area_m2"] == 100 * 100
    assert document["outside_m2"] == pytest.approx(50 * 100, abs=0.1)
    assert document["asked_m2"] == pytest.approx(150 * 100, abs=0.1)


def test_only_windows_that_the_polygon_touches_are_read(tmp_path: Path) -> None:
    grid = Grid(2154, LEFT, TOP, 0.2, 5000, 300)
    raster = write(tmp_path / "wide.tif", blobs(300, 5000), grid)

    measurement = AreaMeasurement(layer(raster), lonlat(shapely.box(LEFT + 990, TOP - 50, LEFT + 999, TOP - 1)))

    assert [(w.grid.left, w.grid.width) for w in measurement.windows] == [(LEFT + 4608 * 0.2, 392)]


def test_a_kept_sum_is_gone_on_with(tmp_path: Path) -> None:
    grid, values = Grid(2154, LEFT, TOP, 0.2, 4500, 300), blobs(300, 4500)
    measured = layer(write(tmp_path / "a.tif", values, grid))
    measurement = AreaMeasurement(measured, lonlat(shapely.box(*grid.bounds).buffer(10)))
    begun = Tally.of_nothing(measurement)
    with ThreadPoolExecutor(1) as threads:
        next(counting := count(measurement, begun, threads))
        counting.close()
        kept = begun.to_json()

        resumed = Tally.resumed(measurement, kept)
        rest = list(count(measurement, resumed, threads))

    assert (kept["windows_done"], len(rest)) == (1, 2)
    assert np.array_equal(resumed.counts, np.bincount(values.ravel(), minlength=256))


def test_a_sum_over_another_content_is_begun_anew(tmp_path: Path) -> None:
    raster = write(tmp_path / "a.tif", np.full((300, 300), 9, np.uint8), Grid(2154, LEFT, TOP, 0.2, 300, 300))
    area = lonlat(shapely.box(LEFT, TOP - 60, LEFT + 60, TOP))
    old, new = (AreaMeasurement(layer(raster, version=version), area) for version in ("v1", "v2"))
    kept = Tally(np.ones(256, np.int64), 1, old.version).to_json()

    assert Tally.resumed(new, kept).windows_done == 0


def test_a_damaged_raster_ends_the_count(tmp_path: Path) -> None:
    raster = write(tmp_path / "a.tif", blobs(600, 600), Grid(2154, LEFT, TOP, 0.2, 600, 600))
    Path(raster.path).write_bytes(Path(raster.path).read_bytes()[:2000])

    with pytest.raises(RasterUnreadable):
        measure(layer(raster), shapely.box(LEFT, TOP - 100, LEFT + 100, TOP))


@pytest.mark.parametrize("west", [-177.0, 3.0, 179.9])
@pytest.mark.parametrize("south", [-89.99, 0.0, 89.9])
def test_a_polygon_where_the_layer_s_crs_ends_is_outside(tmp_path: Path, west: float, south: float) -> None:
    raster = write(tmp_path / "a.tif", np.full((64, 64), 9, np.uint8), Grid(2154, LEFT, TOP, 0.2, 64, 64))
    measurement = AreaMeasurement(layer(raster), shapely.box(west, south, west + 0.05, south + 0.005))

    document = measurement.document(np.zeros(256, np.int64))

    assert measurement.windows == []
    assert document["outside_m2"] == document["asked_m2"] > 0
