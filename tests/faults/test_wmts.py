"""The WMTS of a running server: wrong pairs, markup, false hosts, posted entities, corners (W01, W02, W04, W05)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import numpy as np
import pytest
from lxml import etree
from PIL import Image

from tests.faults.observations import (
    canary,
    fingerprints,
    outbound_listener,
    require_exception_report,
    require_logged,
    require_silent,
)
from tests.faults.server import Answer, WebProcess
from tests.ogc_schemas import EXCEPTIONS, require_valid

GOOD_TILE = "/tiles/town/17/66722/47880.png"
WMTS = "{http://www.opengis.net/wmts/1.0}"
OWS = "{http://www.opengis.net/ows/1.1}"

# The north-west corner of the buildings (tests/tiling/test_grids.py).
PAIRS = {
    "SERVICE": "WMTS",
    "REQUEST": "GetTile",
    "VERSION": "1.0.0",
    "LAYER": "town",
    "STYLE": "normal",
    "FORMAT": "image/png",
    "TILEMATRIXSET": "2154_10cm_7_20",
    "TILEMATRIX": "20",
    "TILEROW": "111840",
    "TILECOL": "14080",
}


def _ask(server: WebProcess, pairs: dict[str, str] | list[tuple[str, str]]) -> Answer:
    return server.ask(f"/wmts?{urlencode(pairs)}")


def _report(answer: Answer, server: WebProcess, *statuses: int) -> tuple[str, str]:
    """(code, locator in capitals) of a report that is valid against its published schema."""
    code, locator = require_exception_report(answer, server, *statuses)
    require_valid(answer.body, EXCEPTIONS)
    return code, (locator or "").upper()


def test_a_parameter_that_is_missing_or_empty_is_named(server: WebProcess) -> None:
    """W01"""
    answers = []
    for name in PAIRS:
        without = {key: value for key, value in PAIRS.items() if key != name}
        for pairs in (without, {**without, name: ""}):
            answers.append(_ask(server, pairs))
            assert _report(answers[-1], server, 400) == ("MissingParameterValue", name)
    require_logged(server, answers)


def test_a_parameter_that_comes_twice_is_named(server: WebProcess) -> None:
    """W01"""
    for name, value in PAIRS.items():
        for other in (value, "x"):
            answer = _ask(server, [*PAIRS.items(), (name.lower(), other)])
            assert _report(answer, server, 400) == ("InvalidParameterValue", name)


def test_names_are_compared_without_case_and_values_with_it(server: WebProcess) -> None:
    """W01"""
    good = _ask(server, PAIRS)
    assert (good.status, good.headers["content-type"]) == (200, "image/png")
    assert _ask(server, {name.title(): value for name, value in PAIRS.items()}).body == good.body

    for name, value in PAIRS.items():
        if value.swapcase() != value:
            answer = _ask(server, {**PAIRS, name: value.swapcase()})
            assert _report(answer, server, 400) == ("InvalidParameterValue", name)


def test_a_value_that_is_none_is_named(server: WebProcess) -> None:
    """W01"""
    hostile = (
        "\x00",
        "%00",
        "../../etc/passwd",
        "/vsicurl/http://127.0.0.1:9/",
        "1e3",
        "-1",
        "٣",
        "a" * 5000,
        "' OR 1=1",
    )
    for name in PAIRS:
        for value in hostile:
            assert _report(_ask(server, {**PAIRS, name: value}), server, 400) == ("InvalidParameterValue", name)


def test_tiles_outside_of_the_layer_are_out_of_range(server: WebProcess) -> None:
    """W01"""
    for name in ("TILEROW", "TILECOL"):
        for number in ("0", "9999999999"):
            assert _report(_ask(server, {**PAIRS, name: number}), server, 400) == ("TileOutOfRange", name)


def test_operations_are_told_apart_from_words_that_are_none(server: WebProcess) -> None:
    """W01"""
    assert _report(_ask(server, {**PAIRS, "REQUEST": "GetMap"}), server, 501) == ("OperationNotSupported", "GETMAP")
    assert _report(_ask(server, {**PAIRS, "REQUEST": "GetBogus"}), server, 400) == ("InvalidParameterValue", "REQUEST")


@pytest.mark.parametrize("text", ['"><script>alert(1)</script>', "]]>", "\r\nSet-Cookie: a=b", "&e;", "<!--", "\x1b"])
def test_markup_is_never_echoed_as_markup(server: WebProcess, text: str) -> None:
    """W02"""
    for name in PAIRS:
        answer = _ask(server, {**PAIRS, name: text})

        _report(answer, server, 400)
        assert answer.headers["content-type"].startswith("application/xml")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert b"<script" not in answer.body
        assert "set-cookie" not in answer.headers
    path = server.ask(f"/wmts/1.0.0/{quote(text, safe='')}/normal/PM_6_19/6/1/1.png")
    assert path.status in (400, 404)
    assert b"<script" not in path.body


def test_links_never_follow_what_a_request_says_about_its_host(server: WebProcess) -> None:
    """W02"""
    for headers in (
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher"},
        {"Forwarded": "host=evil.example"},
    ):
        for target in ("/wmts", "/wmts/1.0.0/WMTSCapabilities.xml", "/api", "/api/stac", "/tiles/town/tilejson.json"):
            answer = server.ask(target, **{name.replace("-", "_"): value for name, value in headers.items()})
            assert answer.status == 200
            assert b"evil" not in answer.body
    root = etree.fromstring(server.ask("/wmts").body)
    links = [e.get("{http://www.w3.org/1999/xlink}href") for e in root.iter()]
    links += [e.get("template") for e in root.iter(f"{WMTS}ResourceURL")]
    assert [link for link in links if link and not link.startswith(f"{server.address}/")] == []


def test_posted_xml_is_not_even_read(server: WebProcess) -> None:
    """W04"""
    before = fingerprints(server.secret.parent)
    with outbound_listener() as listener, canary(server, GOOD_TILE):
        for entity in (f"file://{server.secret}", listener.address):
            body = f'<!DOCTYPE a [<!ENTITY e SYSTEM "{entity}">]><GetCapabilities>&e;</GetCapabilities>'.encode()
            answer = server.ask("/wmts", "POST", body, Content_Type="application/xml")

            assert _report(answer, server, 405) == ("OperationNotSupported", "HTTP METHOD")
            assert answer.headers["allow"] == "GET, HEAD"
    after = {path: digest for path, digest in fingerprints(server.secret.parent).items() if path in before}
    assert {path for path in before if path.suffix != ".log" and after[path] != before[path]} == set()


def _corners(server: WebProcess) -> Iterator[tuple[str, str, str, tuple[int, int, int, int]]]:
    """(layer, tile matrix set, level, (first row, last row, first column, last column)) of all that is advertised."""
    root = etree.fromstring(server.ask("/wmts").body)
    for layer in root.iterfind(f"{WMTS}Contents/{WMTS}Layer"):
        for link in layer.iterfind(f"{WMTS}TileMatrixSetLink"):
            for limit in link.iterfind(f"{WMTS}TileMatrixSetLimits/{WMTS}TileMatrixLimits"):
                first_row, last_row, first_column, last_column = (
                    int(limit.findtext(f"{WMTS}{name}") or "")
                    for name in ("MinTileRow", "MaxTileRow", "MinTileCol", "MaxTileCol")
                )
                yield (
                    layer.findtext(f"{OWS}Identifier") or "",
                    link.findtext(f"{WMTS}TileMatrixSet") or "",
                    limit.findtext(f"{WMTS}TileMatrix") or "",
                    (first_row, last_row, first_column, last_column),
                )


def test_every_corner_of_what_is_advertised_is_answered_and_nothing_beyond(server: WebProcess) -> None:
    """W05"""
    tried: set[tuple[str, str, str]] = set()
    for layer, tms, level, (first_row, last_row, first_column, last_column) in _corners(server):
        place = {**PAIRS, "LAYER": layer, "TILEMATRIXSET": tms, "TILEMATRIX": level}
        for row, column in ((first_row, first_column), (last_row, last_column)):
            inside = _ask(server, {**place, "TILEROW": str(row), "TILECOL": str(column)})
            assert (inside.status, inside.headers["content-type"]) == (200, "image/png")
            require_silent(inside, server)
            if tms == "PM_6_19":
                _require_equal_to_xyz(server, inside.body, f"/tiles/{layer}/{level}/{column}/{row}.png")
        tried.add((layer, tms, level))
        beyond = {**place, "TILEROW": str(last_row + 1), "TILECOL": str(first_column)}
        assert _report(_ask(server, beyond), server, 400) == ("TileOutOfRange", "TILEROW")
        beyond = {**place, "TILEROW": str(first_row), "TILECOL": str(last_column + 1)}
        assert _report(_ask(server, beyond), server, 400) == ("TileOutOfRange", "TILECOL")
    layers = {layer for layer, _, _ in tried}
    assert {"town", "field"} <= layers
    assert len(tried) == len(layers) * (14 + 14 + 14)  # levels of the three sets


def _require_equal_to_xyz(server: WebProcess, image: bytes, address: str) -> None:
    xyz = server.ask(address)
    pixels = np.asarray(Image.open(io.BytesIO(image)).convert("RGBA"))
    if xyz.status == 204:
        assert pixels[..., 3].max() == 0
    else:
        assert np.array_equal(pixels, np.asarray(Image.open(io.BytesIO(xyz.body)).convert("RGBA")))
