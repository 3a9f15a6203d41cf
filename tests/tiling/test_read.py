"""The pixels of a tile against exact nearest neighbour, worked out here with PROJ and numpy alone."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from pyproj import Transformer

from app.definitions import Grid
from app.definitions.tile_matrix_set import tile_matrix_set
from app.errors import RasterUnreadable
from app.tiling import RasterRef
from app.tiling.grids import tile_grid
from app.tiling.read import read_tile
from app.tiling.reproject import bounds_in
from tests.tiling.blobs import GRID, blobs, level, reference, write


def _read(tms_id: str, z: int, x: int, y: int, *rasters: RasterRef) -> np.ndarray:
    return read_tile(tile_grid(tms_id, z, x, y), [(raster.classes, raster.grid) for raster in rasters])


def _exact(tms_id: str, z: int, x: int, y: int, raster: RasterRef, factor: int) -> np.ndarray:
    """Every pixel centre through PROJ, then the pixel of the overview that holds it."""
    tile = tile_grid(tms_id, z, x, y)
    centres = (np.arange(256) + 0.5) * tile.cell_size
    xs, ys = np.meshgrid(tile.left + centres, tile.top - centres)
    east, north = Transformer.from_crs(tile.epsg, raster.epsg, always_xy=True).transform(xs, ys)
    values = level(raster.path, factor)
    columns = np.floor((east - raster.left) / (raster.resolution_m * factor)).astype(int)
    rows = np.floor((raster.top - north) / (raster.resolution_m * factor)).astype(int)
    inside = (columns >= 0) & (rows >= 0) & (columns < values.shape[1]) & (rows < values.shape[0])
    picture = np.zeros((256, 256), np.uint8)
    picture[inside] = values[rows[inside], columns[inside]]
    return picture


def _tiles(tms_id: str, z: int) -> list[tuple[int, int]]:
    """All tiles of a level that the raster may touch."""
    tms = tile_matrix_set(tms_id)
    left, top, right, bottom = tms.matrix(str(z)).limits(bounds_in(GRID, tms.epsg))
    return [(x, y) for x in range(left, right + 1) for y in range(top, bottom + 1)]


def _read_all(raster: RasterRef) -> None:
    for x, y in _tiles("2154_10cm", 20):
        _read("2154_10cm", 20, x, y, raster)


# At this latitude (43.56°) a pixel of zoom 19 is 0.2164 m on the ground, 1.08 times the raster's, doubling upwards.
@pytest.mark.parametrize(("z", "factor"), [(19, 1), (18, 2), (17, 4), (16, 8)])
def test_reprojected_tiles_are_exact_nearest_neighbour(raster: RasterRef, z: int, factor: int) -> None:
    for x, y in _tiles("WebMercatorQuad", z)[:6]:
        expected = _exact("WebMercatorQuad", z, x, y, raster, factor)

        assert (_read("WebMercatorQuad", z, x, y, raster) == expected).mean() >= 0.999


@pytest.mark.parametrize("z", [0, 5, 9, 12])
def test_low_zooms_are_exact_nearest_neighbour_from_the_coarsest_overview(raster: RasterRef, z: int) -> None:
    ((x, y),) = _tiles("WebMercatorQuad", z)

    assert np.array_equal(_read("WebMercatorQuad", z, x, y, raster), _exact("WebMercatorQuad", z, x, y, raster, 8))


def test_tiles_finer_than_the_raster_repeat_its_pixels(raster: RasterRef) -> None:
    # Level 21 of 2154_10cm: 0.1 m, each pixel of the raster four times.
    picture = _read("2154_10cm", 21, 28162, 223684, raster)

    values = level(raster.path, 1)[512:640, 256:384]
    assert np.array_equal(picture, values.repeat(2, axis=0).repeat(2, axis=1))


@pytest.mark.parametrize(("z", "factor"), [(20, 1), (19, 2), (18, 4), (17, 8)])
def test_aligned_tiles_are_the_stored_pixels(raster: RasterRef, z: int, factor: int) -> None:
    column, row = 14080 >> (20 - z), 111840 >> (20 - z)
    count = 8 // factor

    mosaic = np.block(
        [[_read("2154_10cm", z, column + i, row + j, raster) for i in range(count)] for j in range(count)]
    )
    assert np.array_equal(mosaic, level(raster.path, factor))


def test_an_aligned_tile_over_the_edge_is_nodata_outside(tmp_path: Path) -> None:
    grid = Grid(2154, GRID.left, GRID.top, 0.2, 300, 400)
    ref = write(tmp_path / "small.tif", blobs(400, 300), grid)

    picture = _read("2154_10cm", 20, 14081, 111841, ref)

    assert picture[: 400 - 256, : 300 - 256].all()
    assert not picture[400 - 256 :].any()
    assert not picture[:, 300 - 256 :].any()


def test_an_overview_lies_where_its_pixels_were_halved_and_ends_where_the_raster_does(tmp_path: Path) -> None:
    # 2008 = 62.75 × 32: of the overview 32, pixel 62 holds the last 24 columns and rows and reaches beyond the raster.
    values = np.ones((2008, 2008), np.uint8)
    values[:, 62 * 32 :] = values[62 * 32 :, :] = 2
    tile = tile_grid("2154_10cm", 15, 440, 3495)  # 6.4 m a pixel
    # 13 pixels north-west of the tile: the centre of its pixel 61 lies 61.9 overview pixels in, that of 62 at 62.9.
    ref = write(tmp_path / "odd.tif", values, Grid(2154, tile.left - 2.6, tile.top + 2.6, 0.2, 2008, 2008))

    picture = read_tile(tile, [(ref.classes, ref.grid)])

    assert (picture[:62, :62] == 1).all()
    assert not picture[62:].any()
    assert not picture[:, 62:].any()


def _quarters(raster: RasterRef, folder: Path, column: int, row: int) -> list[RasterRef]:
    """The raster cut in four by a cross through a pixel corner."""
    values = level(raster.path, 1)
    parts = []
    for left, right in ((0, column), (column, GRID.width)):
        for top, bottom in ((0, row), (row, GRID.height)):
            grid = Grid(2154, GRID.left + left * 0.2, GRID.top - top * 0.2, 0.2, right - left, bottom - top)
            parts.append(write(folder / f"{left}_{top}.tif", values[top:bottom, left:right], grid))
    return parts


# Web Mercator and geographic tiles, and the stored pixels themselves; full resolution and the overviews 2 and 4.
SEAMS = [
    ("WebMercatorQuad", 19), ("WebMercatorQuad", 18), ("WebMercatorQuad", 17),
    ("4326_5_18", 18), ("4326_5_18", 17), ("2154_10cm", 20), ("2154_10cm", 19), ("2154_10cm", 18), ("2154_10cm", 21),
]  # fmt: skip


@pytest.fixture(scope="module")
def quarters(raster: RasterRef, tmp_path_factory: pytest.TempPathFactory) -> list[RasterRef]:
    """Cut at multiples of 4 pixels, so that cells of the first two overviews do not straddle the cross."""
    return _quarters(raster, tmp_path_factory.mktemp("quarters"), 1004, 932)


@pytest.mark.parametrize(("tms_id", "z"), SEAMS)
def test_rasters_that_touch_show_as_one(raster: RasterRef, quarters: list[RasterRef], tms_id: str, z: int) -> None:
    for x, y in _crossed(tms_id, z, 1004, 932):
        assert np.array_equal(_read(tms_id, z, x, y, *quarters), _read(tms_id, z, x, y, raster))


@pytest.mark.parametrize(("tms_id", "z"), [("WebMercatorQuad", 19), ("2154_10cm", 20)])
def test_at_full_resolution_they_may_touch_anywhere(raster: RasterRef, tmp_path: Path, tms_id: str, z: int) -> None:
    parts = _quarters(raster, tmp_path, 1001, 933)

    for x, y in _crossed(tms_id, z, 1001, 933):
        assert np.array_equal(_read(tms_id, z, x, y, *parts), _read(tms_id, z, x, y, raster))


@pytest.mark.parametrize("z", [13, 14, 15, 16, 17, 18])
def test_no_hole_lies_between_rasters_whatever_overview_is_read(
    quarters: list[RasterRef], raster: RasterRef, z: int
) -> None:
    for x, y in _crossed("WebMercatorQuad", z, 1004, 932):
        whole, parts = _read("WebMercatorQuad", z, x, y, raster), _read("WebMercatorQuad", z, x, y, *quarters)
        # Cells at the outer edge may differ; inside there is data everywhere.
        inner = cv2.erode((whole > 0).astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1)
        assert parts[inner > 0].all()


def _crossed(tms_id: str, z: int, column: int, row: int) -> list[tuple[int, int]]:
    """The tile at the cross, and one on each of its arms."""
    tms = tile_matrix_set(tms_id)
    places = [(column, row), (column, row // 2), (column, row + 500), (column // 2, row), (column + 500, row)]
    tiles = []
    for i, j in places:
        x, y = Transformer.from_crs(2154, tms.epsg, always_xy=True).transform(GRID.left + i * 0.2, GRID.top - j * 0.2)
        tiles.append(tms.matrix(str(z)).limits((x, y, x, y))[:2])
    return list(dict.fromkeys(tiles))


def test_where_rasters_overlap_the_first_with_data_shows(tmp_path: Path) -> None:
    grid = Grid(2154, GRID.left, GRID.top, 0.2, 256, 256)
    holed = np.full((256, 256), 3, np.uint8)
    holed[:128] = 0
    first = write(tmp_path / "first.tif", holed, grid)
    second = write(tmp_path / "second.tif", np.full((256, 256), 5, np.uint8), grid)

    picture = _read("2154_10cm", 20, 14080, 111840, first, second)

    assert (picture[:128] == 5).all()
    assert (picture[128:] == 3).all()


def test_a_damaged_raster_is_an_error_and_not_a_hole(raster: RasterRef, tmp_path: Path) -> None:
    path = tmp_path / "damaged.tif"
    good = Path(raster.path).read_bytes()
    path.write_bytes(good[: math.ceil(len(good) * 2 / 3)])

    with pytest.raises(RasterUnreadable) as caught:
        _read_all(reference(path, GRID))
    assert str(tmp_path) not in caught.value.message


def test_a_repaired_raster_is_read_again_without_a_restart(raster: RasterRef, tmp_path: Path) -> None:
    path = tmp_path / "missing.tif"
    with pytest.raises(RasterUnreadable):
        _read("2154_10cm", 20, 14080, 111840, reference(path, GRID))

    path.write_bytes(Path(raster.path).read_bytes())

    assert _read("2154_10cm", 20, 14080, 111840, reference(path, GRID)).all()


def test_no_tile_costs_more_than_the_pixel_budget(tmp_path: Path) -> None:
    # Without overviews, a tile of all of it would read 4096 x 4096 pixels.
    grid = Grid(2154, GRID.left, GRID.top, 0.2, 4096, 4096)
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "tiled": True, "compress": "deflate"}
    path = tmp_path / "bare.tif"
    with rasterio.open(path, "w", width=4096, height=4096, transform=grid.transform, crs="EPSG:2154", **profile):
        pass
    ((x, y),) = _tiles("WebMercatorQuad", 9)

    with pytest.raises(RasterUnreadable, match="overviews"):
        _read("WebMercatorQuad", 9, x, y, reference(path, grid))
