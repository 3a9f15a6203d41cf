"""Imagery of map servers: the same pixels as from the files behind them, whatever window is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app import imagery
from app.definitions import (
    Augmentation,
    Band,
    BlockCell,
    Grid,
    ImagerySource,
    ModelCard,
    Role,
    prediction_grid,
)
from app.errors import BandMismatch
from app.imagery import Bounds, ImageryFile
from app.imagery.remote import check_service
from tests.imagery_files import LEFT, TOP, random_bytes, write_raster
from tests.map_servers import Door, Reply, door_to, mapproxy, mapserver
from tests.worker.test_source_map import Brightest
from worker.pipeline import Predictor
from worker.readers import FileReader, RemoteReader, reader_of

SIDE = 600  # pixels of the files: more than a cell of 256
RGB = (Band.R, Band.G, Band.B)
_BBOX = (3.25, 43.55, 3.26, 43.56)


def _grid(column: int, row: int, width: int, height: int) -> Grid:
    return Grid(2154, LEFT + column * 0.2, TOP - row * 0.2, 0.2, width, height)


def _source(door: Door, layers: list[dict[str, Any]], **service: Any) -> ImagerySource:
    quick = {"url": door.url, "requests_per_s": 40, "parallel": 8, "layers": layers}
    return imagery.define_service(
        {
            "id": "remote",
            "title": "Remote",
            "epsg": 2154,
            "bbox": [3.25, 43.55, 3.26, 43.56],
            "service": quick | service,
        }
    )


def _layer(role: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "layer": role, "cell_px": 256, **more}


@pytest.fixture(scope="module")
def rasters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """RGB, IRC and height on the grid; a surface and a terrain of 1 m with a hole in the surface."""
    folder = tmp_path_factory.mktemp("rasters")
    generator = np.random.default_rng(3)
    terrain = generator.uniform(80, 90, (1, 120, 120)).astype(np.float32)
    surface = terrain + generator.uniform(-1, 60, (1, 120, 120)).astype(np.float32)
    surface[0, 40:44, 50:53] = -9999
    return {
        "rgb": write_raster(folder / "rgb.tif", random_bytes(3, SIDE, SIDE)),
        "irc": write_raster(folder / "irc.tif", random_bytes(3, SIDE, SIDE, seed=1)),
        "surface": write_raster(folder / "surface.tif", surface, pixel_m=(1, 1), nodata=-9999),
        "terrain": write_raster(folder / "terrain.tif", terrain, pixel_m=(1, 1), nodata=-9999),
    }


@pytest.fixture(scope="module")
def door(rasters: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    bounds = (LEFT, TOP - SIDE * 0.2, LEFT + SIDE * 0.2, TOP)
    with door_to(mapserver(tmp_path_factory.mktemp("mapserver"), rasters, bounds)) as door:
        yield door


@pytest.fixture
def from_files(rasters: dict[str, Path]) -> FileReader:
    bounds = Bounds(LEFT, TOP - SIDE * 0.2, LEFT + SIDE * 0.2, TOP)
    files = [ImageryFile(Role(role), str(path), bounds) for role, path in rasters.items()]
    return FileReader(files, _plain(tuple(Band)))


def _plain(bands: tuple[Band, ...]) -> ImagerySource:
    return ImagerySource(id="files", title="Files", version="1", epsg=2154, bands=bands, bbox=(3, 43, 4, 44))


@pytest.mark.needs("mapserver")
@pytest.mark.parametrize("format", ["image/png", "image/tiff"])
def test_a_window_is_the_same_from_mapserver_as_from_the_files(door: Door, from_files: FileReader, format: str) -> None:
    source = _source(door, [_layer("rgb", format=format, fill=0), _layer("irc", format=format, fill=0)])
    window = _grid(-40, 330, 300, 300)  # over the left and the lower edge of the files
    bands = (*RGB, Band.NIR)

    pixels, valid = reader_of(source, []).read(window, bands)

    expected, there = from_files.read(window, bands)
    assert np.array_equal(valid, there)
    assert np.array_equal(pixels, np.where(valid, expected, 0))
    assert 0 < valid.sum() < valid.size


@pytest.mark.needs("mapserver")
def test_heights_are_surface_minus_terrain_as_from_the_files(door: Door, from_files: FileReader) -> None:
    metres = {"format": "image/geotiff", "pixels": "metres", "resolution_m": 1.0, "cell_px": 64}
    source = _source(door, [_layer("rgb"), _layer("surface") | metres, _layer("terrain") | metres])
    window = _grid(20, 15, 560, 570)

    pixels, valid = RemoteReader(source).read(window, (Band.E,))

    expected, there = from_files.read(window, (Band.E,))
    assert np.array_equal(pixels[0][valid], expected[0][valid])
    assert (pixels == 255).any()  # beyond 51 m
    # What a server resamples mixes the sentinel into the pixels around a hole: two of them are left out too.
    hole = np.argwhere(~valid)
    assert valid[there].mean() > 0.98
    assert not there[hole[:, 0].min() + 10, hole[:, 1].min() + 10]


@pytest.mark.needs("mapserver")
def test_pixels_do_not_depend_on_the_window_asked(door: Door) -> None:
    metres = {"format": "image/geotiff", "pixels": "metres", "resolution_m": 1.0, "cell_px": 64}
    source = _source(door, [_layer("rgb"), _layer("surface") | metres, _layer("terrain") | metres])
    bands = (*RGB, Band.E)

    whole, valid = RemoteReader(source).read(_grid(50, 60, 300, 200), bands)
    part, there = RemoteReader(source).read(_grid(133, 101, 90, 70), bands)

    assert np.array_equal(part, whole[:, 41:111, 83:173])
    assert np.array_equal(there, valid[41:111, 83:173])


@pytest.mark.needs("mapserver")
def test_what_was_read_is_not_asked_for_again(door: Door) -> None:
    source = _source(door, [_layer("rgb")], edition="read twice")
    first, _ = RemoteReader(source).read(_grid(0, 0, 300, 300), RGB)
    asked = len(door.asked)

    again, _ = RemoteReader(source).read(_grid(0, 0, 300, 300), RGB)

    assert len(door.asked) == asked
    assert np.array_equal(first, again)


@pytest.mark.needs("mapserver")
def test_cells_are_asked_in_whole_numbers_on_the_grid(door: Door) -> None:
    source = _source(door, [_layer("rgb")], edition="numbers")
    before = len(door.asked)

    RemoteReader(source).read(_grid(3, 5, 10, 10), RGB)

    asked = door.parameters()[before:]
    # LEFT and TOP are a corner of the blocks, and 256 pixels are 51.2 m.
    assert [each["BBOX"] for each in asked] == ["720896,6273740.8,720947.2,6273792"]
    assert [(each["WIDTH"], each["HEIGHT"], each["CRS"]) for each in asked] == [("256", "256", "EPSG:2154")]


@pytest.mark.needs("mapserver")
def test_tiles_of_mapproxy_are_the_pixels_of_the_files(
    rasters: dict[str, Path], tmp_path: Path, from_files: FileReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAPSERVER_CONFIG_FILE", "")  # MapProxy hands its own environment on: taken back afterwards
    bounds = (LEFT, TOP - SIDE * 0.2, LEFT + SIDE * 0.2, TOP)
    tiles = {"tile_matrix_set": "france", "tile_matrix": "20", "fill": 0}
    with door_to(mapproxy(tmp_path, {"rgb": rasters["rgb"]}, bounds)) as door:
        source = _source(door, [_layer("rgb", **tiles)], protocol="wmts", version="1.0.0")
        assert source.service is not None
        check_service(source, source.service, patience_s=30)

        pixels, valid = RemoteReader(source).read(_grid(-10, 200, 300, 200), RGB)

    expected, there = from_files.read(_grid(-10, 200, 300, 200), RGB)
    assert np.array_equal(valid, there)
    assert np.array_equal(pixels, expected)


def test_a_band_the_layers_do_not_give_is_refused(tmp_path: Path) -> None:
    with door_to(lambda _: Reply(500)) as door:
        reader = RemoteReader(_source(door, [_layer("rgb")]))
        with pytest.raises(BandMismatch, match="NIR is missing"):
            reader.read(_grid(0, 0, 10, 10), (Band.NIR,))
        assert door.asked == []


@pytest.mark.needs("mapserver")
def test_a_whole_block_is_predicted_alike_from_the_server_and_from_its_files(tmp_path: Path, card: ModelCard) -> None:
    rgb = write_raster(tmp_path / "rgb.tif", random_bytes(3, 2048, 2048))
    bounds = Bounds(LEFT, TOP - 409.6, LEFT + 409.6, TOP)
    network = Predictor([(card, Brightest())], Augmentation.NONE, torch.device("cpu"))
    block = prediction_grid(2154).block(BlockCell(1760, 13_980))
    assert (block.left, block.top) == (LEFT, TOP)
    with door_to(mapserver(tmp_path, {"rgb": rgb}, bounds)) as door:
        source = _source(door, [_layer("rgb", format="image/tiff", cell_px=1024)])
        remote = network.predict(*RemoteReader(source).read(block, RGB))

    local = network.predict(*FileReader([ImageryFile(Role.RGB, str(rgb), bounds)], _plain(RGB)).read(block, RGB))

    assert np.array_equal(remote.classes, local.classes)
    assert np.array_equal(remote.confidence, local.confidence)
    assert set(np.unique(local.classes)) == {1, 2, 3}
