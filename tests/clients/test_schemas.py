"""The schemas that the OGC publishes: every document of the WMTS is valid against them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import mapproxy
import pytest
from lxml import etree

SCHEMAS = Path(mapproxy.__file__).parent / "test/schemas"  # its wheel carries them, complete and relative
CAPABILITIES = "wmts/1.0/wmtsGetCapabilities_response.xsd"
EXCEPTIONS = "ows/1.1.0/owsExceptionReport.xsd"
TILE = (
    "SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=town&STYLE=normal&FORMAT=image/png"
    "&TILEMATRIXSET=2154_10cm_7_20&TILEMATRIX=20&TILEROW=111840&TILECOL=14080"
)


@cache
def _schema(name: str) -> etree.XMLSchema:
    # This copy is older than the correction that lets limits begin at 0; ours do where a territory does.
    text = (SCHEMAS / name).read_bytes()
    corrected = re.sub(rb'(name="MinTile(?:Row|Col)" type=")positiveInteger', rb"\1nonNegativeInteger", text)
    parser = etree.XMLParser(no_network=True)
    return etree.XMLSchema(etree.fromstring(corrected, parser, base_url=str(SCHEMAS / name)))


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

    _schema(CAPABILITIES).assertValid(etree.fromstring(document))


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
    _schema(EXCEPTIONS).assertValid(etree.fromstring(_body(f"{map_server}{address}")))
