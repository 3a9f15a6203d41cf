"""Official GeoPackages: their names, labels, places and faults."""

from __future__ import annotations

import math
import sqlite3
import struct
from pathlib import Path

import numpy as np
import pytest
import rasterio.features
import shapely

from app.definitions import Grid, nomenclature
from app.errors import RasterRefused
from app.publish.geopackages import GeoPackage, inspect_geopackage
from app.publish.mosaics import mosaics
from tests.geopackage_files import Labelled, write_geopackage

LEFT, TOP = 420_000.0, 6_710_000.0
OFFICIAL = "D049_2022_420_6710_vecto"


def _box(left_m: float, top_m: float, right_m: float, bottom_m: float) -> shapely.Polygon:
    """A box in metres from the corner, rightwards and downwards."""
    return shapely.box(LEFT + left_m, TOP - bottom_m, LEFT + right_m, TOP - top_m)


def _inspected(path: Path, sha256: str = "") -> GeoPackage:
    return inspect_geopackage(path, sha256 or path.name, nomenclature())


SQUARE = _box(0, 0, 20, 10)


def test_a_block_is_the_square_that_its_name_tells_by_its_north_west_corner(tmp_path: Path) -> None:
    block = _inspected(write_geopackage(tmp_path / f"{OFFICIAL}.gpkg", [Labelled(SQUARE, 9)]))

    assert block.grid == Grid(2154, 420_000.0, 6_710_000.0, 0.2, 50_000, 50_000)
    rows = block.classes(0, 60)
    assert rows.shape == (60, 50_000)
    assert (rows[:50, :100] == 9).all()
    assert np.count_nonzero(rows) == 50 * 100


def test_any_other_name_has_the_pixels_that_its_polygons_reach(tmp_path: Path) -> None:
    polygons = [Labelled(_box(0.33, 0.53, 8.05, 4.21), 9), Labelled(_box(-1.13, 2, 0.33, 3), 1)]
    source = _inspected(write_geopackage(tmp_path / "town.gpkg", polygons))

    # West -1.13 -> -1.2, east 8.05 -> 8.2; north 0.53 -> 0.4, south 4.21 -> 4.4.
    assert (source.grid.left, source.grid.top) == pytest.approx((LEFT - 1.2, TOP - 0.4))
    assert (source.grid.width, source.grid.height) == (47, 20)
    expected = rasterio.features.rasterize(
        [(p.geometry, p.number) for p in polygons], out_shape=(20, 47), transform=source.grid.transform
    )
    assert np.array_equal(source.classes(0, 20), expected)


def test_polygons_that_straddle_strips_are_in_each_of_them(tmp_path: Path) -> None:
    source = _inspected(write_geopackage(tmp_path / "town.gpkg", [Labelled(_box(0, 0, 20, 100), 9)]))

    assert all((source.classes(row, 7) == 9).all() for row in range(0, 497, 7))


@pytest.mark.parametrize(
    ("number", "title", "value"),
    [
        (1, "Bâtiment", 1),
        (1, None, 1),
        (None, "Batiment", 1),
        (None, "ZONE PERMEABLE", 2),
        (None, "zone_imperméable", 3),
        (None, "Terre laboure\u0301e", 14),  # accent as a sign of its own
        (16, "coupe", 16),
    ],
)
def test_classes_are_known_by_number_or_by_name_however_spelt(
    tmp_path: Path, number: int | None, title: str | None, value: int
) -> None:
    source = _inspected(write_geopackage(tmp_path / "a.gpkg", [Labelled(SQUARE, number, title)]))

    assert np.unique(source.classes(0, 50)).tolist() == [value]


@pytest.mark.parametrize(
    ("number", "title", "words"),
    [
        (1, "Vigne", r"feature 2: 'numero' 1 is Bâtiment, but 'classe' is 'Vigne'"),
        (17, None, r"feature 2: there is no class number '17'; known are 1, 2"),
        (0, None, "no class number '0'"),
        (None, "Vignoble", r"feature 2: there is no class 'Vignoble'; known are Bâtiment, Zone perméable"),
        (None, None, "feature 2 has neither 'numero' nor 'classe'"),
    ],
)
def test_labels_that_name_no_class_are_refused_with_their_feature(
    tmp_path: Path, number: int | None, title: str | None, words: str
) -> None:
    path = write_geopackage(tmp_path / "a.gpkg", [Labelled(SQUARE, 9, "Feuillu"), Labelled(SQUARE, number, title)])

    with pytest.raises(RasterRefused, match=words) as caught:
        _inspected(path)
    assert caught.value.message.startswith("a.gpkg")


