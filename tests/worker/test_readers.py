"""Imagery read onto the grid: the bytes of the files, at their place, whole."""

from pathlib import Path

import numpy as np
import pytest

from app.definitions import Band, Grid, ImagerySource, Role
from app.errors import BandMismatch, RasterUnreadable
from app.imagery import Bounds, ImageryFile
from tests.imagery_files import LEFT, TOP, UNNAMED_LAMBERT_93, random_bytes, write_raster
from worker.readers import FileReader

RGB = (Band.R, Band.G, Band.B)


def _grid(column: int, row: int, width: int, height: int) -> Grid:
    """Pixels of the prediction grid, counted from the corner of the test files."""
    return Grid(2154, LEFT + column * 0.2, TOP - row * 0.2, 0.2, width, height)


def _source(bands: tuple[Band, ...]) -> ImagerySource:
    return ImagerySource(id="trial", title="Trial", version="1", epsg=2154, bands=bands, bbox=(3, 43, 4, 44))


def _file(path: Path, role: Role, width_m: float, height_m: float, left: float = LEFT, top: float = TOP) -> ImageryFile:
    return ImageryFile(role, str(path), Bounds(left, top - height_m, left + width_m, top))


def test_pixels_on_the_grid_come_unchanged_and_in_the_order_asked(tmp_path: Path) -> None:
    rgb, irc = random_bytes(3, 40, 50), random_bytes(3, 40, 50, seed=1)
    files = [
        _file(write_raster(tmp_path / "rgb.tif", rgb), Role.RGB, 10, 8),
        _file(write_raster(tmp_path / "irc.tif", irc), Role.IRC, 10, 8),
    ]

    pixels, valid = FileReader(files, _source((*RGB, Band.NIR))).read(_grid(5, 7, 20, 10), (Band.NIR, Band.B, Band.R))

    assert np.array_equal(pixels, [irc[0, 7:17, 5:25], rgb[2, 7:17, 5:25], rgb[0, 7:17, 5:25]])
    assert valid.all()


def test_five_band_stack_gives_all_bands(tmp_path: Path) -> None:
    stack = random_bytes(5, 20, 20)
    files = [_file(write_raster(tmp_path / "stack.tif", stack), Role.STACK, 4, 4)]

    pixels, _ = FileReader(files, _source(tuple(Band))).read(_grid(0, 0, 20, 20), tuple(Band))

    assert np.array_equal(pixels, stack)


def test_pixels_beyond_the_files_are_zero_and_not_valid(tmp_path: Path) -> None:
    rgb = random_bytes(3, 10, 10)
    reader = FileReader([_file(write_raster(tmp_path / "rgb.tif", rgb), Role.RGB, 2, 2)], _source(RGB))

    pixels, valid = reader.read(_grid(-3, -2, 20, 20), RGB)

    assert np.array_equal(pixels[:, 2:12, 3:13], rgb)
    assert valid.sum() == 100
    assert valid[2:12, 3:13].all()
    assert not pixels[:, ~valid].any()


def test_ground_that_one_role_lacks_is_not_valid(tmp_path: Path) -> None:
    files = [
        _file(write_raster(tmp_path / "rgb.tif", random_bytes(3, 10, 10)), Role.RGB, 2, 2),
        _file(write_raster(tmp_path / "irc.tif", random_bytes(3, 10, 6)), Role.IRC, 1.2, 2),
    ]

    _, valid = FileReader(files, _source((*RGB, Band.NIR))).read(_grid(0, 0, 10, 10), (*RGB, Band.NIR))

    assert valid[:, :6].all()
    assert not valid[:, 6:].any()


def test_where_files_overlap_the_first_by_name_wins(tmp_path: Path) -> None:
    first, second = np.full((3, 10, 10), 10, np.uint8), np.full((3, 10, 10), 20, np.uint8)
    files = [
        _file(write_raster(tmp_path / "b.tif", second, left=LEFT + 1), Role.RGB, 2, 2, left=LEFT + 1),
        _file(write_raster(tmp_path / "a.tif", first), Role.RGB, 2, 2),
    ]

    pixels, _ = FileReader(files, _source(RGB)).read(_grid(0, 0, 15, 10), RGB)

    assert (pixels[:, :, :10] == 10).all()
    assert (pixels[:, :, 10:] == 20).all()


