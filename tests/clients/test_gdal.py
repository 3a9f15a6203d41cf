"""GDAL: does it copy the layer in its colours and in its place?"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
import rasterio

from app.definitions import Grid, nomenclature
from tests import published as layers
from tests.clients.places import PLACES, frame_in, place_in
from tests.components import require

pytestmark = pytest.mark.needs("gdal")


def _copy(source: str, window: tuple[float, float, float, float], tmp_path: Path) -> Path:
    left, bottom, right, top = (str(side) for side in window)
    target = tmp_path / "copy.tif"
    command = [require("gdal"), "-q", "-projwin", left, top, right, bottom, source, target]
    subprocess.run(command, check=True, env={"GDAL_DEFAULT_WMS_CACHE_PATH": str(tmp_path / "cache")})
    return target


@pytest.mark.parametrize(
    ("door", "layer", "tile_matrix_set", "grid"),
    [
        ("/wmts", "town", "2154_10cm_7_20", layers.GRID),
        ("/wmts/1.0.0/WMTSCapabilities.xml", "town", "2154_10cm_7_20", layers.GRID),
        ("/wmts", "reunion", "2975_10cm_10_20", layers.REUNION_GRID),
    ],
)
def test_gdal_copies_a_layer_pixel_by_pixel_in_its_own_crs(
    map_server: str, tmp_path: Path, door: str, layer: str, tile_matrix_set: str, grid: Grid
) -> None:
    source = f"WMTS:{map_server}{door},layer={layer},tilematrixset={tile_matrix_set},style=normal"

    with rasterio.open(_copy(source, grid.bounds, tmp_path)) as copy:
        picture = np.moveaxis(copy.read(), 0, -1)
        assert copy.transform.almost_equals(grid.transform)
        assert copy.crs.to_epsg() == grid.epsg
    assert np.array_equal(picture, nomenclature().palette[layers.town_classes()])


def test_gdal_draws_the_layer_in_web_mercator(map_server: str, tmp_path: Path) -> None:
    source = f"WMTS:{map_server}/wmts,layer=town,tilematrixset=PM_6_19,style=normal"

    with rasterio.open(_copy(source, frame_in(3857), tmp_path)) as copy:
        for place, colour in PLACES.items():
            assert tuple(next(copy.sample([place_in(3857, *place)])).tolist()) == colour


def test_gdal_reads_the_geotiff_of_a_stac_item_in_place(map_server: str, tmp_path: Path) -> None:
    with urlopen(f"{map_server}/api/stac/town/items") as answer:  # noqa: S310 - our own address
        (item,) = json.load(answer)["features"]
    command = [require("gdal"), "-q", f"/vsicurl/{item['assets']['classes']['href']}", tmp_path / "copy.tif"]
    subprocess.run(command, check=True, env={})

    with rasterio.open(tmp_path / "copy.tif") as copy:
        assert np.array_equal(copy.read(1), layers.town_classes())
        assert list(copy.transform)[:6] == item["properties"]["proj:transform"]
        assert copy.colormap(1)[layers.BUILDING] == (*layers.BUILDING_RGB, 255)
    # The names come from the file beside it.
    assert "Terre labourée" in (tmp_path / "copy.tif.aux.xml").read_text()