def test_columns_of_other_names_are_refused(tmp_path: Path) -> None:
    path = write_geopackage(tmp_path / "a.gpkg", [Labelled(SQUARE, 9)], columns=("code", "nom"))

    with pytest.raises(RasterRefused, match=r"code, nom: expected 'numero'"):
        _inspected(path)


def test_overseas_blocks_keep_their_crs(tmp_path: Path) -> None:
    reunion = shapely.box(340_000, 7_650_000, 340_020, 7_650_010)
    path = write_geopackage(tmp_path / "D974_2022_340_7660_vecto.gpkg", [Labelled(reunion, 9)], crs="EPSG:2975")

    assert _inspected(path).grid == Grid(2975, 340_000.0, 7_660_000.0, 0.2, 50_000, 50_000)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:2229"], ids=["degrees", "feet"])
def test_other_than_metres_are_refused(tmp_path: Path, crs: str) -> None:
    with pytest.raises(RasterRefused, match="projected"):
        _inspected(write_geopackage(tmp_path / "a.gpkg", [Labelled(SQUARE, 9)], crs=crs))


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_a_file_without_crs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RasterRefused, match="EPSG:2154"):
        _inspected(write_geopackage(tmp_path / "a.gpkg", [Labelled(SQUARE, 9)], crs=None))


def test_a_name_that_counts_from_the_south_edge_is_refused(tmp_path: Path) -> None:
    path = write_geopackage(tmp_path / "D049_2022_420_6700_vecto.gpkg", [Labelled(SQUARE, 9)])

    with pytest.raises(RasterRefused, match=r"north edge is km 6700"):
        _inspected(path)


def test_polygons_beyond_the_square_are_cut(tmp_path: Path) -> None:
    wide = Labelled(_box(-500, -500, 6000, 3000), 9)
    block = _inspected(write_geopackage(tmp_path / f"{OFFICIAL}.gpkg", [wide]))

    assert np.count_nonzero(block.classes(0, 600)) == 600 * 30_000


@pytest.mark.parametrize(
    "geometry",
    [shapely.LineString([(LEFT, TOP), (LEFT + 5, TOP)]), shapely.Point(LEFT, TOP), None],
    ids=["line", "point", "missing"],
)
def test_what_is_no_polygon_is_refused_with_its_feature(tmp_path: Path, geometry: shapely.Geometry | None) -> None:
    source = _inspected(write_geopackage(tmp_path / "a.gpkg", [Labelled(SQUARE, 9), Labelled(geometry, 9)]))

    if geometry is None:  # it meets no strip
        assert (source.classes(0, 50) == 9).all()
        return
    with pytest.raises(RasterRefused, match=r"a\.gpkg: feature 2 is no polygon"):
        source.classes(0, 50)


def test_a_coordinate_that_is_no_number_is_refused_with_its_feature(tmp_path: Path) -> None:
    odd = shapely.Polygon([(LEFT, TOP), (LEFT + 20, TOP), (LEFT + 7.03125, TOP - 10)])
    path = write_geopackage(tmp_path / "a.gpkg", [Labelled(SQUARE, 9), Labelled(odd, 9)])
    path.write_bytes(path.read_bytes().replace(struct.pack("<d", LEFT + 7.03125), struct.pack("<d", math.nan)))

    with pytest.raises(RasterRefused, match=r"a\.gpkg: feature 2 is no polygon"):
        _inspected(path).classes(0, 50)


def test_a_file_that_another_program_is_writing_is_refused(tmp_path: Path) -> None:
    path = write_geopackage(tmp_path / "a.gpkg", [Labelled(SQUARE, 9)])
    (tmp_path / "a.gpkg-wal").write_bytes(b"changes that are not in the file yet")

    with pytest.raises(RasterRefused, match=r"a\.gpkg is open in another program"):
        _inspected(path)


def test_heights_of_vertices_do_not_matter(tmp_path: Path) -> None:
    tall = shapely.force_3d(SQUARE, 12.0)
    source = _inspected(write_geopackage(tmp_path / "a.gpkg", [Labelled(tall, 9)]))

    assert (source.classes(0, 50) == 9).all()


