"""The schemas that the OGC publishes: every document of the WMTS is valid against them."""

from __future__ import annotations

from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.ogc_schemas import CAPABILITIES, EXCEPTIONS, require_valid

TILE = (
    "SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=town&STYLE=normal&FORMAT=image/png"
    "&TILEMATRIXSET=2154_10cm_7_20&TILEMATRIX=20&TILEROW=111840&TILECOL=14080"
)


def _body(address: str) -> bytes:
    try:
        with urlopen(address) as answer:  # noqa: S310 - our own address
            return bytes(answer.read())
    except HTTPError as error:
        return error.read()


@pytest.mark.parametrize(
    "sections",
    ["", "&SECTIONS=ServiceProvider", "&SECTIONS=Contents,Themes", "&SECTIONS=OperationsMetadata", "&SECTIONS=Themes"],
)
def test_the_capabilities_are_valid(map_server: str, sections: str) -> None:
    document = _body(f"{map_server}/wmts?SERVICE=WMTS&REQUEST=GetCapabilities{sections}")

    require_valid(document, CAPABILITIES)


@pytest.mark.parametrize(
    "address",
    [
        "/wmts?SERVICE=WMTS",
        "/wmts?SERVICE=WMTS&REQUEST=GetBogus",
        "/wmts?SERVICE=WMTS&REQUEST=GetMap",
        f"/wmts?{TILE}&TileRow=1",
        f"/wmts?{TILE.replace('111840', '1')}",
        "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities&ACCEPTVERSIONS=2.0.0",
        "/wmts/1.0.0/nowhere/normal/PM_6_19/6/0/0.png",
        "/wmts/1.0.0/town/normal/2154_10cm_7_20/20/111840/14080/300/0.txt",
    ],
)
def test_exception_reports_are_valid(map_server: str, address: str) -> None:
    require_valid(_body(f"{map_server}{address}"), EXCEPTIONS)
