"""MapProxy as a client of OGC API - Tiles: from the links alone to the tile of a place."""

from __future__ import annotations

import math

import pytest
from mapproxy.client.http import HTTPClient
from mapproxy.image.opts import ImageOptions
from mapproxy.query import MapQuery
from mapproxy.source.ogcapitiles import OGCAPITilesSource
from mapproxy.srs import SRS

from tests.clients.places import PLACES, place_in

# Left and top edge of all tiles, side of a tile: level 19 of Web Mercator, level 20 of Lambert-93 (256 px of 0.2 m).
_MERCATOR = (-math.pi * 6378137, math.pi * 6378137, 2 * math.pi * 6378137 / 2**19)
_LAMBERT = (0.0, 12_000_000.0, 51.2)


@pytest.mark.parametrize(
    ("tms", "epsg", "tiles"),
    # MapProxy counts levels from 0 whatever they are called: sets that begin at another level are not for it.
    [("WebMercatorQuad", 3857, _MERCATOR), ("2154_10cm", 2154, _LAMBERT)],
)
def test_mapproxy_finds_the_map_tiles_of_a_collection(
    map_server: str, tms: str, epsg: int, tiles: tuple[float, float, float]
) -> None:
    options = ImageOptions(transparent=True, format="png")
    source = OGCAPITilesSource(f"{map_server}/api", "town", HTTPClient(), tms, image_opts=options)
    left, top, side = tiles
    for place, colour in PLACES.items():
        x, y = place_in(epsg, *place)
        column, row = (x - left) / side, (top - y) / side
        west, north = left + int(column) * side, top - int(row) * side
        query = MapQuery((west, north - side, west + side, north), (256, 256), SRS(epsg), "png")
        picture = source.get_map(query).as_image().convert("RGBA")

        assert picture.getpixel((int(column % 1 * 256), int(row % 1 * 256))) == colour
