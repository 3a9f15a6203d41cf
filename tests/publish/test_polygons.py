"""Polygons on pixels, against rasterio's rasterize and against squares counted by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import rasterio.features
import shapely

from app.definitions import Grid
from app.publish.polygons import painted, spans

GRID = Grid(2154, 700_000.0, 6_600_000.0, 0.2, 500, 400)


def _paint(polygons: Sequence[shapely.Geometry], values: list[int], grid: Grid = GRID) -> np.ndarray:
    return painted(grid, spans(np.array(polygons, object), np.array(values, np.uint8), grid))


def _reference(polygons: list[shapely.Geometry], values: list[int]) -> np.ndarray:
    burnt: np.ndarray = rasterio.features.rasterize(
        zip(polygons, values, strict=True), out_shape=(GRID.height, GRID.width), transform=GRID.transform
    )
    return burnt


def _box(left_px: float, top_px: float, right_px: float, bottom_px: float) -> shapely.Polygon:
    """A box in pixels from the corner of the grid."""
    m = GRID.resolution_m
    return shapely.box(
        GRID.left + left_px * m, GRID.top - bottom_px * m, GRID.left + right_px * m, GRID.top - top_px * m
    )


def _partition(seed: int, count: int = 300) -> list[shapely.Geometry]:
    """Cells without gap or overlap that cover the grid and reach beyond it."""
    left, bottom, right, top = GRID.bounds
    points = np.random.default_rng(seed).uniform((left, bottom), (right, top), (count, 2))
    cells = shapely.voronoi_polygons(shapely.MultiPoint(points), extend_to=shapely.box(*GRID.bounds))
    return list(shapely.get_parts(cells))


@pytest.mark.parametrize("seed", range(4))
def test_a_partition_falls_on_the_pixels_on_which_gdal_lets_it_fall(seed: int) -> None:
    cells = _partition(seed)
    values = np.random.default_rng(seed).integers(1, 16, len(cells)).tolist()

    assert np.array_equal(_paint(cells, values), _reference(cells, values))


def test_neighbours_leave_no_gap_and_share_no_pixel() -> None:
    cells = _partition(9)
    hits = sum((_paint([cell], [1]).astype(int) for cell in cells), np.zeros((GRID.height, GRID.width), int))

    assert (hits == 1).all()


def test_holes_and_islands_in_them_are_seen() -> None:
    lake, isle = _box(20, 20, 300, 300), _box(100, 100, 150, 150)
    ring = shapely.Polygon(lake.exterior.coords, [_box(50, 50, 200, 200).exterior.coords])
    both = shapely.MultiPolygon([ring, isle])

    values = _paint([both], [6])

    assert np.count_nonzero(values) == 280 * 280 - 150 * 150 + 50 * 50
    assert np.array_equal(values, _reference([both], [6]))


@pytest.mark.parametrize("turn", [1, -1])
def test_the_way_a_ring_is_drawn_does_not_matter(turn: int) -> None:
    ring = list(_box(10, 10, 30, 20).exterior.coords)[::turn]

    assert np.count_nonzero(_paint([shapely.Polygon(ring)], [3])) == 20 * 10


def test_a_pixel_belongs_to_the_polygon_that_holds_its_centre() -> None:
    values = _paint([_box(2.4, 3.4, 5.6, 4.6)], [8])

    assert np.argwhere(values).tolist() == [[row, column] for row in (3, 4) for column in (2, 3, 4, 5)]


def test_a_polygon_between_the_centres_has_no_pixel() -> None:
    assert not _paint([_box(2.6, 2.6, 3.4, 3.4)], [8]).any()


def test_a_vertex_that_only_one_neighbour_has_opens_no_gap() -> None:
    left = shapely.Polygon([(0, 0), (10, 0), (13.7, 20), (0, 20)])
    right = shapely.Polygon([(10, 0), (40, 0), (40, 20), (13.7, 20), (11.85, 10)])
    m = GRID.resolution_m
    placed = [
        shapely.transform(p, lambda xy: np.column_stack([GRID.left + xy[:, 0] * m, GRID.top - xy[:, 1] * m]))
        for p in (left, right)
    ]

    assert np.count_nonzero(_paint(placed, [1, 2])[:20, :40]) == 20 * 40


def test_strips_show_what_the_whole_shows() -> None:
    cells = _partition(5, 40)
    values = list(range(1, 17)) * 3
    strips = [
        _paint(cells, values[: len(cells)], Grid(GRID.epsg, GRID.left, GRID.top - row * 0.2, 0.2, GRID.width, 100))
        for row in range(0, 400, 100)
    ]

    assert np.array_equal(np.vstack(strips), _paint(cells, values[: len(cells)]))


def test_where_polygons_overlap_the_first_holds() -> None:
    values = _paint([_box(0, 0, 10, 10), _box(5, 5, 20, 20), _box(8, 0, 12, 30)], [1, 2, 3])

    assert (values[7, 7], values[15, 10], values[2, 9], values[2, 11], values[25, 9]) == (1, 2, 1, 3, 3)
    assert np.count_nonzero(values == 1) == 100
    assert np.count_nonzero(values == 2) == 225 - 25


def test_a_ring_that_crosses_itself_is_filled_by_the_odd_rule() -> None:
    bow = shapely.Polygon([(GRID.left, GRID.top), (GRID.left + 20, GRID.top - 20), (GRID.left + 20, GRID.top),
                           (GRID.left, GRID.top - 20)])  # fmt: skip

    assert np.array_equal(_paint([bow], [4]), _reference([bow], [4]))


def test_without_polygons_all_is_nodata() -> None:
    assert not _paint([], []).any()
    assert not _paint([shapely.Polygon()], [4]).any()
