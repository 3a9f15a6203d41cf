"""Areas against counts by hand and by shapely."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from app import areas
from app.definitions import Grid, nomenclature
from tests.tiling.blobs import GRID, blobs


def _independent(polygon: shapely.Geometry, grid: Grid, values: np.ndarray) -> np.ndarray:
    """Every pixel centre asked of shapely."""
    xs = grid.left + (np.arange(grid.width) + 0.5) * grid.resolution_m
    ys = grid.top - (np.arange(grid.height) + 0.5) * grid.resolution_m
    inside = shapely.contains_xy(polygon, *np.meshgrid(xs, ys))
    return np.bincount(values[inside], minlength=256)


def test_a_pixel_counts_when_its_centre_lies_inside() -> None:
    grid = Grid(2154, 0.0, 10.0, 1.0, 10, 10)
    values = np.full((10, 10), 3, np.uint8)
    # Centres at 0.5, 1.5 ...: from 1.4 to 4.6 hold 1.5, 2.5, 3.5, 4.5.
    counts = areas.count_values([(grid, values)], shapely.box(1.4, 1.4, 4.6, 4.6))

    assert counts[3] == 16
    assert counts.sum() == 16


@pytest.mark.parametrize(
    "polygon",
    [
        shapely.Point(721100.0, 6273600.0).buffer(150.0),
        # Coordinates off the lattice: a centre on the very edge belongs to either side.
        shapely.Polygon(
            [(720900.03, 6273500.01), (721200.017, 6273780.07), (721250.013, 6273450.071)],
            [[(721100.011, 6273600.013), (721120.017, 6273620.023), (721140.07, 6273590.03)]],
        ),
        shapely.MultiPolygon(
            [shapely.box(720900, 6273700, 720950, 6273760), shapely.box(721000.4, 6273400.8, 721100, 6273500)]
        ),
        shapely.box(720000, 6273000, 722000, 6275000),
        # Its edge runs through every cell of a mask, and along the edges of some.
        shapely.Polygon(
            [
                (721100 + (61, 190)[i % 2] * np.cos(i / 50), 6273587 + (61, 190)[i % 2] * np.sin(i / 50))
                for i in range(314)
            ]
        ).difference(shapely.box(720998.4, 6273484.8, 721100.8, 6273587.2)),
    ],
    ids=["circle", "triangle with a hole", "two boxes", "larger than the raster", "star without a cell"],
)
def test_counts_equal_an_independent_count(polygon: shapely.Geometry) -> None:
    values = blobs(GRID.height, GRID.width)

    assert np.array_equal(areas.count_values([(GRID, values)], polygon), _independent(polygon, GRID, values))


def test_counts_stay_exact_beyond_the_range_of_float32() -> None:
    # 4100 x 4100 = 16 810 000 pixels: above 2^24, where adding one to a float32 changes nothing.
    grid = Grid(2154, 0.0, 4100.0, 1.0, 4100, 4100)

    counts = areas.count_values([(grid, np.full((4100, 4100), 7, np.uint8))], shapely.box(-1, -1, 5000, 5000))

    assert counts[7] == 4100 * 4100


def test_the_table_gives_square_metres_and_shares_of_what_is_classified() -> None:
    counts = areas.no_values()
    counts[0], counts[1], counts[9] = 50, 75, 25

    table = areas.area_table(counts, 0.2, nomenclature())

    assert (table["area_m2"], table["nodata_m2"], table["resolution_m"]) == (4.0, 2.0, 0.2)
    assert [(c["value"], c["code"], c["area_m2"], c["share"]) for c in table["classes"]] == [
        (1, "batiment", 3.0, 0.75),
        (9, "feuillu", 1.0, 0.25),
    ]


def test_the_table_of_nothing_is_empty() -> None:
    assert areas.area_table(areas.no_values(), 0.2, nomenclature())["classes"] == []
