"""Class GeoTIFFs: however they are laid out, whatever their numbers mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from app.definitions import Grid, nomenclature
from app.definitions.coding import Coding, coding_table
from app.errors import RasterRefused
from app.publish.geotiffs import GeoTiff, inspect_geotiff
from app.publish.mosaics import mosaics
from tests.published import write_classes

GRID = Grid(2154, 720_896.0, 6_273_792.0, 0.2, 700, 1300)


def _inspected(path: Path, coding: Coding = Coding.VALUES) -> GeoTiff:
    return inspect_geotiff(str(path), path.name, path.name, nomenclature(), coding)


def _all(source: GeoTiff) -> np.ndarray:
    (mosaic,) = mosaics([source])
    return np.vstack([rows for _, rows in mosaic.class_parts()])


def _random_classes(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 17, (GRID.height, GRID.width), dtype=np.uint8)


@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"blockysize": 1},
        {"blockysize": 1300, "compress": "deflate"},
        {"tiled": True, "blockxsize": 512, "blockysize": 128, "compress": "lzw"},
        {"tiled": True, "blockxsize": 16, "blockysize": 1024, "compress": "zstd"},
        {"tiled": True, "blockxsize": 256, "blockysize": 256, "nbits": 5, "compress": "packbits"},
        {"bigtiff": "yes", "compress": "deflate", "predictor": 2, "interleave": "band"},
        {"tiled": True, "sparse_ok": True},
    ],
    ids=["strips", "lines", "one strip", "wide tiles", "tall tiles", "five bits", "BigTIFF", "sparse"],
)
def test_any_layout_is_read(tmp_path: Path, layout: dict[str, Any]) -> None:
    values = _random_classes()
    source = _inspected(write_classes(tmp_path / "a.tif", values, GRID, **layout))

    assert np.array_equal(_all(source), values)


def test_a_block_too_large_for_memory_is_refused(tmp_path: Path) -> None:
    layout = {"width": 20_000, "height": 30_000, "blockysize": 10_000, "compress": "deflate", "sparse_ok": True}
    profile = {"count": 1, "dtype": "uint8", "crs": "EPSG:2154", "transform": GRID.transform}
    with rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", **layout, **profile):
        pass

    with pytest.raises(RasterRefused, match=r"a\.tif lies in blocks of 20000 × 10000 pixels.*TILED=YES"):
        _inspected(tmp_path / "a.tif")


# Facts: the columns value, flair_code and flair_hub_index of the nomenclature; what is not named is no class.
@pytest.mark.parametrize(
    ("coding", "given", "expected"),
    [
        (Coding.VALUES, [0, 1, 8, 15, 16], [0, 1, 8, 15, 16]),
        (Coding.FLAIR, [0, 1, 2, 6, 13, 15, 18, 16, 17, 19], [0, 1, 2, 8, 4, 16, 15, 0, 0, 0]),
        (Coding.FLAIR_INDEX, [0, 1, 5, 12, 14, 17, 15, 16, 18], [1, 2, 8, 4, 16, 15, 0, 0, 0]),
        (Coding.FLAIR1_INDEX, [0, 1, 5, 11, 12], [1, 2, 8, 14, 0]),
        (Coding.FLAIR_HUB, [0, 1, 2, 3, 4, 13, 15, 16, 18], [1, 15, 4, 3, 2, 8, 16, 0, 0]),
    ],
)
def test_numbers_of_a_coding_become_class_values(
    tmp_path: Path, coding: Coding, given: list[int], expected: list[int]
) -> None:
    values = np.tile(np.array(given, np.uint8), (3, 1))
    source = _inspected(write_classes(tmp_path / "a.tif", values, GRID), coding)

    assert source.classes(0, 3).tolist() == [expected] * 3


@pytest.mark.parametrize(
    ("coding", "number"),
    [
        (Coding.VALUES, 17),
        (Coding.FLAIR, 20),
        (Coding.FLAIR_INDEX, 19),
        (Coding.FLAIR1_INDEX, 13),
        (Coding.FLAIR_HUB, 19),
    ],
)
def test_a_number_that_a_coding_does_not_have_is_refused(tmp_path: Path, coding: Coding, number: int) -> None:
    source = _inspected(write_classes(tmp_path / "a.tif", np.full((4, 4), number, np.uint8), GRID), coding)

    with pytest.raises(RasterRefused, match=rf"a\.tif holds the values {number}, which coding '{coding.value}'"):
        source.classes(0, 4)


def test_the_operator_is_told_how_many_pixels_stand_for_no_class(tmp_path: Path) -> None:
    values = np.ones((1300, 700), np.uint8)
    values[::2, 0] = 12  # "other" of the challenge's baseline: 650 pixels, in several windows
    source = _inspected(write_classes(tmp_path / "a.tif", values, GRID), Coding.FLAIR1_INDEX)
    (mosaic,) = mosaics([source])

    for _ in mosaic.class_parts():
        pass

    assert mosaic.remarks() == ["a.tif: 650 pixels of value 12 stand for no class and became nodata"]


def test_every_class_of_the_nomenclature_is_in_the_codings_of_flair() -> None:
    for coding in (Coding.FLAIR, Coding.FLAIR_INDEX, Coding.FLAIR_HUB):
        reached = set(coding_table(coding, nomenclature()).values.tolist()) - {0}
        assert reached == set(range(1, 17)), coding


def test_the_nodata_that_a_file_declares_is_nodata(tmp_path: Path) -> None:
    values = np.array([[255, 0, 9], [9, 255, 0]], np.uint8)
    plain = _inspected(write_classes(tmp_path / "a.tif", values, GRID, nodata=255))
    index = _inspected(write_classes(tmp_path / "b.tif", values, GRID, nodata=255), Coding.FLAIR_INDEX)

    assert plain.classes(0, 2).tolist() == [[0, 0, 9], [9, 0, 0]]
    assert index.classes(0, 2).tolist() == [[0, 1, 12], [12, 0, 1]]
    assert not plain.without_class


def test_a_nodata_that_is_a_class_of_the_coding_is_refused(tmp_path: Path) -> None:
    path = write_classes(tmp_path / "a.tif", np.zeros((4, 4), np.uint8), GRID, nodata=0)

    with pytest.raises(RasterRefused, match=r"a\.tif: declares 0 as nodata, which is a class \(Bâtiment\)"):
        _inspected(path, Coding.FLAIR_INDEX)


def test_a_nomenclature_without_codes_has_no_such_coding() -> None:
    bare = nomenclature().model_copy(
        update={
            "id": "bare",
            "classes": tuple(c.model_copy(update={"flair_code": None}) for c in nomenclature().classes),
        }
    )

    with pytest.raises(RasterRefused, match="'bare' has no coding 'flair'"):
        coding_table(Coding.FLAIR, bare)


def test_the_same_file_in_another_coding_has_another_key(tmp_path: Path) -> None:
    path = write_classes(tmp_path / "a.tif", np.ones((4, 4), np.uint8), GRID)
    keys = {mosaics([_inspected(path, coding)])[0].key(nomenclature()) for coding in Coding}

    assert len(keys) == len(Coding)


@pytest.mark.parametrize("left", [0.0, 0.01, 0.7])
def test_a_file_cut_short_is_refused_by_name(tmp_path: Path, left: float) -> None:
    path = write_classes(tmp_path / "a.tif", _random_classes(), GRID, compress="deflate")
    path.write_bytes(path.read_bytes()[: round(left * path.stat().st_size)])

    with pytest.raises(RasterRefused, match=r"a\.tif cannot be read as a GeoTIFF"):
        _all(_inspected(path))


def test_an_official_raster_has_the_name_of_its_block(tmp_path: Path) -> None:
    path = write_classes(tmp_path / "D049_2022_420_6710.tif", np.ones((4, 4), np.uint8), GRID)

    assert mosaics([_inspected(path)])[0].name == "D049_2022_420_6710"


def test_rasters_of_one_name_are_told_apart(tmp_path: Path) -> None:
    paths = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        grid = Grid(2154, 700_000.05 + 1000 * number, 6_600_000.0, 0.2, 4, 4)
        paths.append(write_classes(tmp_path / str(number) / "été 1.tif", np.ones((4, 4), np.uint8), grid))

    assert [mosaic.name for mosaic in mosaics([_inspected(path) for path in paths])] == ["ete-1", "ete-1-2"]


def test_confidence_of_a_source_without_it_is_nodata_beside_one_that_has_it(tmp_path: Path) -> None:
    two = np.stack([np.full((2048, 2048), 9, np.uint8), np.full((2048, 2048), 200, np.uint8)])
    left = Grid(2154, 720_896.0, 6_273_792.0, 0.2, 2048, 2048)
    right = Grid(2154, 720_896.0 + 409.6, 6_273_792.0, 0.2, 2048, 2048)
    sources = [
        _inspected(write_classes(tmp_path / "a.tif", two, left)),
        _inspected(write_classes(tmp_path / "b.tif", two[0], right)),
    ]

    (mosaic,) = mosaics(sources)
    _, rows = next(iter(mosaic.confidence_parts()))

    assert (rows[0, 2047], rows[0, 2048]) == (200, 0)


def test_rows_are_asked_for_by_whole_rows_of_the_files_own_tiles(tmp_path: Path) -> None:
    tiled = {"tiled": True, "blockxsize": 16, "blockysize": 384}

    assert _inspected(write_classes(tmp_path / "a.tif", _random_classes(), GRID, **tiled)).rows_at_once == 768
