"""The area of interest: what is accepted, what is refused and why, its area and its blocks."""

from __future__ import annotations

import json

import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from app import aoi
from app.definitions import BlockCell, prediction_grid
from app.errors import AoiInvalid, AoiTooLarge
from tests.samples import GRID, lonlat_box

SQUARE = [[3.0, 43.0], [3.01, 43.0], [3.01, 43.01], [3.0, 43.01], [3.0, 43.0]]


def polygon(*rings: list[list[float]]) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": list(rings)}


def feature(geometry: object) -> dict[str, object]:
    return {"type": "Feature", "properties": {}, "geometry": geometry}


@pytest.mark.parametrize(
    "geojson",
    [
        polygon(SQUARE),
        feature(polygon(SQUARE)),
        {"type": "FeatureCollection", "features": [feature(polygon(SQUARE))]},
        {"type": "MultiPolygon", "coordinates": [[SQUARE]]},
        polygon([[*position, 120.0] for position in SQUARE]),
    ],
)
def test_every_form_of_one_polygon_is_that_polygon(geojson: dict[str, object]) -> None:
    assert aoi.parse(geojson, most_vertices=10).equals(shapely.Polygon(SQUARE))


def test_holes_are_kept() -> None:
    hole = [[3.002, 43.002], [3.004, 43.002], [3.004, 43.004], [3.002, 43.002]]

    parsed = aoi.parse(polygon(SQUARE, hole), most_vertices=10)

    assert len(parsed.interiors) == 1


@pytest.mark.parametrize(
    ("geojson", "says"),
    [
        ([], "GeoJSON"),
        (None, "GeoJSON"),
        ({"type": "Point", "coordinates": [3, 43]}, '"Point"'),
        (feature(None), "geometry is missing"),
        (feature(feature(polygon(SQUARE))), '"Feature"'),
        ({"type": "FeatureCollection", "features": []}, "no features"),
        ({"type": "FeatureCollection", "features": [polygon(SQUARE)]}, "Features only"),
        ({"type": "MultiPolygon", "coordinates": []}, "no polygons"),
        (polygon(), "one ring"),
        (polygon(SQUARE[:3]), "four positions"),
        (polygon(SQUARE[:4]), "not closed"),
        (polygon([[3.0, 43.0]] * 4), "not valid"),
        (polygon([[3.0, 43.0], [3.1, 43.1], [3.1, 43.0], [3.0, 43.1], [3.0, 43.0]]), "3.05, 43.05"),
        (polygon(SQUARE, [[3.2, 43.2], [3.3, 43.2], [3.3, 43.3], [3.2, 43.2]]), "hole lies outside shell"),
        ({"type": "MultiPolygon", "coordinates": [[SQUARE], [SQUARE]]}, "not valid"),
        (polygon([[720896, 6273792], [720996, 6273792], [720996, 6273892], [720896, 6273792]]), "metres"),
        (polygon([[43.0, 3.0], [43.0, 100.0], [44.0, 100.0], [43.0, 3.0]]), "[longitude, latitude]"),
        (polygon([[170.0, 0.0], [190.0, 0.0], [190.0, 5.0], [170.0, 0.0]]), "antimeridian"),
        (polygon([[170.0, 0.0], [-170.0, 0.0], [-170.0, 5.0], [170.0, 0.0]]), "antimeridian"),
        ({**polygon(SQUARE), "crs": {"type": "name"}}, "crs"),
        (polygon([["3", 43.0], *SQUARE[1:]]), "finite number"),
        (polygon([[True, 43.0], *SQUARE[1:]]), "finite number"),
        (polygon([[None, 43.0], *SQUARE[1:]]), "finite number"),
        (polygon([[float("nan"), 43.0], *SQUARE[1:]]), "finite number"),
        (polygon([[float("inf"), 43.0], *SQUARE[1:]]), "finite number"),
        (polygon([[10**400, 43], *SQUARE[1:]]), "finite number"),
        (polygon([[1e308, 43.0], *SQUARE[1:]]), "finite number"),
        (polygon([3.0, 43.0, 3.1, 43.1]), "[longitude, latitude]"),
        ({"type": "Polygon", "coordinates": {"0": SQUARE}}, "one ring"),
    ],
)
def test_what_is_no_polygon_is_refused_with_its_fault(geojson: object, says: str) -> None:
    with pytest.raises(AoiInvalid) as refusal:
        aoi.parse(geojson, most_vertices=100)

    assert says in refusal.value.message


