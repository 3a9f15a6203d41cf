"""A tile as its bytes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.definitions import Grid
from app.errors import Unknown
from app.outputs import write_block
from app.tiling import Look, RasterRef, Style, empty_tile, render, value_at
from app.tiling.rasters import Band
from app.tiling.render import etag
from tests.tiling.blobs import GRID, blobs, level

ALIGNED = ("2154_10cm", 20, 14080, 111840)


def _values(data: bytes | None) -> np.ndarray:
    assert data is not None
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.fixture
def block(tmp_path: Path) -> RasterRef:
    """A block file: two bands, 2048 px."""
    confidence = blobs(2048, 2048, seed=5) * 15
    write_block(tmp_path / "block.tif", blobs(2048, 2048, seed=4), confidence, GRID)
    return RasterRef(str(tmp_path / "block.tif"), 2154, GRID.left, GRID.top, 0.2, 2048, 2048, 2, "v1")


def test_a_tile_holds_the_values_of_the_raster(raster: RasterRef) -> None:
    assert np.array_equal(_values(render([raster], *ALIGNED)), level(raster.path, 1)[:256, :256])


def test_a_block_shows_its_classes_and_its_confidence(block: RasterRef) -> None:
    assert np.array_equal(_values(render([block], *ALIGNED)), blobs(2048, 2048, seed=4)[:256, :256])
    shown = _values(render([block], *ALIGNED, look=Look(Style.CONFIDENCE)))
    assert np.array_equal(shown, blobs(2048, 2048, seed=5)[:256, :256] * 15)


def test_a_tile_beside_the_rasters_is_none(raster: RasterRef) -> None:
    assert render([raster], "2154_10cm", 20, 14079, 111840) is None
    assert render([], *ALIGNED) is None


def test_a_layer_without_confidence_has_empty_confidence_tiles(raster: RasterRef) -> None:
    assert render([raster], *ALIGNED, look=Look(Style.CONFIDENCE)) is None


def test_a_second_request_opens_no_file(raster: RasterRef, tmp_path: Path) -> None:
    path = tmp_path / "gone.tif"
    path.write_bytes(Path(raster.path).read_bytes())
    ref = RasterRef(str(path), 2154, GRID.left, GRID.top, 0.2, GRID.width, GRID.height, 1, "v1")
    first = render([ref], *ALIGNED)
    path.write_bytes(b"")

    assert render([ref], *ALIGNED) == first


def test_a_tile_that_does_not_exist_is_refused_before_any_file_is_opened() -> None:
    nowhere = RasterRef("/nowhere.tif", 2154, GRID.left, GRID.top, 0.2, 100, 100, 1, "v1")

    with pytest.raises(Unknown):
        render([nowhere], "2154_10cm", 22, 0, 0)


def test_an_empty_tile_is_transparent() -> None:
    picture = Image.open(io.BytesIO(empty_tile(*ALIGNED, "cosia")))

    assert picture.size == (256, 256)
    assert np.asarray(picture.convert("RGBA"))[..., 3].max() == 0


def test_a_point_has_the_value_of_the_pixel_around_it(block: RasterRef) -> None:
    x, y = GRID.left + 100.1 * 0.2 + 0.05, GRID.top - 200.5 * 0.2

    found = value_at([block], 2154, x, y)

    assert found.value == blobs(2048, 2048, seed=4)[200, 100]
    assert found.confidence == blobs(2048, 2048, seed=5)[200, 100] * 15


def test_a_point_beyond_the_edge_has_no_value(raster: RasterRef) -> None:
    grid: Grid = raster.grid

    assert value_at([raster], 2154, grid.bounds[2] + 0.01, grid.top - 1).value == 0
    assert value_at([raster], 4326, 3.0, -90.0).value == 0


def test_confidence_that_changed_alone_has_another_etag() -> None:
    look = Look(Style.CONFIDENCE)
    before, after = (etag((Band(f"/data/{key}.confidence.tif", 1, "same classes"),), look, "cosia") for key in "ab")

    assert before != after
