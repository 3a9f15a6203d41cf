"""Where a tile lies, and when its pixels are the raster's own."""

from __future__ import annotations

import pytest

from app.definitions import Grid
from app.errors import Unknown
from app.tiling.grids import Rectangle, TileGrid, aligned, level_for, tile_grid

RASTER = Grid(2154, 720896.0, 6273792.0, 0.2, 2048, 2048)
FACTORS = (2, 4, 8)


def test_a_level_20_tile_of_lambert_93_is_256_pixels_of_the_raster() -> None:
    # 720896 / 51.2 = 14080 and (12 000 000 - 6273792) / 51.2 = 111840 are whole: the raster's corner is a tile's.
    tile = tile_grid("2154_10cm", 20, 14081, 111842)

    assert (tile.left, tile.top, tile.cell_size) == pytest.approx((720947.2, 6273689.6, 0.2))
    assert aligned(tile, RASTER, FACTORS) == (-1, Rectangle(256, 512, 256, 256))


def test_a_level_18_tile_is_read_from_the_second_overview() -> None:
    tile = tile_grid("2154_10cm", 18, 3520, 27960)

    assert aligned(tile, RASTER, FACTORS) == (1, Rectangle(0, 0, 256, 256))


@pytest.mark.parametrize(
    ("tile", "raster"),
    [
        (TileGrid(3857, 0.0, 0.0, 0.2, 256), RASTER),
        (TileGrid(2154, 720896.1, 6273792.0, 0.2, 256), RASTER),
        (TileGrid(2154, 720896.0, 6273792.0, 0.1, 256), RASTER),
        (TileGrid(2154, 720896.0, 6273792.0, 0.6, 256), RASTER),
        (TileGrid(2154, 720896.0, 6273792.0, 3.2, 256), RASTER),
        (TileGrid(2154, 720896.0, 6273792.0, 0.4, 256), Grid(2154, 720896.0, 6273792.0, 0.2, 2047, 2048)),
    ],
    ids=["other CRS", "half a pixel off", "finer", "no power of two", "no such overview", "overview reaches beyond"],
)
def test_pixels_that_do_not_coincide_are_not_aligned(tile: TileGrid, raster: Grid) -> None:
    assert aligned(tile, raster, FACTORS) is None


@pytest.mark.parametrize(
    ("ratio", "level"), [(0.5, -1), (1.0, -1), (1.6, -1), (1.7, 0), (2.0, 0), (3.3, 0), (3.4, 1), (100.0, 2)]
)
def test_the_overview_read_is_at_most_a_fifth_coarser_than_the_tile(ratio: float, level: int) -> None:
    assert level_for(FACTORS, ratio) == level


@pytest.mark.parametrize(
    ("z", "x", "y", "parameter"),
    [(25, 0, 0, "tileMatrix"), (3, 8, 0, "tileCol"), (3, 0, 8, "tileRow"), (3, -1, 0, "tileCol")],
)
def test_a_tile_outside_of_its_matrix_is_unknown(z: int, x: int, y: int, parameter: str) -> None:
    with pytest.raises(Unknown) as caught:
        tile_grid("WebMercatorQuad", z, x, y)

    assert caught.value.parameter == parameter
