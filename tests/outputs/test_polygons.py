"""Polygons of classes: a coverage that is exact, clean, and says the same wherever blocks are cut."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio.features
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from shapely.geometry.base import BaseGeometry

from app.definitions import BlockCell, nomenclature
from app.errors import Invalid, Unavailable
from app.outputs import write_outputs
from app.outputs.polygons import writing
from app.publish.geopackages import inspect_geopackage
from tests import samples
from tests.components import program, require
from tests.outputs.polygon_files import by_gdal, found, in_order, parts, read, write
from tests.outputs.predictions import FORESTS, prediction
from tests.tiling.blobs import blobs

_RASTERS = arrays.arrays(np.uint8, st.tuples(st.integers(1, 11), st.integers(1, 11)), elements=st.integers(0, 3))
_CUTS = st.sets(st.integers(1, 10), max_size=3)
_RING = np.array([[1, 1, 1, 1], [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1]], np.uint8)
_TOUCHING_ITSELF = np.array([[1, 1, 1], [1, 2, 1], [1, 1, 3]], np.uint8)  # 1 meets itself at the corner of 2 and 3
_CHEQUERED = np.indices((6, 6)).sum(axis=0).astype(np.uint8) % 2 + 1


def _cuts(classes: np.ndarray, columns: set[int], rows: set[int]) -> dict[str, list[int]]:
    height, width = classes.shape
    return {"columns": sorted(c for c in columns if c < width), "rows": sorted(r for r in rows if r < height)}


@settings(max_examples=150, deadline=None)
@given(_RASTERS, _CUTS, _CUTS)
@example(_RING, {2}, {2})
@example(_TOUCHING_ITSELF, set(), set())
@example(_TOUCHING_ITSELF, {2}, {2})
@example(_CHEQUERED, {3}, {1, 2})
def test_polygons_are_the_patches_that_gdal_finds_however_parts_are_cut(
    classes: np.ndarray, columns: set[int], rows: set[int]
) -> None:
    ours = found(classes, **_cuts(classes, columns, rows))

    assert shapely.is_valid(ours.geometries).all()
    assert shapely.coverage_is_valid(ours.geometries)
    expected = by_gdal(classes)
    for value in (1, 2, 3):
        of_class = ours.geometries[np.array(ours.values, int) == value]
        theirs = in_order(expected.get(value, []))
        assert len(of_class) == len(theirs)
        assert shapely.equals(of_class, theirs).all()
        # 0.04 m² a pixel
        area_m2 = sum(a for a, v in zip(ours.area_m2, ours.values, strict=True) if v == value)
        assert area_m2 == pytest.approx(np.count_nonzero(classes == value) * 0.04)


@settings(max_examples=150, deadline=None)
@given(_RASTERS, _CUTS, _CUTS, st.sampled_from([0.5, 1.0, 2.0, 8.0]))
@example(_RING, {2}, {2}, 8.0)
@example(_TOUCHING_ITSELF, {2}, {1}, 8.0)
@example(_CHEQUERED, {3}, {3}, 8.0)
def test_simplified_polygons_stay_a_coverage_within_the_tolerance(
    classes: np.ndarray, columns: set[int], rows: set[int], tolerance_px: float
) -> None:
    exact = found(classes)
    simple = found(classes, tolerance_px=tolerance_px, **_cuts(classes, columns, rows))

    assert shapely.is_valid(simple.geometries).all()
    assert shapely.coverage_is_valid(simple.geometries)
    assert simple.values == exact.values
    assert shapely.area(simple.geometries).sum() == pytest.approx(np.count_nonzero(classes))
    for ours, theirs in zip(simple.geometries, exact.geometries, strict=True):
        corners = shapely.points(shapely.get_coordinates(theirs))
        assert shapely.distance(corners, shapely.boundary(ours)).max() <= tolerance_px + 1e-4
        assert len(shapely.get_rings(ours)) == len(shapely.get_rings(theirs))


@settings(max_examples=100, deadline=None)
@given(_RASTERS, _CUTS, _CUTS, st.sampled_from([0.08, 0.2, 1.0]))
def test_merged_polygons_do_not_depend_on_how_parts_are_cut(
    classes: np.ndarray, columns: set[int], rows: set[int], minimum_area_m2: float
) -> None:
    whole = found(classes, minimum_area_m2=minimum_area_m2)
    cut = found(classes, minimum_area_m2=minimum_area_m2, **_cuts(classes, columns, rows))

    assert shapely.coverage_is_valid(cut.geometries)
    assert (cut.values, cut.confidence, cut.area_m2) == (whole.values, whole.confidence, whole.area_m2)
    assert shapely.equals(cut.geometries, whole.geometries).all()
    assert shapely.area(cut.geometries).sum() == pytest.approx(np.count_nonzero(classes))
    # What is still too small has no neighbour to go to.
    small = cut.geometries[np.array(cut.area_m2) < minimum_area_m2 - 1e-9]
    for polygon in small:
        edges = shapely.intersection(shapely.boundary(polygon), shapely.boundary(cut.geometries))
        assert np.count_nonzero(shapely.length(edges)) == 1


def test_a_patch_across_a_seam_is_one_polygon_with_the_mean_of_all_its_pixels() -> None:
    classes = np.full((4, 6), 9, np.uint8)
    classes[1:3, 1:5] = 1
    sure = np.full((4, 6), 51, np.uint8)
    sure[1:3, 1:3] = 255

    made = found(classes, confidence=sure, columns=(3,))

    assert made.values == [9, 1]
    assert made.confidence == pytest.approx([0.2, 0.6])  # 51 / 255; as many of 1.0 as of 0.2
    assert made.area_m2 == pytest.approx([0.64, 0.32])
    assert shapely.equals(made.geometries[1], shapely.box(1, 1, 5, 3))


def test_pixels_without_class_belong_to_no_polygon() -> None:
    classes = np.full((5, 5), 7, np.uint8)
    classes[1:3, 1:4] = 0

    made = found(classes, tolerance_px=5)

    assert made.values == [7]
    assert shapely.equals(made.geometries[0], shapely.box(0, 0, 5, 5) - shapely.box(1, 1, 4, 3))


def test_where_nothing_is_known_the_layer_is_empty() -> None:
    assert found(np.zeros((4, 4), np.uint8)).values == []


def test_slanting_boundaries_become_lines() -> None:
    rows, columns = np.indices((200, 200))
    classes = np.where(columns * 3 + rows < 400, 13, 14).astype(np.uint8)

    made = found(classes, tolerance_px=1)

    assert [len(shapely.get_coordinates(p)) for p in made.geometries] == [5, 5]
    assert made.area_m2[0] == pytest.approx(np.count_nonzero(classes == 13) * 0.04, rel=0.005)


def test_simplified_polygons_paint_nearly_the_pixels_that_they_come_from() -> None:
    random = np.random.default_rng(0)
    sites = random.random((60, 2)) * 400
    distances = ((np.indices((400, 400))[:, :, :, None] - sites.T[:, None, None]) ** 2).sum(axis=0)
    classes = (distances.argmin(axis=2) % 16 + 1).astype(np.uint8)  # parcels with straight sides
    exact = found(classes)

    made = found(classes, tolerance_px=1, columns=(150,), rows=(150,))

    assert shapely.coverage_is_valid(made.geometries)
    painted = rasterio.features.rasterize(zip(made.geometries, made.values, strict=True), out_shape=classes.shape)
    assert np.count_nonzero(painted != classes) < 0.01 * classes.size
    corners, exact_corners = (len(shapely.get_coordinates(some.geometries)) for some in (made, exact))
    assert corners < exact_corners / 5


def test_a_lens_between_two_corners_does_not_collapse() -> None:
    classes = np.full((9, 40), 5, np.uint8)
    classes[4:] = 6
    classes[3:5, 8:32] = 7  # between 5 and 6, nowhere farther from their boundary than a pixel

    made = found(classes, tolerance_px=3)

    assert sorted(made.values) == [5, 6, 7]
    assert shapely.coverage_is_valid(made.geometries)
    assert (shapely.area(made.geometries) > 10).all()


def test_an_island_stays_on_its_side_of_a_boundary() -> None:
    classes = np.full((12, 40), 5, np.uint8)
    classes[8:] = 6
    classes[5:8, 14:26] = 6  # a cape that the tolerance would cut off,
    classes[6, 20] = 7  # with an island in it

    made = found(classes, tolerance_px=4)

    cape, island = (made.geometries[made.values.index(value)] for value in (6, 7))
    assert shapely.coverage_is_valid(made.geometries)
    assert shapely.get_num_interior_rings(cape) == 1
    assert shapely.Polygon(shapely.get_interior_ring(cape, 0)).equals(island)


@pytest.mark.parametrize(
    ("classes", "minimum_px", "expected"),
    [
        # The pixel of 2 shares three edges with 3 and one with 1.
        ([[1, 1, 1], [3, 2, 3], [3, 3, 3]], 2, [[1, 1, 1], [3, 3, 3], [3, 3, 3]]),
        # As many with either: the larger neighbour has it.
        ([[1, 1, 1], [1, 1, 1], [0, 2, 0], [3, 3, 3]], 2, [[1, 1, 1], [1, 1, 1], [0, 1, 0], [3, 3, 3]]),
        # Nothing is merged across nodata.
        ([[1, 0, 2, 2], [0, 0, 2, 2]], 2, [[1, 0, 2, 2], [0, 0, 2, 2]]),
        # 2 goes to 1 on both sides of it, and these become one.
        ([[1, 1, 2, 1, 1]], 2, [[1, 1, 1, 1, 1]]),
        # 2 and 3 choose each other, the larger holds; together they are large enough.
        ([[2, 2, 3, 3, 3], [0, 0, 0, 0, 0], [5, 5, 5, 5, 5]], 4, [[3, 3, 3, 3, 3], [0, 0, 0, 0, 0], [5, 5, 5, 5, 5]]),
        # A patch of exactly the minimum stays.
        ([[1, 1, 2, 2, 3, 3, 3]], 2, [[1, 1, 2, 2, 3, 3, 3]]),
    ],
)
def test_small_patches_go_to_the_neighbour_with_the_longest_edge(
    classes: list[list[int]], minimum_px: int, expected: list[list[int]]
) -> None:
    made = found(np.array(classes, np.uint8), minimum_area_m2=minimum_px * 0.04)

    wanted = found(np.array(expected, np.uint8))
    assert made.values == wanted.values
    assert shapely.equals(made.geometries, wanted.geometries).all()


def test_equal_blocks_give_equal_bytes(tmp_path: Path) -> None:
    classes = blobs(256, 256)
    paths = [write(tmp_path / f"{n}.gpkg", classes, columns=(128,), tolerance_px=1) for n in "ab"]

    assert len({hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}) == 1
    with sqlite3.connect(paths[0]) as database:
        assert database.execute("SELECT last_change FROM gpkg_contents").fetchall() == [("2000-01-01T00:00:00.000Z",)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gpkg", "b.gpkg"]


@pytest.mark.needs("gdal")
def test_gdal_finds_the_schema_of_the_official_product(tmp_path: Path) -> None:
    path = write(tmp_path / "polygons.gpkg", _RING)

    command = [str(program("ogrinfo")), "-so", path, "polygons"]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    assert "Geometry: Polygon\n" in told
    assert "Feature Count: 2\n" in told
    assert 'ID["EPSG",2154]]' in told
    for field in ("numero: Integer (0.0)", "classe: String (0.0)", "confidence: Real (0.0)", "area_m2: Real (0.0)"):
        assert f"\n{field}" in told


@pytest.mark.needs("qgis")
def test_qgis_opens_the_polygons_with_their_labels(tmp_path: Path) -> None:
    path = write(tmp_path / "polygons.gpkg", _RING, confidence=np.full((4, 4), 51, np.uint8))

    script = Path(__file__).parents[1] / "clients/describe_layer_with_qgis.py"
    environment = {
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
    }
    command = [require("qgis"), script, path, "polygons"]
    told = subprocess.run(command, check=True, env=environment, timeout=120, stdout=subprocess.PIPE, text=True).stdout

    assert json.loads(told) == {
        "crs": "EPSG:2154",
        "geometry": "Polygon",
        "fields": ["fid", "numero", "classe", "confidence", "area_m2"],
        "features": [[1, "Bâtiment", 0.2], [2, "Zone perméable", 0.2]],
        "valid": True,
    }


def test_published_again_the_polygons_are_the_classes(tmp_path: Path) -> None:
    classes = blobs(128, 192)
    classes[:, :5] = 0
    path = write(tmp_path / "polygons.gpkg", classes, columns=(100,), rows=(64,))

    source = inspect_geopackage(path, "sha", nomenclature())

    assert (source.grid.width, source.grid.height) == (187, 128)
    assert np.array_equal(source.classes(0, 128), classes[:, 5:])


def test_a_job_has_polygons_of_what_was_asked_for(tmp_path: Path) -> None:
    second = BlockCell(samples.CELL.column + 1, samples.CELL.row)
    area: BaseGeometry = samples.lonlat_box(samples.CELL, second)
    made = prediction(tmp_path, {samples.CELL: FORESTS, second: FORESTS}, area, outputs=("polygons",))

    href = write_outputs(made, "jobs/a")["polygons"].href

    told = read(Path(made.storage.gdal_path(href)))
    assert told.values == [9, 8]
    # A metre inside: 507 rows of 9 and 1531 of 8, 4086 pixels wide.
    assert told.area_m2 == pytest.approx([507 * 4086 * 0.04, 1531 * 4086 * 0.04])
    assert sum(told.area_m2) == pytest.approx(made.areas["area_m2"])


def test_too_many_patches_are_refused_before_they_take_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MOST_PATCHES", 35)

    with pytest.raises(Invalid, match="more than 35 patches"):
        write(tmp_path / "polygons.gpkg", _CHEQUERED)


def test_a_place_that_cannot_be_written_is_the_weather(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        write(tmp_path / "missing" / "polygons.gpkg", _RING)


def test_whoever_waits_is_told_of_each_part_and_may_stop_it(tmp_path: Path) -> None:
    told = 0

    def alive() -> None:
        nonlocal told
        told += 1
        if told > 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        write(tmp_path / "polygons.gpkg", _RING, columns=(2,), rows=(2,), alive=alive)
    assert len(parts(_RING, (2,), (2,))) == 4
