"""Files as other programs find them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio
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


def test_equal_arrays_give_equal_bytes(block_path: Path, tmp_path: Path) -> None:
    write_block(tmp_path / "again.tif", _checked(2048, 2048, 9, 1), _checked(2048, 2048, 100, 200), BLOCK)

    assert (tmp_path / "again.tif").read_bytes() == block_path.read_bytes()


def test_an_array_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="grid of"):
        write_block(tmp_path / "a.tif", np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.uint8), BLOCK)


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


def test_progress_grows_to_one(tmp_path: Path) -> None:
    told: list[float] = []
    parts = [((0, row, 700, 250), np.ones((250, 700), np.uint8)) for row in (0, 250)]
    write_confidence_cog(tmp_path / "a.tif", SMALL, parts, told.append)

    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) == 2


def test_nothing_but_the_file_is_left(class_path: Path) -> None:
    assert sorted(path.name for path in class_path.parent.iterdir()) == ["classes.tif", "classes.tif.aux.xml"]
