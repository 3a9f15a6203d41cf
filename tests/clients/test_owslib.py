"""OWSLib: what it reads from the capabilities, and the tiles it gets."""

from __future__ import annotations

import io

import pytest
from owslib.wmts import WebMapTileService
from PIL import Image

from tests.clients.places import PLACES, SETS, place_in


@pytest.mark.parametrize("door", ["/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "/wmts/1.0.0/WMTSCapabilities.xml"])
def test_owslib_reads_the_capabilities(map_server: str, door: str) -> None:
    service = WebMapTileService(f"{map_server}{door}")

    assert sorted(service.contents) == ["field", "reunion", "town"]
    assert service.identification.type == "OGC WMTS"
    assert list(service["town"].styles) == ["normal", "colour-blind", "confidence"]
    assert not service.restonly
    assert list(service["reunion"].tilematrixsetlinks) == ["PM_6_19", "2975_10cm_10_20", "4326_5_18"]


def test_owslib_finds_whom_to_ask_and_the_themes(map_server: str) -> None:
    service = WebMapTileService(f"{map_server}/wmts?SERVICE=WMTS&REQUEST=GetCapabilities")

    assert service.provider.contact.name == "Pôle SIG & cartes"
    assert service.provider.contact.email == "maps@example.org"
    assert service.themes["vintage-2021"].layerRefs == ["field", "reunion", "town"]


@pytest.mark.parametrize(("tms", "epsg"), SETS)
def test_owslib_gets_the_tile_of_a_place(map_server: str, tms: str, epsg: int) -> None:
    service = WebMapTileService(f"{map_server}/wmts?SERVICE=WMTS&REQUEST=GetCapabilities")
    level = list(service.tilematrixsets[tms].tilematrix.values())[-1]
    span = level.scaledenominator * 0.00028 * level.tilewidth
    for place, colour in PLACES.items():
        x, y = place_in(epsg, *place)
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
