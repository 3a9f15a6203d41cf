"""WMTS 1.0.0: what it says of itself, its tiles, its errors."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from fastapi.testclient import TestClient
from lxml import etree
from PIL import Image
from pyproj import Transformer

from app.definitions.tile_matrix_set import tile_matrix_set
from tests import published as layers

NAMESPACES = {
    "w": "http://www.opengis.net/wmts/1.0",
    "ows": "http://www.opengis.net/ows/1.1",
    "xlink": "http://www.w3.org/1999/xlink",
}
HREF = "{http://www.w3.org/1999/xlink}href"

# Tile (14080, 111840) of level 20 is the north-west corner of the buildings (tests/tiling/test_grids.py).
TILE = {
    "Service": "WMTS",
    "Request": "GetTile",
    "Version": "1.0.0",
    "Layer": "town",
    "Style": "normal",
    "Format": "image/png",
    "TileMatrixSet": "2154_10cm_7_20",
    "TileMatrix": "20",
    "TileRow": "111840",
    "TileCol": "14080",
}
INFO = {**TILE, "Request": "GetFeatureInfo", "InfoFormat": "application/geo+json", "I": "10", "J": "20"}
REST = "/wmts/1.0.0/town/normal/2154_10cm_7_20/20/111840/14080"


def _capabilities(client: TestClient, query: str = "") -> etree._Element:
    answer = client.get(f"/wmts?SERVICE=WMTS&REQUEST=GetCapabilities{query}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/xml")
    return etree.fromstring(answer.content)


def _exception(body: bytes) -> tuple[str, str | None]:
    exception = etree.fromstring(body).find("ows:Exception", NAMESPACES)
    assert exception is not None
    return str(exception.get("exceptionCode")), exception.get("locator")


def _values(body: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(body)))


def test_capabilities_are_found_under_every_door(published: TestClient) -> None:
    whole = published.get("/wmts?SERVICE=WMTS&REQUEST=GetCapabilities").content

    for door in ("/wmts", "/wmts?SERVICE=WMS&REQUEST=GetCapabilities", "/wmts/1.0.0/WMTSCapabilities.xml"):
        assert published.get(door).content == whole


def test_operations_are_offered_by_pairs_under_the_configured_address(published: TestClient) -> None:
    root = _capabilities(published)

    hrefs = {g.get(HREF) for g in root.iterfind(".//ows:OperationsMetadata//ows:Get", NAMESPACES)}
    names = [o.get("name") for o in root.iterfind(".//ows:Operation", NAMESPACES)]
    assert hrefs == {"http://127.0.0.1:8000/wmts?"}
    assert names == ["GetCapabilities", "GetTile", "GetFeatureInfo"]


def test_each_layer_has_its_styles_with_a_legend_of_the_stated_size(published: TestClient) -> None:
    root = _capabilities(published)
    found = {}
    for layer in root.iterfind("w:Contents/w:Layer", NAMESPACES):
        styles = layer.findall("w:Style", NAMESPACES)
        found[layer.findtext("ows:Identifier", namespaces=NAMESPACES)] = [
            (style.findtext("ows:Identifier", namespaces=NAMESPACES), style.get("isDefault")) for style in styles
        ]
        for legend in layer.iterfind("w:Style/w:LegendURL", NAMESPACES):
            # QGIS appends the parameters of a WMS GetLegendGraphic.
            address = str(legend.get(HREF)).removeprefix("http://127.0.0.1:8000")
            picture = Image.open(
                io.BytesIO(published.get(f"{address}{'&' if '?' in address else '?'}SERVICE=WMS").content)
            )
            assert picture.size == (int(legend.get("width", "0")), int(legend.get("height", "0")))

    assert found == {
        "field": [("normal", "true"), ("colour-blind", None)],
        "town": [("normal", "true"), ("colour-blind", None), ("confidence", None)],
    }


def test_titles_are_escaped(published: TestClient) -> None:
    abstract = _capabilities(published).findtext("w:Contents/w:Layer[2]/ows:Abstract", namespaces=NAMESPACES)

    assert abstract is not None
    assert abstract.startswith("A <town> & its trees")


def test_tile_matrix_sets_are_truncated_and_web_mercator_comes_first(published: TestClient) -> None:
    sets = _capabilities(published).findall("w:Contents/w:TileMatrixSet", NAMESPACES)

    told = [
        (
            s.findtext("ows:Identifier", namespaces=NAMESPACES),
            s.findtext("ows:SupportedCRS", namespaces=NAMESPACES),
            s.findtext("w:TileMatrix/w:TopLeftCorner", namespaces=NAMESPACES),
            s.find("w:WellKnownScaleSet", NAMESPACES),
        )
        for s in sets
    ]
    assert told == [
        ("PM_6_19", "urn:ogc:def:crs:EPSG::3857", "-20037508.342789244 20037508.342789244", None),
        ("2154_10cm_7_20", "urn:ogc:def:crs:EPSG::2154", "0 12000000", None),
        ("4326_5_18", "urn:ogc:def:crs:EPSG::4326", "90 -180", None),
    ]


def test_limits_list_every_level_and_no_maximum_is_zero(published: TestClient) -> None:
    for link in _capabilities(published).iterfind("w:Contents/w:Layer/w:TileMatrixSetLink", NAMESPACES):
        tms = tile_matrix_set(str(link.findtext("w:TileMatrixSet", namespaces=NAMESPACES)))
        listed = link.findall("w:TileMatrixSetLimits/w:TileMatrixLimits", NAMESPACES)
        assert [e.findtext("w:TileMatrix", namespaces=NAMESPACES) for e in listed] == [m.id for m in tms.matrices]
        for name in ("MaxTileRow", "MaxTileCol"):
            assert min(int(str(e.findtext(f"w:{name}", namespaces=NAMESPACES))) for e in listed) >= 1


def test_corner_tiles_of_the_limits_are_answered_and_those_beyond_are_not(published: TestClient) -> None:
    root = _capabilities(published)
    town = next(
        e
        for e in root.iterfind("w:Contents/w:Layer", NAMESPACES)
        if e.findtext("ows:Identifier", namespaces=NAMESPACES) == "town"
    )
    for link in town.iterfind("w:TileMatrixSetLink", NAMESPACES):
        deepest = link.findall("w:TileMatrixSetLimits/w:TileMatrixLimits", NAMESPACES)[-1]
        first_row, last_row, first_column, last_column = (
            int(str(deepest.findtext(f"w:{name}", namespaces=NAMESPACES)))
            for name in ("MinTileRow", "MaxTileRow", "MinTileCol", "MaxTileCol")
        )
        place = {
            "TileMatrixSet": str(link.findtext("w:TileMatrixSet", namespaces=NAMESPACES)),
            "TileMatrix": str(deepest.findtext("w:TileMatrix", namespaces=NAMESPACES)),
        }
        for row, column in ((first_row, first_column), (last_row, last_column)):
            inside = published.get("/wmts", params={**TILE, **place, "TileRow": row, "TileCol": column})
            assert inside.status_code == 200
            assert inside.headers["content-type"] == "image/png"
        for row, column, locator in ((last_row + 1, first_column, "TileRow"), (last_row, first_column - 1, "TileCol")):
            beyond = published.get("/wmts", params={**TILE, **place, "TileRow": row, "TileCol": column})
            assert (beyond.status_code, _exception(beyond.content)) == (400, ("TileOutOfRange", locator))


def test_pairs_path_and_ogc_api_give_the_same_tile(published: TestClient) -> None:
    by_pairs = published.get("/wmts", params=TILE).content

    assert (_values(by_pairs) == layers.BUILDING).all()
    assert published.get(f"{REST}.png").content == by_pairs
    assert published.get("/api/collections/town/map/tiles/2154_10cm/20/111840/14080").content == by_pairs


def test_web_mercator_tiles_are_those_of_the_xyz_address(published: TestClient) -> None:
    limits = tile_matrix_set("PM_6_19").matrix("18")
    lon, lat = Transformer.from_crs(2154, 4326, always_xy=True).transform(layers.LEFT + 50, layers.TOP - 50)
    x, y = Transformer.from_crs(4326, 3857, always_xy=True).transform(lon, lat)
    column, row, _, _ = limits.limits((x, y, x, y))
    place = {"TileMatrixSet": "PM_6_19", "TileMatrix": "18", "TileRow": row, "TileCol": column}

    by_pairs = published.get("/wmts", params={**TILE, **place}).content

    assert layers.BUILDING in _values(by_pairs)
    assert published.get(f"/tiles/town/18/{column}/{row}.png").content == by_pairs


def test_an_empty_tile_is_a_transparent_picture(published: TestClient) -> None:
    # The south-east square is nodata: 102.4 m are two tiles, so the fourth of the layer's 4 x 4 lies in it.
    answer = published.get("/wmts", params={**TILE, "TileRow": "111843", "TileCol": "14083"})

    assert answer.status_code == 200
    assert np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGBA"))[..., 3].max() == 0


def test_a_path_with_the_current_version_never_changes(published: TestClient) -> None:
    root = _capabilities(published)
    template = str(root.findall(".//w:ResourceURL[@resourceType='tile']", NAMESPACES)[1].get("template"))
    address = template.format(
        Style="normal", TileMatrixSet="2154_10cm_7_20", TileMatrix="20", TileRow="111840", TileCol="14080"
    )

    answer = published.get(address.removeprefix("http://127.0.0.1:8000"))
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]


def test_names_of_pairs_are_compared_without_case(published: TestClient) -> None:
    shouted = {name.upper(): value for name, value in TILE.items()}
    whispered = {name.lower(): value for name, value in TILE.items()}

    assert published.get("/wmts", params=shouted).content == published.get("/wmts", params=whispered).content


@pytest.mark.parametrize("name", [name for name in INFO if name != "Request"])
@pytest.mark.parametrize("how", ["absent", "empty"])
def test_what_is_missing_is_named(published: TestClient, name: str, how: str) -> None:
    pairs = {key: value for key, value in INFO.items() if key != name} | ({name: ""} if how == "empty" else {})
    answer = published.get("/wmts", params=pairs)

    assert (answer.status_code, _exception(answer.content)) == (400, ("MissingParameterValue", name))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Service": "WCS"}, ("InvalidParameterValue", "Service")),
        ({"Request": "GetBogus"}, ("InvalidParameterValue", "Request")),
        ({"Request": "gettile"}, ("InvalidParameterValue", "Request")),
        ({"Version": "2.0.0"}, ("InvalidParameterValue", "Version")),
        ({"Layer": "nowhere"}, ("InvalidParameterValue", "Layer")),
        ({"Layer": '"><script>alert(1)</script>]]>\r\n'}, ("InvalidParameterValue", "Layer")),
        ({"Style": "blue"}, ("InvalidParameterValue", "Style")),
        ({"Format": "image/jpeg"}, ("InvalidParameterValue", "Format")),
        ({"TileMatrixSet": "2154_10cm"}, ("InvalidParameterValue", "TileMatrixSet")),
        ({"TileMatrix": "21"}, ("InvalidParameterValue", "TileMatrix")),
        ({"TileRow": "abc"}, ("InvalidParameterValue", "TileRow")),
        ({"TileCol": "-1"}, ("InvalidParameterValue", "TileCol")),
        ({"TileCol": "٣"}, ("InvalidParameterValue", "TileCol")),
        ({"TileCol": "0"}, ("TileOutOfRange", "TileCol")),
        ({"TileRow": "9999999999"}, ("TileOutOfRange", "TileRow")),
        ({"InfoFormat": "text/xml"}, ("InvalidParameterValue", "InfoFormat")),
        ({"I": "256"}, ("PointIJOutOfRange", "I")),
        ({"J": "256"}, ("PointIJOutOfRange", "J")),
    ],
)
def test_what_is_wrong_is_named(published: TestClient, changes: dict[str, str], expected: tuple[str, str]) -> None:
    answer = published.get("/wmts", params={**INFO, **changes})

    assert (answer.status_code, _exception(answer.content)) == (400, expected)
    assert b"<script" not in answer.content


@pytest.mark.parametrize("name", list(INFO))
def test_a_repeated_name_is_refused_whether_it_is_read_or_not(published: TestClient, name: str) -> None:
    for pairs in (TILE, INFO):
        answer = published.get("/wmts", params=[*pairs.items(), (name.upper(), INFO[name]), (name.lower(), "x")])

        assert (answer.status_code, _exception(answer.content)) == (400, ("InvalidParameterValue", name))


@pytest.mark.parametrize("name", ["GetMap", "GetLegendGraphic", "GetCoverage"])
def test_an_operation_of_other_services_is_not_supported(published: TestClient, name: str) -> None:
    answer = published.get("/wmts", params={**TILE, "Request": name})

    assert (answer.status_code, _exception(answer.content)) == (501, ("OperationNotSupported", name))


def test_names_of_nobody_are_let_pass(published: TestClient) -> None:
    assert (
        published.get("/wmts", params={**TILE, "map": "/etc/passwd"}).content
        == published.get("/wmts", params=TILE).content
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("AcceptVersions=99.0.0", ("VersionNegotiationFailed", None)),
        ("Sections=Everything", ("InvalidParameterValue", "Sections")),
        ("Sections=", ("MissingParameterValue", "Sections")),
    ],
)
def test_capabilities_negotiate(published: TestClient, query: str, expected: tuple[str, str | None]) -> None:
    answer = published.get(f"/wmts?SERVICE=WMTS&REQUEST=GetCapabilities&{query}")

    assert (answer.status_code, _exception(answer.content)) == (400, expected)


def test_capabilities_are_xml_whatever_formats_are_wished_for(published: TestClient) -> None:
    root = _capabilities(published, "&AcceptFormats=image/gif,text/html")

    assert etree.QName(root).localname == "Capabilities"


def test_capabilities_that_a_client_has_already_are_not_sent_again(published: TestClient) -> None:
    first = published.get("/wmts?SERVICE=WMTS&REQUEST=GetCapabilities")
    again = published.get("/wmts/1.0.0/WMTSCapabilities.xml", headers={"If-None-Match": first.headers["etag"]})
    part = published.get("/wmts?SERVICE=WMTS&REQUEST=GetCapabilities&SECTIONS=Themes")

    assert first.headers["cache-control"] == "no-cache"
    assert not first.headers["etag"].startswith("W/")
    assert (again.status_code, again.content) == (304, b"")
    assert part.headers["etag"] != first.headers["etag"]


def test_capabilities_give_only_the_sections_asked_for(published: TestClient) -> None:
    root = _capabilities(published, "&Sections=Themes,Contents&AcceptVersions=2.0.0,1.0.0")

    assert [etree.QName(child).localname for child in root] == ["Contents", "Themes", "ServiceMetadataURL"]


@pytest.mark.parametrize(
    "path",
    [
        "/wmts/1.0.0/nowhere/normal/2154_10cm_7_20/20/111840/14080.png",
        "/wmts/1.0.0/town/blue/2154_10cm_7_20/20/111840/14080.png",
        "/wmts/1.0.0/town/normal/2154_10cm_7_20/20/0/14080.png",
        "/wmts/1.0.0/town/normal/2154_10cm_7_20/20/111840/14080/20/10.exe",
        "/wmts/1.0.0/WMTSCapabilities.xml/Bogus",
    ],
)
def test_a_path_to_nothing_is_not_found(published: TestClient, path: str) -> None:
    assert published.get(path).status_code == 404


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/wmts/1.0.0/{'a' * 3000}/normal/2154_10cm_7_20/20/111840/14080.png", ("InvalidParameterValue", "Layer")),
        (f"/wmts/1.0.0/town/normal/2154_10cm_7_20/20/{'1' * 3000}/14080.png", ("InvalidParameterValue", "TileRow")),
        (f"{REST}.png?w=1", ("InvalidParameterValue", "w")),
        (f"{REST}.png?v=1&v=2", ("InvalidParameterValue", "v")),
        (f"{REST}/256/0.txt", ("PointIJOutOfRange", "J")),
        (f"{REST}/0/0.txt?I=3", ("InvalidParameterValue", "I")),
    ],
)
def test_a_path_is_answered_with_an_exception_report_too(
    published: TestClient, path: str, expected: tuple[str, str]
) -> None:
    answer = published.get(path)

    assert (answer.status_code, _exception(answer.content)) == (404, expected)
    assert len(answer.content) < 2000


def test_a_version_of_any_length_only_decides_how_long_a_tile_is_kept(published: TestClient) -> None:
    answer = published.get(f"{REST}.png?v={'x' * 3000}")

    assert answer.status_code == 200
    assert "immutable" not in answer.headers["cache-control"]


def test_a_client_that_takes_no_xml_is_told_so(published: TestClient) -> None:
    assert published.get("/wmts/1.0.0/WMTSCapabilities.xml", headers={"Accept": "image/png"}).status_code == 406


def test_feature_info_names_the_class_in_every_format(published: TestClient) -> None:
    answers = {}
    for media_type, suffix in (("text/plain", "txt"), ("text/html", "html"), ("application/geo+json", "geojson")):
        answer = published.get("/wmts", params={**INFO, "InfoFormat": media_type})
        assert answer.headers["content-type"].split(";")[0] == media_type
        assert published.get(f"{REST}/20/10.{suffix}").text == answer.text
        answers[media_type] = answer.text

    (feature,) = json.loads(answers["application/geo+json"])["features"]
    # Pixel (10, 20) of the corner tile: its centre is 10.5 and 20.5 pixels of 0.2 m from the corner.
    to_lonlat = Transformer.from_crs(2154, 4326, always_xy=True)
    expected = to_lonlat.transform(layers.LEFT + 2.1, layers.TOP - 4.1)
    assert feature["geometry"]["coordinates"] == pytest.approx(expected, abs=1e-7)
    assert (feature["properties"]["code"], feature["properties"]["confidence"]) == ("batiment", 1.0)
    assert "title_fr: Bâtiment" in answers["text/plain"]
    assert "<td>Bâtiment</td>" in answers["text/html"]


def test_feature_info_as_gml_is_well_formed(published: TestClient) -> None:
    answer = published.get("/wmts", params={**INFO, "InfoFormat": "application/vnd.ogc.gml"})
    root = etree.fromstring(answer.content)

    assert root.findtext(".//{urn:cosia:map}code") == "batiment"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_than_get_are_not_allowed(published: TestClient, method: str) -> None:
    body = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><GetCapabilities>&e;</GetCapabilities>'
    answer = published.request(method, "/wmts", content=body, headers={"Content-Type": "application/xml"})

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert _exception(answer.content)[0] == "OperationNotSupported"


def test_each_layer_stands_in_one_theme(published: TestClient) -> None:
    root = _capabilities(published, "&Sections=Themes")

    found = {
        theme.findtext("ows:Identifier", namespaces=NAMESPACES): [
            e.text for e in theme.findall("w:LayerRef", NAMESPACES)
        ]
        for theme in root.iterfind("w:Themes/w:Theme", NAMESPACES)
    }
    assert found == {"vintage-2021": ["field", "town"]}


def test_keywords_name_the_classes_once_and_what_tells_layers_apart(published: TestClient) -> None:
    root = _capabilities(published)
    of_service = [e.text for e in root.iterfind("ows:ServiceIdentification//ows:Keyword", NAMESPACES)]
    of_town = [e.text for e in root.iterfind("w:Contents/w:Layer[2]/ows:Keywords/ows:Keyword", NAMESPACES)]

    assert of_service.count("Vigne") == 1
    assert {"2021", "ortho-2021", "tiny"} <= set(of_town)


def test_links_to_metadata_lead_somewhere(published: TestClient) -> None:
    links = _capabilities(published).findall("w:Contents/w:Layer/ows:Metadata", NAMESPACES)

    assert len(links) == 6
    for element in links:
        assert published.get(str(element.get(HREF)).removeprefix("http://127.0.0.1:8000")).status_code == 200