def test_a_file_without_polygons_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RasterRefused, match=r"a\.gpkg holds no polygon"):
        _inspected(write_geopackage(tmp_path / "a.gpkg", []))


def test_an_area_too_large_for_one_raster_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RasterRefused, match=r"61 km × 0 km: allowed are 60 km"):
        _inspected(write_geopackage(tmp_path / "a.gpkg", [Labelled(_box(0, 0, 61_000, 10), 9)]))


def test_a_file_without_spatial_index_is_refused(tmp_path: Path) -> None:
    path = write_geopackage(tmp_path / "a.gpkg", [Labelled(SQUARE, 9)], index=False)

    with pytest.raises(RasterRefused, match="no spatial index"):
        _inspected(path)


def test_several_layers_in_a_file_are_refused(tmp_path: Path) -> None:
    path = write_geopackage(tmp_path / "a.gpkg", [Labelled(SQUARE, 9)])
    write_geopackage(path, [Labelled(SQUARE, 9)], layer="b")

    with pytest.raises(RasterRefused, match="has 2 layers"):
        _inspected(path)


@pytest.mark.parametrize("content", [b"", b"no database", "cut"], ids=["empty", "text", "cut short"])
def test_damaged_files_are_refused_by_name(tmp_path: Path, content: bytes | str) -> None:
    path = write_geopackage(tmp_path / "a.gpkg", [Labelled(SQUARE, 9)] * 500)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if isinstance(content, str) else content)

    with pytest.raises(RasterRefused, match=r"a\.gpkg"):
        _inspected(path).classes(0, 50)


def test_a_database_that_is_no_geopackage_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.gpkg") as database:
        database.execute("CREATE TABLE t (x)")

    with pytest.raises(RasterRefused, match=r"cannot be read as a GeoPackage"):
        _inspected(tmp_path / "a.gpkg")


def test_nothing_is_written_beside_the_file(tmp_path: Path) -> None:
    _inspected(write_geopackage(tmp_path / "a.gpkg", [Labelled(SQUARE, 9)])).classes(0, 50)

    assert [path.name for path in tmp_path.iterdir()] == ["a.gpkg"]


def test_a_border_block_is_merged_from_its_departements_and_the_first_has_the_word(tmp_path: Path) -> None:
    west = _inspected(write_geopackage(tmp_path / f"{OFFICIAL}.gpkg", [Labelled(_box(0, 0, 20, 10), 9)]))
    east = _inspected(write_geopackage(tmp_path / "D037_2021_420_6710_vecto.gpkg", [Labelled(_box(18, 0, 40, 10), 1)]))

    (merged,) = mosaics([west, east])

    _, rows = next(iter(merged.class_parts()))
    assert merged.name == "2021-2022_420_6710"
    assert merged.grid == west.grid
    assert np.count_nonzero(rows == 9) == 50 * 100
    assert np.count_nonzero(rows == 1) == 50 * 100
    assert (rows[10, 95], rows[10, 100]) == (9, 1)


def test_a_block_of_one_departement_has_the_name_without_its_ending(tmp_path: Path) -> None:
    (only,) = mosaics([_inspected(write_geopackage(tmp_path / f"{OFFICIAL}.gpkg", [Labelled(SQUARE, 9)]))])

    assert only.name == "D049_2022_420_6710"


def test_a_block_given_for_two_years_of_one_departement_is_refused(tmp_path: Path) -> None:
    blocks = [
        _inspected(write_geopackage(tmp_path / f"D049_{year}_420_6710_vecto.gpkg", [Labelled(SQUARE, 9)]))
        for year in (2019, 2022)
    ]

    with pytest.raises(RasterRefused, match="overlap"):
        mosaics(blocks)


def test_the_key_follows_the_content_and_the_order_of_border_blocks(tmp_path: Path) -> None:
    first = write_geopackage(tmp_path / f"{OFFICIAL}.gpkg", [Labelled(SQUARE, 9)])
    second = write_geopackage(tmp_path / "D037_2022_420_6710_vecto.gpkg", [Labelled(SQUARE, 1)])
    a, b, changed = _inspected(first, "aa"), _inspected(second, "bb"), _inspected(first, "cc")

    keys = [mosaics(pair)[0].key(nomenclature()) for pair in ([a, b], [a, b], [b, a], [changed, b])]

    assert keys[0] == keys[1]
    assert len({*keys}) == 3
