"""Our reader of class rasters beside GDAL, and what it does with files that are damaged or of somebody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from app.definitions import Grid
from app.outputs import write_block
from app.tiling import RasterRef
from app.tiling.grids import FULL_RESOLUTION, Rectangle
from app.tiling.tiff import FileDamaged, TiffFile
from tests.tiling.blobs import GRID, blobs, level, write

WINDOWS = [
    Rectangle(0, 0, 1, 1),
    Rectangle(0, 0, 300, 200),
    Rectangle(255, 255, 2, 2),
    Rectangle(256, 0, 256, 256),
    Rectangle(100, 700, 901, 303),
]


def _written(path: Path, values: np.ndarray, **profile: Any) -> Path:
    """A tiled file by GDAL."""
    usual = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate", "transform": GRID.transform}
    profile = usual | profile
    with rasterio.open(
        path, "w", driver="GTiff", width=values.shape[1], height=values.shape[0], count=1, dtype=values.dtype, **profile
    ) as dataset:
        dataset.write(values, 1)
    return path


@pytest.mark.parametrize("window", WINDOWS)
def test_windows_of_every_level_are_what_gdal_reads(raster: RasterRef, window: Rectangle) -> None:
    file = TiffFile(raster.path, "windows")

    assert file.factors == (2, 4, 8)
    for number, factor in enumerate((1, 2, 4, 8), start=FULL_RESOLUTION):
        width, height = file.size(number)
        assert (width, height) == (2048 // factor, 2048 // factor)
        inside = window.clipped(width, height)
        if inside is not None:
            expected = level(raster.path, factor)
            expected = expected[inside.row : inside.row + inside.height, inside.column : inside.column + inside.width]
            assert np.array_equal(file.read(1, number, inside), expected)
    file.close()


def test_both_bands_of_a_block_file_are_read(tmp_path: Path) -> None:
    grid = Grid(2154, GRID.left, GRID.top, 0.2, 600, 500)
    classes, confidence = blobs(500, 600), blobs(500, 600, seed=1) * 15
    write_block(tmp_path / "block.tif", classes, confidence, grid)

    file = TiffFile(str(tmp_path / "block.tif"), "block")

    whole = Rectangle(0, 0, 600, 500)
    assert np.array_equal(file.read(1, FULL_RESOLUTION, whole), classes)
    assert np.array_equal(file.read(2, FULL_RESOLUTION, whole), confidence)
    with pytest.raises(FileDamaged, match="band 3"):
        file.read(3, FULL_RESOLUTION, whole)
    file.close()


@pytest.mark.parametrize("profile", [{"bigtiff": "yes"}, {"blockxsize": 512, "blockysize": 128}], ids=str)
def test_other_forms_of_tiled_deflate_are_read(tmp_path: Path, profile: dict[str, Any]) -> None:
    values = blobs(700, 900)
    file = TiffFile(str(_written(tmp_path / "other.tif", values, **profile)), str(profile))

    assert np.array_equal(file.read(1, FULL_RESOLUTION, Rectangle(0, 0, 900, 700)), values)
    file.close()


def test_tiles_that_were_never_written_are_nodata(tmp_path: Path) -> None:
    values = np.zeros((512, 512), np.uint8)
    values[300:, 300:] = 7
    file = TiffFile(str(_written(tmp_path / "sparse.tif", values, sparse_ok=True)), "sparse")

    assert np.array_equal(file.read(1, FULL_RESOLUTION, Rectangle(0, 0, 512, 512)), values)
    file.close()


@pytest.mark.parametrize(
    "profile",
    [{"compress": "lzw"}, {"predictor": 2}, {"tiled": False}, {"nbits": 4}, {"ENDIANNESS": "BIG"}],
    ids=str,
)
def test_what_is_not_written_as_ours_is_refused(tmp_path: Path, profile: dict[str, Any]) -> None:
    path = _written(tmp_path / "strange.tif", blobs(512, 512) % 16, **profile)

    with pytest.raises(FileDamaged):
        TiffFile(str(path), "strange")


def test_no_flipped_bit_of_a_tile_passes_for_another_class(raster: RasterRef, tmp_path: Path) -> None:
    content = bytearray(Path(raster.path).read_bytes())
    whole = Rectangle(0, 0, 2048, 2048)
    expected = level(raster.path, 1)
    rng = np.random.default_rng(0)
    path = tmp_path / "flipped.tif"
    refused = 0
    for place in rng.integers(len(content) * 3 // 4, len(content), 40).tolist():  # of the full resolution
        bit = 1 << int(rng.integers(8))
        content[place] ^= bit
        path.write_bytes(content)
        content[place] ^= bit
        file = TiffFile(str(path), f"bit {bit} of {place}")
        try:
            assert np.array_equal(file.read(1, FULL_RESOLUTION, whole), expected)  # between tiles lie unread bytes
        except FileDamaged:
            refused += 1
        file.close()

    assert refused > 30


@pytest.mark.parametrize("kept", [0, 3, 100, 2000])
def test_a_file_cut_short_is_refused(raster: RasterRef, tmp_path: Path, kept: int) -> None:
    path = tmp_path / "short.tif"
    path.write_bytes(Path(raster.path).read_bytes()[:kept])

    with pytest.raises(FileDamaged):
        TiffFile(str(path), kept).read(1, FULL_RESOLUTION, Rectangle(0, 0, 10, 10))


def test_a_file_whose_directories_go_round_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "round.tif", blobs(512, 512), Grid(2154, GRID.left, GRID.top, 0.2, 512, 512)).path
    content = bytearray(Path(path).read_bytes())
    first = int.from_bytes(content[4:8], "little")
    entries = int.from_bytes(content[first : first + 2], "little")
    link = first + 2 + 12 * entries
    second = int.from_bytes(content[link : link + 4], "little")
    entries = int.from_bytes(content[second : second + 2], "little")
    link = second + 2 + 12 * entries
    content[link : link + 4] = first.to_bytes(4, "little")
    Path(path).write_bytes(content)

    with pytest.raises(FileDamaged):
        TiffFile(path, "round")
