"""Files as other programs find them."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image, ImageSequence
from rasterio.enums import Resampling
from rio_cogeo import cog_validate

from app.definitions import BlockCell, Grid, nomenclature, prediction_grid
from app.outputs import category_sidecar, write_block, write_class_cog, write_confidence_cog
from tests.components import require

BLOCK = prediction_grid().block(BlockCell(1760, 13980))
SMALL = Grid(2154, 720896.0, 6273792.0, 0.2, 700, 500)


def _checked(height: int, width: int, majority: int, minority: int) -> np.ndarray:
    """In each 2 x 2 cell three pixels of one value and one of the other."""
    values = np.full((height, width), majority, np.uint8)
    values[::2, ::2] = minority
    return values


def _modes(values: np.ndarray) -> np.ndarray:
    """The rule, square by square: most frequent, then first in reading order; nodata has no vote."""
    height, width = values.shape
    rows = []
    for top in range(0, height, 2):
        row = []
        for left in range(0, width, 2):
            votes = [int(v) for v in values[top : top + 2, left : left + 2].ravel() if v]
            row.append(max(votes, key=lambda v: (votes.count(v), -votes.index(v))) if votes else 0)
        rows.append(row)
    return np.array(rows, np.uint8)


def _means(values: np.ndarray) -> np.ndarray:
    padded = np.pad(values.astype(float), [(0, side % 2) for side in values.shape])
    padded[padded == 0] = np.nan
    squares = padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 2, 2)
    with np.errstate(invalid="ignore"):
        count = (~np.isnan(squares)).sum(axis=(1, 3))
        return np.floor(np.nansum(squares, axis=(1, 3)) / np.maximum(count, 1) + 0.5).astype(np.uint8)


def _levels(path: Path, band: int = 1) -> list[np.ndarray]:
    with rasterio.open(path) as dataset:
        levels = [dataset.read(band)]
        count = len(dataset.overviews(band))
    for level in range(count):
        with rasterio.open(path, overview_level=level) as dataset:
            levels.append(dataset.read(band))
    return levels


@pytest.fixture(scope="module")
def block_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("block") / "block.tif"
    write_block(path, _checked(2048, 2048, 9, 1), _checked(2048, 2048, 100, 200), BLOCK)
    return path


def test_a_block_keeps_class_and_confidence_on_its_grid(block_path: Path) -> None:
    with rasterio.open(block_path) as dataset:
        assert np.array_equal(dataset.read(1), _checked(2048, 2048, 9, 1))
        assert np.array_equal(dataset.read(2), _checked(2048, 2048, 100, 200))
        assert (dataset.transform, dataset.crs.to_epsg(), dataset.nodata) == (BLOCK.transform, 2154, 0)
        assert dataset.interleaving.value == "BAND"
        assert dataset.block_shapes == [(256, 256), (256, 256)]
        assert dataset.compression.value == "DEFLATE"


def test_overviews_of_a_block_hold_the_mode_of_classes_and_the_mean_of_confidence(block_path: Path) -> None:
    with rasterio.open(block_path, OVERVIEW_LEVEL=0) as overview:
        assert np.unique(overview.read(1)).tolist() == [9]
        assert np.unique(overview.read(2)).tolist() == [125]  # (3 x 100 + 200) / 4


def test_each_overview_of_a_block_follows_its_band_s_rule_from_the_level_below(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    grid = Grid(2154, 720896.0, 6273792.0, 0.2, 700, 390)
    classes, confidence = (rng.integers(0, top, (390, 700)).astype(np.uint8) for top in (4, 256))
    write_block(tmp_path / "block.tif", classes, confidence, grid)

    for band, rule in ((1, _modes), (2, _means)):
        levels = _levels(tmp_path / "block.tif", band)
        assert [level.shape for level in levels] == [(390, 700), (195, 350), (98, 175)]
        for finer, coarser in pairwise(levels):
            padded = np.pad(finer, [(0, side % 2) for side in finer.shape])
            assert np.array_equal(coarser, rule(padded))


def test_equal_arrays_give_equal_bytes(block_path: Path, tmp_path: Path) -> None:
    write_block(tmp_path / "again.tif", _checked(2048, 2048, 9, 1), _checked(2048, 2048, 100, 200), BLOCK)

    assert (tmp_path / "again.tif").read_bytes() == block_path.read_bytes()


def test_an_array_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="grid of"):
        write_block(tmp_path / "a.tif", np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.uint8), BLOCK)


def test_a_full_disk_is_told_as_such_and_not_as_an_error_of_the_raster_library() -> None:
    zeros = np.zeros((2048, 2048), np.uint8)
    with pytest.raises(OSError, match="No space left on device"):
        write_block(Path("/dev/full"), zeros, zeros, BLOCK)


@pytest.fixture
def class_path(tmp_path: Path) -> Path:
    path = tmp_path / "classes.tif"
    parts = [
        ((0, 0, 300, 500), _checked(500, 300, 12, 8)),
        ((300, 0, 300, 500), _checked(500, 300, 6, 4)),
    ]
    write_class_cog(path, SMALL, parts, nomenclature())
    Path(f"{path}.aux.xml").write_text(category_sidecar(nomenclature()), encoding="utf-8")
    return path


def test_a_class_raster_is_a_valid_cog(class_path: Path) -> None:
    valid, errors, warnings = cog_validate(class_path, strict=True)

    assert valid, (errors, warnings)


def test_parts_land_in_their_place_and_the_rest_is_nodata(class_path: Path) -> None:
    with rasterio.open(class_path) as dataset:
        values = dataset.read(1)

    assert np.array_equal(values[:, :300], _checked(500, 300, 12, 8))
    assert np.array_equal(values[:, 300:600], _checked(500, 300, 6, 4))
    assert not values[:, 600:].any()


def test_overviews_of_a_class_raster_hold_the_mode(class_path: Path) -> None:
    with rasterio.open(class_path, OVERVIEW_LEVEL=0) as overview:
        assert np.unique(overview.read(1)[:, :150]).tolist() == [12]


def test_a_class_raster_carries_the_official_colours(class_path: Path) -> None:
    with rasterio.open(class_path) as dataset:
        colours = dataset.colormap(1)

    assert colours[1] == (206, 112, 121, 255)
    assert colours[16] == (228, 142, 77, 255)
    assert colours[0][3] == 0


@pytest.mark.needs("gdal")
def test_gdal_shows_the_names_of_the_classes(class_path: Path) -> None:
    gdalinfo = require("gdal").with_name("gdalinfo")
    told = subprocess.run([gdalinfo, class_path], capture_output=True, check=True, text=True).stdout

    assert "12: Pelouse" in told
    assert "GDALRasterAttributeTable" in told
    assert "<F>swimming pool</F>" in told


def test_a_confidence_raster_averages_in_its_overviews(tmp_path: Path) -> None:
    path = tmp_path / "confidence.tif"
    write_confidence_cog(path, SMALL, [((0, 0, 700, 500), _checked(500, 700, 100, 200))])

    with rasterio.open(path, OVERVIEW_LEVEL=0) as overview:
        assert np.unique(overview.read(1)).tolist() == [125]


# 700 x 500: no side is a multiple of a tile; 513 x 257: one pixel more than whole tiles, odd at the next levels too.
@pytest.mark.parametrize(("width", "height"), [(700, 500), (513, 257), (256, 256), (3, 1030), (1, 1)])
def test_each_overview_holds_the_mode_of_the_level_below(tmp_path: Path, width: int, height: int) -> None:
    grid = Grid(2154, SMALL.left, SMALL.top, 0.2, width, height)
    values = np.random.default_rng(width).integers(0, 4, (height, width), dtype=np.uint8)
    write_class_cog(tmp_path / "a.tif", grid, [((0, 0, width, height), values)], nomenclature())

    levels = _levels(tmp_path / "a.tif")

    assert np.array_equal(levels[0], values)
    assert max(levels[-1].shape) <= 256
    for below, above in pairwise(levels):
        assert np.array_equal(above, _modes(below))


def test_each_overview_of_confidence_holds_the_mean_of_the_level_below(tmp_path: Path) -> None:
    values = np.random.default_rng(1).integers(0, 256, (500, 700), dtype=np.uint8)
    values[:100, :100] = 0
    write_confidence_cog(tmp_path / "a.tif", SMALL, [((0, 0, 700, 500), values)])

    for below, above in pairwise(_levels(tmp_path / "a.tif")):
        assert np.array_equal(above, _means(below))


def test_overviews_are_gdals_where_one_class_has_the_majority(tmp_path: Path) -> None:
    values = np.kron(np.random.default_rng(2).integers(1, 17, (250, 350), dtype=np.uint8), np.ones((2, 2), np.uint8))
    values[::2, ::2] = 7
    write_class_cog(tmp_path / "ours.tif", SMALL, [((0, 0, 700, 500), values)], nomenclature())
    size = {"width": 700, "height": 500, "transform": SMALL.transform}
    with rasterio.open(tmp_path / "gdal.tif", "w", driver="GTiff", count=1, dtype="uint8", nodata=0, **size) as dataset:
        dataset.write(values, 1)
        dataset.build_overviews([2], Resampling.mode)

    assert np.array_equal(_levels(tmp_path / "ours.tif")[1], _levels(tmp_path / "gdal.tif")[1])


def test_parts_of_any_shape_from_the_north_make_the_raster(tmp_path: Path) -> None:
    """Staggered columns: parts overlap in rows, begin and end inside tiles, and are of several heights."""
    values = np.random.default_rng(3).integers(1, 17, (500, 700), dtype=np.uint8)
    pieces = [
        (column, row, min(90, 700 - column), min(height, 500 - row))
        for column, height in zip(range(0, 700, 90), (37, 500, 211, 64, 256, 300, 90, 130), strict=True)
        for row in range(0, 500, height)
    ]
    parts = [((c, r, w, h), values[r : r + h, c : c + w]) for c, r, w, h in sorted(pieces, key=lambda p: p[1])]
    write_class_cog(tmp_path / "a.tif", SMALL, parts, nomenclature())

    assert np.array_equal(_levels(tmp_path / "a.tif")[0], values)


def test_parts_that_go_back_north_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    parts = [((0, row, 700, 100), np.ones((100, 700), np.uint8)) for row in (300, 0)]

    with pytest.raises(ValueError, match="north to south"):
        write_class_cog(tmp_path / "a.tif", SMALL, parts, nomenclature())
    assert list(tmp_path.iterdir()) == []


def test_beyond_four_gibibytes_a_file_is_a_bigtiff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(4).integers(0, 17, (500, 700), dtype=np.uint8)
    write_class_cog(tmp_path / "small.tif", SMALL, [((0, 0, 700, 500), values)], nomenclature())
    monkeypatch.setattr("app.outputs.tiff._MAX_CLASSIC_BYTES", 0)
    write_class_cog(tmp_path / "big.tif", SMALL, [((0, 0, 700, 500), values)], nomenclature())

    small, big = _levels(tmp_path / "small.tif"), _levels(tmp_path / "big.tif")
    assert (tmp_path / "small.tif").read_bytes()[:4] == b"II\x2a\0"
    assert (tmp_path / "big.tif").read_bytes()[:4] == b"II\x2b\0"
    assert all(np.array_equal(a, b) for a, b in zip(small, big, strict=True))
    assert cog_validate(tmp_path / "big.tif", strict=True)[0]
    with rasterio.open(tmp_path / "big.tif") as dataset:
        assert (dataset.crs.to_epsg(), dataset.transform, dataset.tags(1)["CLASS_4"]) == (
            2154,
            SMALL.transform,
            "Piscine",
        )


def test_gdal_knows_the_layout_of_a_class_raster(class_path: Path) -> None:
    with rasterio.open(class_path) as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert (dataset.crs.to_epsg(), dataset.transform, dataset.nodata) == (2154, SMALL.transform, 0)
        assert dataset.block_shapes == [(256, 256)]
        assert dataset.compression.value == "DEFLATE"
        assert (dataset.tags(1)["NOMENCLATURE"], dataset.tags(1)["CLASS_14"]) == ("cosia", "Terre labourée")


def test_another_tiff_reader_finds_the_same_pixels(class_path: Path) -> None:
    with Image.open(class_path) as image:
        values = np.asarray(image)
        sizes = [image.size for _ in ImageSequence.Iterator(image)]

    assert sizes == [(700, 500), (350, 250), (175, 125)]
    assert np.array_equal(values[:, :300], _checked(500, 300, 12, 8))


def test_equal_parts_give_equal_bytes_however_they_are_cut(tmp_path: Path) -> None:
    values = np.random.default_rng(5).integers(0, 17, (500, 700), dtype=np.uint8)
    for step in (500, 77):
        parts = [((0, row, 700, min(step, 500 - row)), values[row : row + step]) for row in range(0, 500, step)]
        write_class_cog(tmp_path / f"{step}.tif", SMALL, parts, nomenclature())

    assert (tmp_path / "500.tif").read_bytes() == (tmp_path / "77.tif").read_bytes()


def test_progress_grows_to_one(tmp_path: Path) -> None:
    told: list[float] = []
    parts = [((0, row, 700, 250), np.ones((250, 700), np.uint8)) for row in (0, 250)]
    write_confidence_cog(tmp_path / "a.tif", SMALL, parts, told.append)

    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) == 2


def test_nothing_but_the_file_is_left(class_path: Path) -> None:
    assert sorted(path.name for path in class_path.parent.iterdir()) == ["classes.tif", "classes.tif.aux.xml"]
