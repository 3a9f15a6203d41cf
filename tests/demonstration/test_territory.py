"""The written commune: files, georeference, colour table, and what a second or a broken run leaves."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rio_cogeo import cog_validate

from app.demonstration import territory
from app.demonstration.territory import Vintage, make_territory

SIZE_PX = 512


def quiet(message: str, share: float) -> None:
    """A progress that nobody watches."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Vintage]]:
    folder = tmp_path_factory.mktemp("territory")
    return folder, make_territory(folder, quiet, size_px=SIZE_PX)


def test_each_vintage_has_four_sheets_of_each_raster(written: tuple[Path, list[Vintage]]) -> None:
    _, vintages = written

    assert [(each.source_id, each.year) for each in vintages] == [("demo-2021", 2021), ("demo-2024", 2024)]
    for each in vintages:
        assert len(each.rgb) == len(each.irc) == len(each.height) == len(each.truth) == 4


def test_sheets_tile_the_square_from_its_corner(written: tuple[Path, list[Vintage]]) -> None:
    _, (first, _) = written
    corners = set()
    for path in first.rgb:
        with rasterio.open(path) as sheet:
            assert sheet.crs.to_epsg() == 2154
            assert sheet.res == pytest.approx((0.2, 0.2))
            assert sheet.shape == (256, 256)
            corners.add((round(sheet.bounds.left, 3), round(sheet.bounds.top, 3)))

    assert corners == {
        (720896.0, 6273792.0), (720947.2, 6273792.0), (720896.0, 6273740.8), (720947.2, 6273740.8),
    }  # fmt: skip


def test_infrared_sheets_repeat_red_and_green(written: tuple[Path, list[Vintage]]) -> None:
    _, (first, _) = written
    with rasterio.open(first.rgb[0]) as rgb, rasterio.open(first.irc[0]) as irc:
        assert np.array_equal(rgb.read([1, 2]), irc.read([2, 3]))


def test_sheets_are_valid_cloud_optimized_geotiffs(written: tuple[Path, list[Vintage]]) -> None:
    _, vintages = written
    for path in (vintages[0].rgb[0], vintages[0].height[0], vintages[0].truth[0]):
        assert cog_validate(path)[0]


def test_truth_carries_the_official_colours(written: tuple[Path, list[Vintage]]) -> None:
    _, (first, _) = written
    with rasterio.open(first.truth[0]) as sheet:
        assert sheet.nodata == 0
        assert sheet.colormap(1)[1] == (0xCE, 0x70, 0x79, 255)
        assert sheet.colormap(1)[16] == (0xE4, 0x8E, 0x4D, 255)


def test_second_run_writes_nothing(written: tuple[Path, list[Vintage]]) -> None:
    folder, vintages = written
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.tif")}

    again = make_territory(folder, quiet, size_px=SIZE_PX)

    assert again == vintages
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.tif")} == before


def test_interrupted_run_leaves_no_half_vintage_and_the_next_one_completes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sheets = territory._write_sheets

    def full_disk(folder: Path, role: str, raster: np.ndarray) -> None:
        write_sheets(folder, role, raster)
        if role == "irc":
            raise OSError("no space left on device")

    monkeypatch.setattr(territory, "_write_sheets", full_disk)
    with pytest.raises(OSError, match="no space left"):
        make_territory(tmp_path, quiet, size_px=256)
    assert not (tmp_path / "demo-2021").exists()
    assert not (tmp_path / "demo-2024").exists()

    monkeypatch.setattr(territory, "_write_sheets", write_sheets)
    vintages = make_territory(tmp_path, quiet, size_px=256)

    assert all(len(each.irc) == 4 for each in vintages)
    assert not list(tmp_path.glob(".*"))
