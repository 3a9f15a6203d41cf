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
    packages = require("openlayers")
    capabilities = f"{map_server}/wmts?SERVICE=WMTS&REQUEST=GetCapabilities"
    for place, colour in PLACES.items():
        arguments = [packages, capabilities, "town", tms, encoding, str(epsg), *map(str, place_in(epsg, *place))]
        answer = subprocess.run(["node", SCRIPT, *arguments], check=True, stdout=subprocess.PIPE, timeout=60)
        meant = json.loads(answer.stdout)

        assert meant["encoding"] == encoding
        with urlopen(meant["url"]) as tile:  # noqa: S310 - our own address
            picture = Image.open(io.BytesIO(tile.read())).convert("RGBA")
        assert picture.getpixel(tuple(meant["pixel"])) == colour