def test_the_number_of_vertices_is_limited() -> None:
    circle = shapely.geometry.mapping(shapely.Point(3, 43).buffer(0.01, quad_segs=25))

    with pytest.raises(AoiInvalid, match="101 vertices, the limit is 100"):
        aoi.parse(json.loads(json.dumps(circle)), most_vertices=100)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda c: st.lists(c) | st.dictionaries(st.sampled_from(["type", "coordinates", "geometry", "features"]), c),
    )
)
def test_nothing_but_a_refusal_comes_of_any_json(value: object) -> None:
    with pytest.raises(AoiInvalid):
        aoi.parse(value, most_vertices=100)


def test_area_is_that_of_the_pixels_in_the_plane_of_the_grid() -> None:
    block = lonlat_box(BlockCell(1760, 13980), BlockCell(1760, 13980), inset_m=0)

    assert aoi.area_m2(block, 2154) == pytest.approx(409.6**2, rel=1e-9)


def test_area_differs_from_the_ellipsoidal_one_by_less_than_a_third_of_a_percent() -> None:
    block = lonlat_box(BlockCell(1760, 13980), BlockCell(1769, 13989))
    geodesic, _ = pyproj.Geod(ellps="GRS80").geometry_area_perimeter(shapely.orient_polygons(block))

    assert aoi.area_m2(block, 2154) == pytest.approx(geodesic, rel=0.0033)


def test_an_area_above_the_limit_is_refused_with_both_figures() -> None:
    four_blocks = lonlat_box(BlockCell(1760, 13980), BlockCell(1761, 13981), inset_m=0)  # 0.671 km²

    with pytest.raises(AoiTooLarge, match=r"0\.67 km², the limit is 0\.5 km²"):
        aoi.require_within_limit(four_blocks, 2154, 0.5)


def test_the_whole_world_is_refused_as_too_large() -> None:
    with pytest.raises(AoiTooLarge):
        aoi.require_within_limit(shapely.box(-90, -89, 90, 89), 2154, 25)


def test_a_polygon_is_covered_by_the_blocks_it_shares_area_with_and_no_others() -> None:
    two_by_one = lonlat_box(BlockCell(1760, 13980), BlockCell(1761, 13980), inset_m=0)

    cells = aoi.covering_cells(two_by_one, GRID)

    assert sorted(cells) == [(1760, 13980), (1761, 13980)]


def test_the_block_in_the_middle_comes_first() -> None:
    cells = aoi.covering_cells(lonlat_box(BlockCell(10, 14000), BlockCell(12, 14002)), prediction_grid())

    assert cells[0] == (11, 14001)
    assert {cells[5], cells[6], cells[7], cells[8]} == {(10, 14000), (12, 14000), (10, 14002), (12, 14002)}


def test_a_ring_round_a_block_leaves_that_block_out() -> None:
    outer = lonlat_box(BlockCell(10, 14000), BlockCell(12, 14002))
    inner = lonlat_box(BlockCell(11, 14001), BlockCell(11, 14001), inset_m=-1)

    cells = aoi.covering_cells(outer.difference(inner), GRID)

    assert (11, 14001) not in cells
    assert len(cells) == 8


def test_an_outline_that_spans_the_world_is_refused_before_it_is_cut_into_pieces() -> None:
    # Eighty slivers around half the world: hardly any area, 30 million pieces.
    slivers = shapely.MultiPolygon(
        [shapely.Polygon([(-89, lat), (89, lat), (89, lat + 1e-9)]) for lat in range(-40, 40)]
    )

    with pytest.raises(AoiTooLarge, match="the limit is 5000 km"):
        aoi.require_within_limit(slivers, 2154, 25.0)
    with pytest.raises(AoiTooLarge, match="outline"):
        aoi.require_measurable(slivers, 20_000.0)
