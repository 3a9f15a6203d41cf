"""A source's Sentinel-2 series around the places of a block."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import Transformer
from rasterio.enums import Resampling
from rasterio.warp import reproject

from app.definitions import BlockCell, Grid, prediction_grid
from app.errors import RasterUnreadable
from app.imagery import Bounds, SeriesImage
from tests import samples
from tests.imagery_files import LEFT, TOP
from tests.series_files import LEFT as SERIES_LEFT
from tests.series_files import ground, write_image
from worker.readers import PlaceSeries, SeriesReader
from worker.series import PreparedSeries

CELL = BlockCell(1760, 13980)
BLOCK = prediction_grid().block(CELL)
"""409.6 m from (LEFT, TOP); the images of `series_files` reach 600 m beyond its corner, to the north-west."""


def image_of(path: Path) -> SeriesImage:
    with rasterio.open(path) as raster:
        taken = date.fromisoformat(next(part for part in path.stem.split("_") if part.startswith("20")))
        mask = path.with_name(f"{path.stem}_mask.tif")
        return SeriesImage(taken, str(path), str(mask), raster.crs.to_epsg(), Bounds(*raster.bounds))


def read(*paths: Path, block: Grid = BLOCK) -> PlaceSeries:
    return SeriesReader(samples.source(), [image_of(path) for path in paths]).read(block)


def seen_around(series: PlaceSeries, x_m: float, y_m: float) -> PreparedSeries:
    found = series.around(x_m, y_m)
    assert found is not None
    return found


def test_pixels_on_the_fixed_grid_are_taken_as_they_are(tmp_path: Path) -> None:
    assert (BLOCK.left, BLOCK.top) == (LEFT, TOP)
    pixels = ground()
    series = read(write_image(tmp_path, "20210710", pixels))

    # 50.2 m and 50.2 m from the corner: (720 946.2, 6 273 741.8); the nearest corner of 10 m pixels is (720 950,
    # 6 273 740), that of row 76 and column 65 of the image, whose corner is (720 300, 6 274 500).
    around = seen_around(series, LEFT + 50.2, TOP - 50.2)

    assert around.images.shape == (1, 10, 40, 40)
    assert np.array_equal(around.images[0], pixels[:, 76 - 20 : 76 + 20, 65 - 20 : 65 + 20])
    assert around.positions.tolist() == [-61]  # 15 July


def test_image_in_utm_is_resampled_as_gdal_does(tmp_path: Path) -> None:
    x, y = Transformer.from_crs(2154, 32631, always_xy=True).transform(LEFT - 500, TOP + 500)
    path = write_image(tmp_path, "20210710", ground(160, 160), left=round(x, -1), top=round(y, -1), crs="EPSG:32631")

    around = seen_around(read(path), LEFT + 204.8, TOP - 204.8)  # nearest corner: (721 100, 6 273 590)

    expected = np.zeros((10, 40, 40))
    with rasterio.open(path) as raster:
        reproject(
            raster.read().astype(float), expected, src_transform=raster.transform, src_crs=raster.crs,
            dst_transform=Affine(10, 0, 721_100 - 200, 0, -10, 6_273_590 + 200), dst_crs="EPSG:2154",
            resampling=Resampling.bilinear, tolerance=0,
        )  # fmt: skip
    assert (expected > 0).all()
    # Weights of 1/256 of up to 130 between neighbours, and rounding.
    assert np.abs(around.images[0] - expected).max() <= 1.5
    assert np.abs(around.images[0] - expected).mean() < 0.4


def test_place_on_the_edge_of_two_blocks_sees_the_same_in_both(tmp_path: Path) -> None:
    x, y = Transformer.from_crs(2154, 32631, always_xy=True).transform(LEFT - 500, TOP + 500)
    placed: dict[str, Any] = {"left": round(x, -1), "top": round(y, -1), "crs": "EPSG:32631"}
    paths = [
        write_image(tmp_path, "20210710", ground(160, 160), **placed),
        write_image(tmp_path, "20210402", ground(), left=SERIES_LEFT + 3.3),
    ]
    west = prediction_grid().block(BlockCell(CELL.column - 1, CELL.row))

    one = seen_around(read(*paths), LEFT, TOP - 100)
    other = seen_around(read(*paths, block=west), LEFT, TOP - 100)

    assert np.array_equal(one.images, other.images)
    assert one.positions.tolist() == other.positions.tolist() == [30, -61]


def test_first_tile_of_a_day_gives_a_pixel_where_two_have_it(tmp_path: Path) -> None:
    one, other = np.full((10, 120, 120), 1000, np.uint16), np.full((10, 120, 120), 3000, np.uint16)
    one[:, :, 60:] = 0  # a gap from 720 900 m on
    paths = [
        write_image(tmp_path, "20210710", one, name="a_{day}"),
        write_image(tmp_path, "20210710", other, name="b_{day}", left=SERIES_LEFT + 200),
    ]

    around = seen_around(read(*paths), LEFT + 4, TOP - 4)  # from 720 700 m to 721 100 m

    assert np.unique(around.images[..., :20]).tolist() == [1000]
    assert np.unique(around.images[..., 20:]).tolist() == [3000]


def test_declared_nodata_is_a_gap(tmp_path: Path) -> None:
    pixels = np.full((10, 120, 120), 700, np.uint16)
    pixels[:, :, 65:] = 65535
    around = seen_around(read(write_image(tmp_path, "20210710", pixels, nodata=65535)), LEFT + 4, TOP - 4)

    assert np.unique(around.images[..., :25]).tolist() == [700]
    assert np.unique(around.images[..., 25:]).tolist() == [0]


def test_mask_of_20_m_leaves_covered_dates_out(tmp_path: Path) -> None:
    cloudy = np.zeros((2, 60, 60), np.uint8)
    cloudy[1, :, 33:] = 60  # clouds from 720 960 m on
    paths = [
        write_image(tmp_path, "20210710", ground(seed=1), cloudy),
        write_image(tmp_path, "20210720", ground(seed=2)),
    ]
    series = read(*paths)

    west = seen_around(series, LEFT + 4, TOP - 4)  # to 721 100 m: 14 of 40 columns under clouds
    east = seen_around(series, LEFT + 304, TOP - 4)  # from 721 000 m on

    both = (ground(seed=1)[:, 51:91, 40:80].astype(float) + ground(seed=2)[:, 51:91, 40:80]) / 2
    assert np.array_equal(west.images[0], both.astype(np.float32))
    assert np.array_equal(east.images[0, :, :, :10], ground(seed=2)[:, 51:91, 70:80])


def test_place_that_no_date_shows_has_no_series(tmp_path: Path) -> None:
    far = write_image(tmp_path, "20210710", ground(), left=SERIES_LEFT - 900)  # ends at 720 600 m

    assert read(far).around(LEFT + 4, TOP - 4) is None
    assert read().around(LEFT + 4, TOP - 4) is None


@pytest.mark.parametrize("name", ["S2_20210710.tif", "S2_20210710_mask.tif"])
def test_damaged_file_is_told_with_its_day(name: str, tmp_path: Path) -> None:
    path = write_image(tmp_path, "20210710", ground(), compress="deflate")
    image = image_of(path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:2000])

    with pytest.raises(RasterUnreadable, match="image of 2021-07-10 in the series of imagery source ortho-2021"):
        SeriesReader(samples.source(), [image]).read(BLOCK)


def test_other_file_in_its_place_is_told(tmp_path: Path) -> None:
    image = image_of(write_image(tmp_path, "20210710", ground()))
    write_image(tmp_path, "20210710", ground(), left=SERIES_LEFT + 10)

    with pytest.raises(RasterUnreadable, match="damaged or gone"):
        SeriesReader(samples.source(), [image]).read(BLOCK)


def test_image_of_other_ground_is_not_opened(tmp_path: Path) -> None:
    near, far = write_image(tmp_path, "20210710", ground()), write_image(tmp_path, "20210720", ground(), left=100_000)
    images = [image_of(near), image_of(far)]
    far.unlink()

    series = SeriesReader(samples.source(), images).read(BLOCK)

    assert series.seen.any(axis=(1, 2)).tolist() == [True, False]