def test_nodata_of_one_file_is_filled_from_another_that_covers_it(tmp_path: Path) -> None:
    bordered, whole = np.full((3, 10, 10), 10, np.uint8), np.full((3, 10, 10), 20, np.uint8)
    bordered[:, :, 7:] = 255
    files = [
        _file(write_raster(tmp_path / "a.tif", bordered, nodata=255), Role.RGB, 2, 2),
        _file(write_raster(tmp_path / "b.tif", whole, nodata=255), Role.RGB, 2, 2),
    ]

    pixels, valid = FileReader(files, _source(RGB)).read(_grid(0, 0, 10, 10), RGB)

    assert (pixels[0, :, :7] == 10).all()
    assert (pixels[0, :, 7:] == 20).all()
    assert valid.all()


def test_saturated_roof_is_not_taken_for_nodata_when_infrared_sees_it(tmp_path: Path) -> None:
    rgb, irc = random_bytes(3, 10, 10), random_bytes(3, 10, 10, seed=1)
    rgb[:, 2, 2] = 255  # white in the picture only
    rgb[:, 5, 5] = irc[:, 5, 5] = 255  # missing in both
    rgb[0, 8, 8] = 255  # one band of one file
    files = [
        _file(write_raster(tmp_path / "rgb.tif", rgb, nodata=255), Role.RGB, 2, 2),
        _file(write_raster(tmp_path / "irc.tif", irc, nodata=255), Role.IRC, 2, 2),
    ]

    _, valid = FileReader(files, _source((*RGB, Band.NIR))).read(_grid(0, 0, 10, 10), (*RGB, Band.NIR))

    assert np.argwhere(~valid).tolist() == [[5, 5]]


def test_black_border_without_declared_nodata_is_imagery(tmp_path: Path) -> None:
    files = [_file(write_raster(tmp_path / "rgb.tif", np.zeros((3, 10, 10), np.uint8)), Role.RGB, 2, 2)]

    assert FileReader(files, _source(RGB)).read(_grid(0, 0, 10, 10), RGB)[1].all()


def test_ground_level_declared_as_nodata_of_heights_is_still_ground(tmp_path: Path) -> None:
    heights = np.zeros((1, 10, 10), np.uint8)
    files = [_file(write_raster(tmp_path / "e.tif", heights, nodata=0), Role.HEIGHT, 2, 2)]

    assert FileReader(files, _source((*RGB, Band.E))).read(_grid(0, 0, 10, 10), (Band.E,))[1].all()


@pytest.mark.parametrize("kind", ["alpha", "internal"])
def test_masks_hide_pixels(tmp_path: Path, kind: str) -> None:
    pixels, mask = random_bytes(3, 10, 10), np.full((10, 10), 255, np.uint8)
    mask[3, 4] = 0
    if kind == "alpha":
        path = write_raster(tmp_path / "rgb.tif", np.concatenate([pixels, mask[None]]), photometric="RGB", alpha="YES")
    else:
        path = write_raster(tmp_path / "rgb.tif", pixels, mask=mask)

    _, valid = FileReader([_file(path, Role.RGB, 2, 2)], _source(RGB)).read(_grid(0, 0, 10, 10), RGB)

    assert np.argwhere(~valid).tolist() == [[3, 4]]


def test_jpeg_2000_is_read(tmp_path: Path) -> None:
    pixels = random_bytes(3, 64, 64)
    path = write_raster(tmp_path / "rgb.jp2", pixels, driver="JP2OpenJPEG", QUALITY="100", REVERSIBLE="YES")

    read, _ = FileReader([_file(path, Role.RGB, 12.8, 12.8)], _source(RGB)).read(_grid(10, 20, 30, 30), RGB)

    assert np.array_equal(read, pixels[:, 20:50, 10:40])


def test_resampled_values_are_the_bilinear_ones(tmp_path: Path) -> None:
    # A plane: bilinear interpolation gives its own values back, whatever the pixels of the file.
    rows, columns = np.mgrid[0:60, 0:60]
    plane = (20 + 2 * columns + rows).astype(np.uint8)
    path = write_raster(
        tmp_path / "rgb.tif", np.stack([plane] * 3), left=LEFT + 0.05, pixel_m=(0.2, 0.1998), crs=UNNAMED_LAMBERT_93
    )
    reader = FileReader([_file(path, Role.RGB, 12, 60 * 0.1998, left=LEFT + 0.05)], _source(RGB))

    pixels, valid = reader.read(_grid(5, 5, 40, 40), RGB)

    at_row, at_column = np.mgrid[5:45, 5:45] + 0.5
    u, v = (at_column * 0.2 - 0.05) / 0.2 - 0.5, at_row * 0.2 / 0.1998 - 0.5
    assert np.abs(pixels[0] - (20 + 2 * u + v)).max() <= 0.52  # rounding to a byte, and 8-bit weights
    assert valid.all()


