"""Imagery as it really comes: each awkward kind is a clear error or a stated treatment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from click.testing import CliRunner

from app import imagery
from app.cli import main
from app.database import Sessions, connect
from app.definitions import Band, Grid, ImagerySource
from app.errors import ImageryRefused
from app.imagery import Told
from app.imagery.sources import all_files
from tests.imagery_files import LEFT, TOP, random_bytes, write_raster
from worker.readers import FileReader

RGB = (Band.R, Band.G, Band.B)
RGBN = (*RGB, Band.NIR)
Register = Callable[..., ImagerySource]
Read = Callable[..., tuple[np.ndarray, np.ndarray]]


@pytest.fixture
def register(sqlite_sessions: Sessions) -> Register:
    return lambda **given: imagery.register(sqlite_sessions, source_id="trial", title="Trial", **given)


@pytest.fixture
def read(sqlite_sessions: Sessions) -> Read:
    """Reads a square of the registered source, pixels counted from the corner of the test files."""

    def read(bands: tuple[Band, ...], column: int = 0, row: int = 0, side: int = 40) -> tuple[np.ndarray, np.ndarray]:
        with sqlite_sessions.read() as session:
            source, files = imagery.find(session, "trial"), all_files(session, "trial")
        grid = Grid(2154, LEFT + column * 0.2, TOP - row * 0.2, 0.2, side, side)
        return FileReader(files, source).read(grid, bands)

    return read


@pytest.fixture
def sqlite_sessions(sqlite_url: str) -> Sessions:
    return Sessions(connect(sqlite_url))


def _rgb(folder: Path, side: int = 40, **options: Any) -> Path:
    return write_raster(folder / "rgb.tif", random_bytes(3, side, side), **options)


def test_a_file_without_a_projection_has_the_one_that_is_told(register: Register, tmp_path: Path) -> None:
    rgb = _rgb(tmp_path, crs=None)

    with pytest.raises(ImageryRefused, match=r"rgb.tif has no coordinate reference system: say --crs EPSG:2154"):
        register(rgb=[rgb])
    assert register(rgb=[rgb], told=Told(epsg=2154)).epsg == 2154


def test_a_told_projection_does_not_replace_the_one_a_file_has(register: Register, tmp_path: Path) -> None:
    assert register(rgb=[_rgb(tmp_path)], told=Told(epsg=2975)).epsg == 2154


def test_sixteen_bits_are_refused_with_the_option_that_helps(register: Register, tmp_path: Path) -> None:
    rgb = write_raster(tmp_path / "rgb.tif", random_bytes(3, 40, 40).astype(np.uint16) * 40)

    with pytest.raises(ImageryRefused, match=r"uint16 values.*--scale LOW HIGH"):
        register(rgb=[rgb])


def test_sixteen_bits_become_bytes_by_the_range_that_is_told(register: Register, read: Read, tmp_path: Path) -> None:
    pixels = np.zeros((3, 40, 40), np.uint16)
    pixels[0, 0, :5] = [0, 1000, 2000, 6000, 11_000]
    pixels[1:] = random_bytes(2, 40, 40)

    source = register(rgb=[write_raster(tmp_path / "rgb.tif", pixels)], told=Told(scale=(1000, 11_000)))

    assert source.scale == (1000, 11_000)
    # (6000 - 1000) / 10 000 of 255 = 127.5, rounded to even; (2000 - 1000) / 10 000 of 255 = 25.5, to even.
    assert read(RGB)[0][0, 0, :5].tolist() == [0, 0, 26, 128, 255]


def test_another_range_is_another_version(register: Register, tmp_path: Path) -> None:
    rgb = write_raster(tmp_path / "rgb.tif", random_bytes(3, 40, 40).astype(np.uint16))

    first = register(rgb=[rgb], told=Told(scale=(0, 255)))

    assert register(rgb=[rgb], told=Told(scale=(0, 200))).version != first.version


def test_a_range_without_extent_is_refused(register: Register, tmp_path: Path) -> None:
    with pytest.raises(ImageryRefused, match="must be less"):
        register(rgb=[_rgb(tmp_path)], told=Told(scale=(5, 5)))


def test_nan_is_not_imagery(register: Register, read: Read, tmp_path: Path) -> None:
    pixels = random_bytes(3, 40, 40).astype(np.float32)
    pixels[1, 3, 4] = np.nan

    register(rgb=[write_raster(tmp_path / "rgb.tif", pixels)], told=Told(scale=(0, 255)))

    found, valid = read(RGB)
    assert np.argwhere(~valid).tolist() == [[3, 4]]
    assert np.array_equal(found[:, valid], pixels[:, valid].astype(np.uint8))


def test_a_rotated_file_is_refused(register: Register, tmp_path: Path) -> None:
    rgb = _rgb(tmp_path)
    with rasterio.open(rgb, "r+") as raster:
        raster.transform = Affine(0.2, 0.01, LEFT, 0.01, -0.2, TOP)

    with pytest.raises(ImageryRefused, match=r"rgb.tif is rotated"):
        register(rgb=[rgb])


def test_an_empty_file_is_refused(register: Register, tmp_path: Path) -> None:
    (tmp_path / "rgb.tif").touch()

    with pytest.raises(ImageryRefused, match=r"rgb.tif is not a raster"):
        register(rgb=[tmp_path / "rgb.tif"])


@pytest.mark.parametrize("value", [0, 255])
def test_pictures_that_are_blank_all_over_are_refused(register: Register, tmp_path: Path, value: int) -> None:
    rgb = write_raster(tmp_path / "rgb.tif", np.full((3, 300, 300), value, np.uint8))

    with pytest.raises(ImageryRefused, match=r"rgb.tif \(rgb\) is black or white all over"):
        register(rgb=[rgb])


def test_one_grey_all_over_is_taken_as_it_is(register: Register, read: Read, tmp_path: Path) -> None:
    register(rgb=[write_raster(tmp_path / "rgb.tif", np.full((3, 40, 40), 128, np.uint8))])

    found, valid = read(RGB)
    assert (found == 128).all()
    assert valid.all()


def test_one_blank_tile_among_others_is_taken(register: Register, tmp_path: Path) -> None:
    blank = write_raster(tmp_path / "blank.tif", np.full((3, 40, 40), 255, np.uint8), left=LEFT + 8)

    assert register(rgb=[_rgb(tmp_path), blank]).bands == RGB


def test_colours_that_are_named_in_another_order_are_refused(register: Register, tmp_path: Path) -> None:
    rgb = _rgb(tmp_path)
    with rasterio.open(rgb, "r+") as raster:
        raster.colorinterp = [getattr(rasterio.enums.ColorInterp, name) for name in ("blue", "green", "red")]

    with pytest.raises(ImageryRefused, match="says that its band 1 is blue; expected R, G, B"):
        register(rgb=[rgb])


def test_a_stack_of_four_bands_is_read_in_the_order_that_is_told(
    register: Register, read: Read, tmp_path: Path
) -> None:
    pixels = random_bytes(4, 40, 40)
    pixels[0, 0, 0] = 0  # where near infrared is dark there is imagery all the same
    stack = write_raster(tmp_path / "stack.tif", pixels)

    with pytest.raises(ImageryRefused, match=r"stack.tif has 4 bands.*--stack-bands"):
        register(stack=[stack])
    source = register(stack=[stack], told=Told(stack_bands=(Band.NIR, *RGB)))

    assert source.bands == RGBN
    found, valid = read(RGBN)
    assert np.array_equal(found, pixels[[1, 2, 3, 0]])
    assert valid.all()


def test_a_stack_with_heights_keeps_them_as_counts(register: Register, read: Read, tmp_path: Path) -> None:
    pixels = np.full((5, 40, 40), 2550, np.uint16)
    pixels[0] = np.arange(40)
    pixels[4] = 12

    register(stack=[write_raster(tmp_path / "stack.tif", pixels)], told=Told(scale=(0, 25_500)))

    assert read((Band.G, Band.E))[0][:, 5, 5].tolist() == [26, 12]  # 25.5, rounded to even


def test_height_is_surface_minus_terrain_in_counts_of_a_fifth_of_a_metre(
    register: Register, read: Read, tmp_path: Path
) -> None:
    terrain = np.full((1, 20, 20), 100, np.float32)
    surface = terrain + np.repeat([0.0, 0.5, 12.34, 80.0, -3.0], 4)[None, None].astype(np.float32)
    surface[0, 19, 19] = np.nan
    terrain[0, 0, 0] = -9999
    models = {
        "surface": [write_raster(tmp_path / "surface.tif", surface, pixel_m=(0.4, 0.4))],
        "terrain": [write_raster(tmp_path / "terrain.tif", terrain, pixel_m=(0.4, 0.4), nodata=-9999)],
    }

    source = register(rgb=[_rgb(tmp_path)], **models)

    assert source.bands == (*RGB, Band.E)
    (heights,), valid = read((Band.E,))
    # In the middle of each strip of 8 pixels, where no neighbour enters: 0.5 m is 2.5 counts, rounded to even.
    assert heights[20, 3::8].tolist() == [0, 2, 62, 255, 0]
    # Every pixel of 0.2 m that takes something from a missing one of 0.4 m.
    assert np.argwhere(~valid[:20, :20]).tolist() == [[r, c] for r in range(3) for c in range(3)]
    assert np.argwhere(~valid[20:, 20:]).min() == 17


@pytest.mark.parametrize(
    ("roles", "words"),
    [
        ({"surface"}, "a surface model alone tells no height"),
        ({"terrain"}, "a terrain model alone tells no height"),
        ({"surface", "terrain", "height"}, "not as both"),
    ],
)
def test_models_that_tell_no_height_are_refused(
    register: Register, tmp_path: Path, roles: set[str], words: str
) -> None:
    models = {
        role: [write_raster(tmp_path / f"{role}.tif", random_bytes(1, 20, 20).astype(np.float32), pixel_m=(0.4, 0.4))]
        for role in roles - {"height"}
    }
    if "height" in roles:
        models["height"] = [write_raster(tmp_path / "height.tif", random_bytes(1, 40, 40))]

    with pytest.raises(ImageryRefused, match=words):
        register(rgb=[_rgb(tmp_path)], **models)


def test_heights_in_metres_given_as_counts_are_refused_with_what_helps(register: Register, tmp_path: Path) -> None:
    height = write_raster(tmp_path / "e.tif", random_bytes(1, 40, 40).astype(np.float32))

    with pytest.raises(ImageryRefused, match="--surface and --terrain"):
        register(rgb=[_rgb(tmp_path)], height=[height])


@pytest.mark.parametrize("pixel_m", [0.1, 0.05])
def test_smaller_pixels_are_averaged_and_the_source_says_so(
    register: Register, read: Read, tmp_path: Path, pixel_m: float
) -> None:
    factor = round(0.2 / pixel_m)
    pixels = random_bytes(3, 40 * factor, 40 * factor)

    source = register(rgb=[write_raster(tmp_path / "rgb.tif", pixels, pixel_m=(pixel_m, pixel_m))])

    assert (source.resampled, source.resolution_m) == (True, pixel_m)
    found, valid = read(RGB)
    exact = pixels.reshape(3, 40, factor, 40, factor).mean(axis=(2, 4))
    assert valid.all()
    assert np.array_equal(found, np.floor(exact + 0.5))


def test_pixels_that_divide_no_grid_pixel_are_averaged_by_their_share(
    register: Register, read: Read, tmp_path: Path
) -> None:
    pixels = random_bytes(3, 90, 90)

    register(rgb=[write_raster(tmp_path / "rgb.tif", pixels, pixel_m=(0.08, 0.08))])

    # OpenCV's area interpolation weighs by the share of each pixel too.
    expected = cv2.resize(np.moveaxis(pixels, 0, -1).astype(np.float64), (36, 36), interpolation=cv2.INTER_AREA)
    found = read(RGB, side=36)[0]
    assert np.abs(np.moveaxis(found, 0, -1) - expected).max() < 0.8


def test_averaged_pixels_do_not_depend_on_the_window(register: Register, read: Read, tmp_path: Path) -> None:
    register(rgb=[write_raster(tmp_path / "rgb.tif", random_bytes(3, 150, 150), left=LEFT + 0.03, pixel_m=(0.07,) * 2)])

    whole, valid = read(RGB)
    part, there = read(RGB, column=11, row=7, side=20)

    assert np.array_equal(part, whole[:, 7:27, 11:31])
    assert np.array_equal(there, valid[7:27, 11:31])


def test_larger_pixels_are_interpolated_and_the_source_says_so(register: Register, read: Read, tmp_path: Path) -> None:
    ramp = np.tile(np.arange(16, dtype=np.uint8) * 10, (3, 16, 1))

    source = register(rgb=[write_raster(tmp_path / "rgb.tif", ramp, pixel_m=(0.5, 0.5))])

    assert (source.resampled, source.resolution_m) == (True, 0.5)
    # Centres lie at 0.1, 0.3, … m: 1.1 m is 0.7 of a pixel beyond the centre of the second (0.75 m), 10 + 7.
    assert read(RGB)[0][0, 10, 5] == 17


# --- tile indexes


def _delivery(folder: Path, driver: str, names: list[str], *, moved_m: float = 0.0) -> tuple[Path, Path]:
    """A folder of JPEG 2000 tiles without projections, deep inside, and the index that names them beside it."""
    tiles = folder / "ORTHOHR" / "1_DONNEES" / "OHR_RVB"
    tiles.mkdir(parents=True)
    footprints = []
    for number, name in enumerate(("33-2024-0410-6425", "33-2024-0411-6425", "unnamed")):
        left = LEFT + number * 12.8
        options = {"driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES"}
        write_raster(tiles / f"{name}.jp2", random_bytes(3, 64, 64, seed=number), left=left, crs=None, **options)
        footprints.append(shapely.box(left + moved_m, TOP - 12.8, left + 12.8 + moved_m, TOP))
    index = folder / ("dalles.shp" if driver == "ESRI Shapefile" else "dalles.gpkg")
    pyogrio.raw.write(
        index,
        shapely.to_wkb(np.array(footprints[: len(names)])),
        [np.array(names, dtype=object)],
        ["NOM"],
        driver=driver,
        geometry_type="Polygon",
        crs="EPSG:2154",
    )
    return folder / "ORTHOHR", index


@pytest.mark.parametrize("driver", ["ESRI Shapefile", "GPKG"])
@pytest.mark.parametrize("names", [["./33-2024-0410-6425.jp2", r".\33-2024-0411-6425.jp2"], ["33-2024-0410-6425"]])
def test_the_tiles_that_an_index_names_are_taken_from_wherever_they_lie(
    register: Register, read: Read, tmp_path: Path, driver: str, names: list[str]
) -> None:
    folder, index = _delivery(tmp_path, driver, names)

    source = register(rgb=[folder], index=index, told=Told(epsg=2154))

    assert not source.resampled
    found, valid = read(RGB, side=200)
    assert valid.sum() == 64 * 64 * len(names)
    assert np.array_equal(found[:, :64, :64], random_bytes(3, 64, 64, seed=0))


def test_tiles_that_are_named_and_missing_are_told(register: Register, tmp_path: Path) -> None:
    folder, index = _delivery(tmp_path, "GPKG", ["33-2024-0410-6425", "absent"])

    with pytest.raises(ImageryRefused, match=r"1 of 2 files that dalles.gpkg names are not in the folder: absent"):
        register(rgb=[folder], index=index, told=Told(epsg=2154))


def test_a_tile_that_lies_elsewhere_than_its_index_says_is_refused(register: Register, tmp_path: Path) -> None:
    folder, index = _delivery(tmp_path, "GPKG", ["33-2024-0410-6425"], moved_m=5)

    with pytest.raises(ImageryRefused, match="one of them is wrong"):
        register(rgb=[folder], index=index, told=Told(epsg=2154))


def test_what_is_no_tile_index_is_refused(register: Register, tmp_path: Path) -> None:
    rgb, text, broken = _rgb(tmp_path), tmp_path / "dalles.csv", tmp_path / "dalles.gpkg"
    text.write_text("NOM")
    broken.write_text("not a database")

    with pytest.raises(ImageryRefused, match=r"dalles.csv is no tile index"):
        register(rgb=[rgb], index=text)
    with pytest.raises(ImageryRefused, match=r"dalles.gpkg cannot be read"):
        register(rgb=[rgb], index=broken)


def test_an_index_that_names_nothing_is_refused(register: Register, tmp_path: Path) -> None:
    index = tmp_path / "dalles.gpkg"
    pyogrio.raw.write(
        index,
        shapely.to_wkb(np.array([shapely.box(0, 0, 1, 1)])),
        [np.array([1])],
        ["YEAR"],
        driver="GPKG",
        geometry_type="Polygon",
        crs="EPSG:2154",
    )

    with pytest.raises(ImageryRefused, match=r"no field that names files: expected NOM, .* found YEAR"):
        register(rgb=[_rgb(tmp_path)], index=index)


def test_the_command_takes_what_files_do_not_say(tmp_path: Path) -> None:
    pixels = random_bytes(4, 80, 80).astype(np.uint16)
    stack = write_raster(tmp_path / "stack.tif", pixels, crs=None, pixel_m=(0.1, 0.1))
    options = ["--crs", "EPSG:2154", "--scale", "0", "255", "--stack-bands", "nir,r,g,b"]

    done = CliRunner().invoke(main, ["imagery", "add", "town", "--stack", str(stack), *options])

    assert done.exit_code == 0
    assert "bands R, G, B, NIR, EPSG:2154" in done.output
    assert "its pixels of 0.1 m are resampled to the prediction grid's" in done.output


@pytest.mark.parametrize("bands", ["R,G", "R,G,B,R", "R,G,B,RED"])
def test_the_command_refuses_bands_that_are_none(tmp_path: Path, bands: str) -> None:
    done = CliRunner().invoke(main, ["imagery", "add", "town", "--stack", str(_rgb(tmp_path)), "--stack-bands", bands])

    assert (done.exit_code, "names each band once" in done.output) == (2, True)
