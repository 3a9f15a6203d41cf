"""The programs people use: do they draw the layer in its colours and in its place?"""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio
from owslib.wmts import WebMapTileService
from PIL import Image
from pyproj import Transformer

from app.definitions import nomenclature
from tests import published as layers
from tests.components import require

CLIENTS = Path(__file__).parent.parent / "clients"
SETS = [("PM_6_19", 3857), ("2154_10cm_7_20", 2154)]

# Places well inside the four squares of the town, metres right and down of its corner, and what is drawn there.
PLACES = {
    (40.0, 40.0): (*layers.BUILDING_RGB, 255),
    (160.0, 40.0): (*layers.DECIDUOUS_RGB, 255),
    (40.0, 160.0): (*layers.WATER_RGB, 255),
}


def _in(epsg: int, right_m: float, down_m: float) -> tuple[float, float]:
    x, y = Transformer.from_crs(2154, epsg, always_xy=True).transform(layers.LEFT + right_m, layers.TOP - down_m)
    return x, y


def _frame(epsg: int) -> tuple[float, float, float, float]:
    """(left, bottom, right, top) of a square around the town, in that CRS."""
    corners = [_in(epsg, right, down) for right in (0.0, 204.8) for down in (0.0, 204.8)]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    side = max(max(xs) - min(xs), max(ys) - min(ys))
    return (min(xs), max(ys) - side, min(xs) + side, max(ys))


@pytest.mark.needs("gdal")
def test_gdal_copies_the_layer_pixel_by_pixel_in_lambert_93(map_server: str, tmp_path: Path) -> None:
    source = f"WMTS:{map_server}/wmts,layer=town,tilematrixset=2154_10cm_7_20,style=normal"
    left, bottom, right, top = layers.GRID.bounds
    window = [str(side) for side in (left, top, right, bottom)]
    command = [require("gdal"), "-q", "-projwin", *window, source, tmp_path / "copy.tif"]
    subprocess.run(command, check=True, env={"GDAL_DEFAULT_WMS_CACHE_PATH": str(tmp_path / "cache")})

    with rasterio.open(tmp_path / "copy.tif") as copy:
        picture = np.moveaxis(copy.read(), 0, -1)
        assert copy.transform.almost_equals(layers.GRID.transform)
        assert copy.crs.to_epsg() == 2154
    assert np.array_equal(picture, nomenclature().palette[layers.town_classes()])


@pytest.mark.needs("gdal")
def test_gdal_draws_the_layer_in_web_mercator(map_server: str, tmp_path: Path) -> None:
    source = f"WMTS:{map_server}/wmts,layer=town,tilematrixset=PM_6_19,style=normal"
    left, bottom, right, top = _frame(3857)
    window = [str(side) for side in (left, top, right, bottom)]
    command = [require("gdal"), "-q", "-projwin", *window, source, tmp_path / "copy.tif"]
    subprocess.run(command, check=True, env={"GDAL_DEFAULT_WMS_CACHE_PATH": str(tmp_path / "cache")})

    with rasterio.open(tmp_path / "copy.tif") as copy:
        for place, colour in PLACES.items():
            assert tuple(next(copy.sample([_in(3857, *place)])).tolist()) == colour


@pytest.mark.needs("qgis")
@pytest.mark.parametrize(("tms", "epsg"), SETS)
def test_qgis_draws_the_layer(map_server: str, tmp_path: Path, tms: str, epsg: int) -> None:
    picture_path = tmp_path / "qgis.png"
    left, bottom, right, top = _frame(epsg)
    frame = [str(side) for side in (left, bottom, right, top)]
    command = [require("qgis"), CLIENTS / "draw_with_qgis.py", f"{map_server}/wmts", "town", tms, str(epsg), *frame]
    environment = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    subprocess.run([*command, "500", picture_path], check=True, env=environment, timeout=120)

    picture = Image.open(picture_path).convert("RGBA")
    for place, colour in PLACES.items():
        x, y = _in(epsg, *place)
        pixel = (int((x - left) / (right - left) * 500), int((top - y) / (top - bottom) * 500))
        assert picture.getpixel(pixel) == colour, place


@pytest.mark.parametrize("door", ["/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "/wmts/1.0.0/WMTSCapabilities.xml"])
def test_owslib_reads_the_capabilities(map_server: str, door: str) -> None:
    service = WebMapTileService(f"{map_server}{door}")

    assert sorted(service.contents) == ["field", "town"]
    assert service.identification.type == "OGC WMTS"
    assert list(service["town"].styles) == ["normal", "confidence"]
    assert not service.restonly


@pytest.mark.parametrize(("tms", "epsg"), SETS)
def test_owslib_gets_the_tile_of_a_place(map_server: str, tms: str, epsg: int) -> None:
    service = WebMapTileService(f"{map_server}/wmts?SERVICE=WMTS&REQUEST=GetCapabilities")
    level = list(service.tilematrixsets[tms].tilematrix.values())[-1]
    span = level.scaledenominator * 0.00028 * level.tilewidth
    for place, colour in PLACES.items():
        x, y = _in(epsg, *place)
        column, row = (x - level.topleftcorner[0]) / span, (level.topleftcorner[1] - y) / span
        body = service.gettile(
            layer="town",
            tilematrixset=tms,
            tilematrix=level.identifier,
            row=int(row),
            column=int(column),
            format="image/png",
        ).read()
        picture = Image.open(io.BytesIO(body)).convert("RGBA")
        assert picture.getpixel((int(column % 1 * 256), int(row % 1 * 256))) == colour
