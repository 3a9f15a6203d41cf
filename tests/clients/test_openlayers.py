"""OpenLayers: the tiles that it asks for hold the place that it means."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest
from PIL import Image

from tests.clients.places import PLACES, SETS, place_in
from tests.components import require

SCRIPT = Path(__file__).parent / "openlayers.mjs"


@pytest.mark.needs("openlayers")
@pytest.mark.parametrize("encoding", ["KVP", "REST"])
@pytest.mark.parametrize(("tms", "epsg"), SETS)
def test_openlayers_asks_for_the_tile_of_a_place(map_server: str, tms: str, epsg: int, encoding: str) -> None:
    capabilities = f"{map_server}/wmts?SERVICE=WMTS&REQUEST=GetCapabilities"
    places = [str(coordinate) for place in PLACES for coordinate in place_in(epsg, *place)]
    command = ["node", SCRIPT, require("openlayers"), capabilities, "town", tms, encoding, str(epsg), *places]
    meant = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=60).stdout)

    assert meant["encoding"] == encoding
    for tile, colour in zip(meant["tiles"], PLACES.values(), strict=True):
        with urlopen(tile["url"]) as answer:  # noqa: S310 - our own address
            picture = Image.open(io.BytesIO(answer.read())).convert("RGBA")
        assert picture.getpixel(tuple(tile["pixel"])) == colour