def _touching_patches(folder: Path, pixel_height_m: float) -> FileReader:
    """Two patches one above the other, as delivered: pixels not quite square, an unnamed CRS."""
    height_m = 100 * pixel_height_m
    files = []
    for number in (0, 1):
        top = TOP - number * height_m
        pixels = random_bytes(3, 100, 90, seed=number)
        path = folder / f"rgb-{number}.tif"
        write_raster(path, pixels, top=top, pixel_m=(0.2, pixel_height_m), crs=UNNAMED_LAMBERT_93)
        files.append(_file(path, Role.RGB, 18, height_m, top=top))
    return FileReader(files, _source(RGB))


def test_touching_patches_leave_no_line_between_them(tmp_path: Path) -> None:
    pixels, valid = _touching_patches(tmp_path, 0.1998).read(_grid(0, 0, 90, 199), RGB)

    assert valid.all()
    assert pixels.min() > 0


@pytest.mark.parametrize("pixel_height_m", [0.2, 0.1998])
def test_a_grid_reads_as_its_quarters_do(tmp_path: Path, pixel_height_m: float) -> None:
    reader = _touching_patches(tmp_path, pixel_height_m)
    whole, valid = reader.read(_grid(-5, -5, 101, 215), RGB)
    corners = [(-5, -5, 37, 103), (32, -5, 64, 103), (-5, 98, 37, 112), (32, 98, 64, 112)]

    (nw, ne, sw, se) = [reader.read(_grid(*corner), RGB) for corner in corners]

    assert np.array_equal(whole, np.block([[nw[0], ne[0]], [sw[0], se[0]]]))
    assert np.array_equal(valid, np.block([[nw[1], ne[1]], [sw[1], se[1]]]))


def test_a_band_that_the_source_lacks_is_named(tmp_path: Path) -> None:
    files = [_file(write_raster(tmp_path / "rgb.tif", random_bytes(3, 10, 10)), Role.RGB, 2, 2)]

    with pytest.raises(BandMismatch, match="trial has R, G, B: NIR is missing"):
        FileReader(files, _source(RGB)).read(_grid(0, 0, 10, 10), (*RGB, Band.NIR))


@pytest.mark.parametrize("fault", ["truncated", "gone", "replaced", "no raster"])
def test_a_damaged_file_is_unreadable_and_its_place_stays_ours(tmp_path: Path, fault: str) -> None:
    path = write_raster(tmp_path / "rgb.tif", random_bytes(3, 200, 200))
    file = _file(path, Role.RGB, 40, 40)
    if fault == "truncated":
        path.write_bytes(path.read_bytes()[:60_000])
    elif fault == "gone":
        path.unlink()
    elif fault == "replaced":
        write_raster(path, random_bytes(3, 100, 100))
    else:
        path.write_text("<VRTDataset/>")

    with pytest.raises(RasterUnreadable) as caught:
        FileReader([file], _source(RGB)).read(_grid(0, 0, 200, 200), RGB)

    assert str(tmp_path) not in caught.value.message
    assert "trial" in caught.value.message


def test_a_file_that_broke_while_open_is_opened_anew_once_it_is_whole(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "rgb.tif", random_bytes(3, 600, 600))
    whole = path.read_bytes()
    reader = FileReader([_file(path, Role.RGB, 120, 120)], _source(RGB))
    reader.read(_grid(0, 0, 10, 10), RGB)
    path.write_bytes(whole[:500_000])
    with pytest.raises(RasterUnreadable):
        reader.read(_grid(500, 500, 100, 100), RGB)
    path.write_bytes(whole)

    pixels, _ = reader.read(_grid(0, 0, 600, 600), RGB)

    assert np.array_equal(pixels, random_bytes(3, 600, 600))


def test_a_thread_keeps_no_more_files_open_than_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.conftest import forget_settings

    monkeypatch.setenv("COSIA_RASTER_HANDLES", "2")
    forget_settings()
    files = []
    for number in range(4):
        left = LEFT + 2 * number
        path = write_raster(tmp_path / f"{number}.tif", np.full((3, 10, 10), number + 1, np.uint8), left=left)
        files.append(_file(path, Role.RGB, 2, 2, left=left))
    reader = FileReader(files, _source(RGB))

    for _ in range(2):
        pixels, _ = reader.read(_grid(0, 0, 40, 10), RGB)
        assert pixels[0, 0, ::10].tolist() == [1, 2, 3, 4]

    held = [link for link in Path("/proc/self/fd").iterdir() if link.exists() and link.resolve().parent == tmp_path]
    assert len(held) == 2
