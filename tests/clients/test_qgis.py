"""QGIS: does it draw the layer, tell the class under a click, load our styles and connection files?"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from PIL import Image

from app.definitions import nomenclature
from app.outputs import OUTPUTS, legend_qml, raster_definition
from app.outputs.legends import class_pipe
from tests import published as layers
from tests.clients.places import PLACES, SETS, frame_in, place_in
from tests.components import require

pytestmark = pytest.mark.needs("qgis")

CLIENTS = Path(__file__).parent


def _run(script: str, *arguments: object, home: Path) -> str:
    """What a script prints that runs in QGIS' own Python."""
    command = [require("qgis"), CLIENTS / script, *(str(argument) for argument in arguments)]
    environment = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, check=True, env=environment, timeout=120, stdout=subprocess.PIPE, text=True).stdout


def _downloaded(address: str, path: Path) -> Path:
    with urlopen(address) as answer:  # noqa: S310 - our own address
        path.write_bytes(answer.read())
    return path


@pytest.mark.parametrize(("tms", "epsg"), SETS)
def test_qgis_draws_the_layer(map_server: str, tmp_path: Path, tms: str, epsg: int) -> None:
    picture_path = tmp_path / "qgis.png"
    left, bottom, right, top = frame_in(epsg)
    frame = (left, bottom, right, top)
    _run("draw_with_qgis.py", f"{map_server}/wmts", "town", tms, epsg, *frame, 500, picture_path, home=tmp_path)

    picture = Image.open(picture_path).convert("RGBA")
    for place, colour in PLACES.items():
        x, y = place_in(epsg, *place)
        pixel = (int((x - left) / (right - left) * 500), int((top - y) / (top - bottom) * 500))
        assert picture.getpixel(pixel) == colour, place


@pytest.mark.parametrize(("tms", "epsg"), SETS)
def test_qgis_tells_the_class_under_a_click_in_every_form(map_server: str, tmp_path: Path, tms: str, epsg: int) -> None:
    x, y = place_in(epsg, 40.0, 40.0)
    told: dict[str, Any] = json.loads(
        _run("identify_with_qgis.py", f"{map_server}/wmts", "town", tms, epsg, x, y, home=tmp_path)
    )

    assert "title_fr: Bâtiment" in told["text"]
    assert "<td>Bâtiment</td>" in told["html"]
    assert (told["feature"]["code"], told["feature"]["value"]) == ("batiment", 1)
    assert told["feature"]["confidence"] == 1.0
    # The centre of the pixel that was clicked, in the CRS of the layer.
    assert told["place"] == pytest.approx([x, y], abs=0.3)


def test_qgis_takes_the_style_of_the_geotiff(map_server: str, tmp_path: Path) -> None:
    style = _downloaded(f"{map_server}/api/collections/town/legend.qml", tmp_path / "town.qml")
    # Without a colour table: what QGIS shows then comes from the style alone.
    raster = layers.write_classes(tmp_path / "town.tif", layers.town_classes())
    shown = json.loads(_run("style_with_qgis.py", raster, style, home=tmp_path))

    assert len(shown) == 16
    assert shown["1"] == ["#ce7079", "Bâtiment"]
    assert shown["14"] == ["#d0a349", "Terre labourée"]


def test_qgis_takes_the_style_of_a_result_by_itself(tmp_path: Path) -> None:
    # As the outputs `classes` and `style` of a job are called; without a colour table, as above.
    assert (OUTPUTS["classes"].file_name, OUTPUTS["style"].file_name) == ("classes.tif", "classes.qml")
    raster = layers.write_classes(tmp_path / "classes.tif", layers.town_classes())
    (tmp_path / "classes.qml").write_text(legend_qml(nomenclature()), encoding="utf-8")

    shown = json.loads(_run("style_with_qgis.py", raster, home=tmp_path))

    assert len(shown) == 16
    assert shown["1"] == ["#ce7079", "Bâtiment"]


def test_qgis_reads_a_raster_where_it_lies_by_a_definition_with_its_style(map_server: str, tmp_path: Path) -> None:
    with urlopen(f"{map_server}/api/stac/town/items") as answer:  # noqa: S310 - our own address
        (item, *_) = json.load(answer)["features"]
    definition = raster_definition(
        identifier="result",
        title="Result",
        provider="gdal",
        datasource=f"/vsicurl/{item['assets']['classes']['href']}",
        epsg=2154,
        pipe=class_pipe(nomenclature()),
    )
    path = tmp_path / "classes.qlr"
    path.write_text(definition, encoding="utf-8")

    (loaded,) = json.loads(_run("load_definition_into_qgis.py", path, home=tmp_path))

    assert (loaded["name"], loaded["crs"]) == ("Result", "EPSG:2154")
    assert loaded["extent"] == pytest.approx(layers.GRID.bounds, abs=0.1)
    assert "Bâtiment" in loaded["labels"]
    assert len(loaded["labels"]) == 16


def test_qgis_imports_the_connection_files(map_server: str, tmp_path: Path) -> None:
    wmts = _downloaded(f"{map_server}/api/qgis-connections.xml", tmp_path / "wmts.xml")
    xyz = _downloaded(f"{map_server}/api/qgis-xyz-connections.xml", tmp_path / "xyz.xml")

    assert json.loads(_run("import_connections_into_qgis.py", "wms", wmts, home=tmp_path)) == {
        "CoSIA Map": f"{map_server}/wmts"
    }
    imported = json.loads(_run("import_connections_into_qgis.py", "xyz", xyz, home=tmp_path))
    assert sorted(imported) == ["CoSIA Map: Field", "CoSIA Map: La Réunion", "CoSIA Map: Town"]
    assert imported["CoSIA Map: Town"].startswith(f"{map_server}/tiles/town/{{z}}/{{x}}/{{y}}.png?v=")


@pytest.mark.parametrize(("layer", "crs"), [("town", "EPSG:2154"), ("reunion", "EPSG:2975")])
def test_qgis_loads_the_layer_definition(map_server: str, tmp_path: Path, layer: str, crs: str) -> None:
    definition = _downloaded(f"{map_server}/api/collections/{layer}/layer.qlr", tmp_path / "layer.qlr")
    (loaded,) = json.loads(_run("load_definition_into_qgis.py", definition, home=tmp_path))
    grid = layers.GRID if layer == "town" else layers.REUNION_GRID

    assert (loaded["name"], loaded["crs"]) == ({"town": "Town", "reunion": "La Réunion"}[layer], crs)
    assert loaded["extent"] == pytest.approx(grid.bounds, abs=0.1)
