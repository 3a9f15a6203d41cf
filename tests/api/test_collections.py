"""Collections and legends."""

from __future__ import annotations

import io

import numpy as np
import pytest
from fastapi.testclient import TestClient
from lxml import etree
from PIL import Image
from pyproj import Transformer

from app.definitions.tile_matrix_set import tile_matrix_sets
from tests import published as layers

_TO_LONLAT = Transformer.from_crs(2154, 4326, always_xy=True)


def _lonlat(right_m: float, down_m: float) -> tuple[float, float]:
    """Of a point counted from the corner of the town."""
    lon, lat = _TO_LONLAT.transform(layers.LEFT + right_m, layers.TOP - down_m)
    return lon, lat


def test_collections_list_every_layer_with_its_extent_and_vintage(published: TestClient) -> None:
    document = published.get("/api/collections").json()

    assert [c["id"] for c in document["collections"]] == ["field", "town"]
    town = document["collections"][1]
    assert town["extent"]["temporal"]["interval"] == [["2021-01-01T00:00:00Z", "2021-12-31T23:59:59Z"]]
    assert town["extent"]["spatial"]["bbox"][0][0] == pytest.approx(_lonlat(0, 0)[0], abs=1e-5)
    assert town["cosia:demonstration"] is False
    assert len(town["cosia:version"]) == 12
    assert town["cosia:nomenclature"] == "cosia"


def test_every_link_of_a_collection_leads_somewhere(published: TestClient) -> None:
    links = published.get("/api/collections/town").json()["links"]

    for link in links:
        if not link.get("templated") and link["rel"] != "license":  # that one is on another site
            answer = published.get(link["href"].removeprefix("http://127.0.0.1:8000"))
            assert answer.status_code == 200, link
            assert answer.headers["content-type"].startswith(link["type"]), link


def test_the_legend_holds_the_sixteen_classes(published: TestClient) -> None:
    document = published.get("/api/collections/town/legend.json").json()

    assert [c["value"] for c in document["classes"]] == list(range(1, 17))
    assert document["classes"][0]["title_fr"] == "Bâtiment"
    assert document["classes"][0]["colour"] == "#ce7079"


def test_the_legend_says_what_belongs_to_a_class_and_puts_each_into_one_of_seven_families(
    published: TestClient,
) -> None:
    document = published.get("/api/collections/town/legend.json").json()

    members: dict[str, list[str]] = {family["id"]: [] for family in document["families"]}
    for entry in document["classes"]:
        members[entry["family"]].append(entry["code"])
        assert entry["definition_fr"].endswith(".")
        assert entry["definition_en"].endswith(".")
        assert entry["definition_fr"] != entry["definition_en"]
    assert len(members) == 7
    assert members["water"] == ["piscine", "surface_eau", "neige"]
    assert members["built"] == ["batiment", "serre"]


def test_the_legend_picture_shows_every_colour(published: TestClient) -> None:
    picture = Image.open(io.BytesIO(published.get("/api/collections/town/legend.png").content)).convert("RGB")
    classes = published.get("/api/collections/town/legend.json").json()["classes"]

    colours = {colour for _, colour in picture.getcolors(1 << 20) or []}
    assert {tuple(bytes.fromhex(c["colour"][1:])) for c in classes} <= colours


def test_sld_and_qml_name_and_colour_every_value(published: TestClient) -> None:
    sld = etree.fromstring(published.get("/api/collections/town/legend.sld").content)
    qml = etree.fromstring(published.get("/api/collections/town/legend.qml").content)

    entries = {
        e.get("quantity"): (e.get("label"), e.get("color"))
        for e in sld.iter("{http://www.opengis.net/sld}ColorMapEntry")
    }
    palette = {e.get("value"): (e.get("label"), e.get("color")) for e in qml.iter("paletteEntry")}
    assert entries == palette
    assert entries["14"] == ("Terre labourée", "#d0a349")
    assert len(entries) == 16


def test_tilesets_lead_to_tiles_in_every_tile_matrix_set(published: TestClient) -> None:
    for summary in published.get("/api/collections/town/map/tiles").json()["tilesets"]:
        href = next(link["href"] for link in summary["links"] if link["rel"] == "self")
        tileset = published.get(href.removeprefix("http://127.0.0.1:8000")).json()
        deepest = tileset["tileMatrixSetLimits"][-1]
        template = next(link["href"] for link in tileset["links"] if link["rel"] == "item")
        # A quarter in from the north-west: the middle of the buildings.
        row = (3 * deepest["minTileRow"] + deepest["maxTileRow"]) // 4
        column = (3 * deepest["minTileCol"] + deepest["maxTileCol"]) // 4
        address = template.format(tileMatrix=deepest["tileMatrix"], tileRow=row, tileCol=column)
        answer = published.get(address.removeprefix("http://127.0.0.1:8000"))

        assert answer.status_code == 200, address
        assert layers.BUILDING in np.asarray(Image.open(io.BytesIO(answer.content))), address


def test_tile_matrix_sets_are_listed_and_defined(published: TestClient) -> None:
    listed = published.get("/api/tileMatrixSets").json()["tileMatrixSets"]

    assert {tms["id"] for tms in listed} == set(tile_matrix_sets())
    assert published.get("/api/tileMatrixSets/WebMercatorQuad").json()["tileMatrices"][0]["matrixWidth"] == 1
    assert published.get("/api/tileMatrixSets/nothing").status_code == 404


def test_a_layer_tells_its_licence(published: TestClient) -> None:
    links = published.get("/api/collections/town").json()["links"]
    (licence,) = [link for link in links if link["rel"] == "license"]

    assert licence["title"] == "Licence Ouverte / Etalab 2.0, attribution IGN"
    assert licence["href"].startswith("https://www.etalab.gouv.fr/")
