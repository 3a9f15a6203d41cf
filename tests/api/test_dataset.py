"""OGC API - Tiles of all layers as one map, and what every document of the standard promises."""

from __future__ import annotations

import io
from typing import Any

import jsonschema
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.catalogue.overlay import overlay
from app.definitions import Nomenclature
from app.errors import ParameterInvalid
from tests import published as layers
from tests.api.test_wmts_capabilities import make_layer
from tests.conftest import forget_settings

BASE = "http://127.0.0.1:8000"
PATH = "/api/map/tiles"
RELATIONS = "http://www.opengis.net/def/rel/ogc/1.0"
# The corner of the town and, 4096 m to the right, the corner of the field: 80 tiles of 51.2 m further.
TOWN_TILE, FIELD_TILE = "2154_10cm_7_20/20/111840/14080", "2154_10cm_7_20/20/111840/14160"

# github.com/mapbox/tilejson-spec, 3.0.0: what its text demands of raster tiles.
TILEJSON: dict[str, Any] = {
    "type": "object",
    "required": ["tilejson", "tiles"],
    "properties": {
        "tilejson": {"const": "3.0.0"},
        "tiles": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "pattern": r"^https?://[^{]*\{z\}/\{x\}/\{y\}[^{]*$"},
        },
        "scheme": {"enum": ["xyz", "tms"]},
        "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
        "minzoom": {"type": "integer", "minimum": 0, "maximum": 30},
        "maxzoom": {"type": "integer", "minimum": 0, "maximum": 30},
        "bounds": {"type": "array", "minItems": 4, "maxItems": 4, "items": {"type": "number"}},
        "center": {
            "type": "array",
            "prefixItems": [
                {"type": "number", "minimum": -180, "maximum": 180},
                {"type": "number", "minimum": -90, "maximum": 90},
                {"type": "integer", "minimum": 0, "maximum": 30},
            ],
            "minItems": 3,
            "maxItems": 3,
        },
        "name": {"type": "string"},
        "description": {"type": "string"},
        "attribution": {"type": "string"},
    },
}


def _values(client: TestClient, path: str) -> np.ndarray:
    answer = client.get(path.removeprefix(BASE))
    assert answer.status_code == 200, (path, answer.content)
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def _link(document: dict[str, Any], rel: str) -> dict[str, Any]:
    return dict(next(link for link in document["links"] if link["rel"] == rel))


def test_the_landing_page_leads_to_tiles_of_all_layers(published: TestClient) -> None:
    tilesets = _link(published.get("/api").json(), f"{RELATIONS}/tilesets-map")["href"]
    listed = published.get(tilesets.removeprefix(BASE)).json()["tilesets"]
    lambert = next(tileset for tileset in listed if tileset["tileMatrixSetURI"].endswith("/2154_10cm_7_20"))
    assert {tileset["dataType"] for tileset in listed} == {"map"}
    definition = published.get(_link(lambert, f"{RELATIONS}/tiling-scheme")["href"].removeprefix(BASE)).json()
    assert definition["id"] == "2154_10cm_7_20"

    tileset = published.get(_link(lambert, "self")["href"].removeprefix(BASE)).json()
    template = _link(tileset, "item")
    assert (template["templated"], template["type"]) == (True, "image/png")
    address = template["href"].format(tileMatrix=20, tileRow=111840, tileCol=14080)
    assert (_values(published, address) == layers.BUILDING).all()
    assert "immutable" in published.get(address.removeprefix(BASE)).headers["cache-control"]


def test_limits_hold_all_layers(published: TestClient) -> None:
    tileset = published.get(f"{PATH}/2154_10cm_7_20").json()

    assert tileset["tileMatrixSetLimits"][-1] == {
        "tileMatrix": "20",
        "minTileRow": 111840,
        "maxTileRow": 111843,
        "minTileCol": 14080,
        "maxTileCol": 14160,
    }


def test_the_map_shows_every_layer_in_its_place(published: TestClient) -> None:
    assert (_values(published, f"{PATH}/{TOWN_TILE}") == layers.BUILDING).all()
    assert (_values(published, f"{PATH}/{FIELD_TILE}") == layers.AGRICULTURAL).all()


def test_collections_chooses_what_the_map_shows(published: TestClient) -> None:
    assert published.get(f"{PATH}/{TOWN_TILE}?collections=field").status_code == 204
    assert (_values(published, f"{PATH}/{TOWN_TILE}?collections=field,town&style=normal") == layers.BUILDING).all()
    tileset = published.get(f"{PATH}/2154_10cm_7_20?collections=town").json()
    assert "?collections=town&v=" in _link(tileset, "item")["href"]
    assert tileset["tileMatrixSetLimits"][-1]["maxTileCol"] == 14083


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?collections=nothing", 404),
        ("?collections=", 404),
        (f"?collections={','.join(map(str, range(21)))}", 400),
        ("?collections=town&collections=field", 400),
        ("?collection=town", 400),
        ("?style=confidence", 400),  # the field tells none
    ],
)
def test_a_choice_that_cannot_be_is_refused(published: TestClient, query: str, status: int) -> None:
    assert published.get(f"{PATH}/{TOWN_TILE}{query}").status_code == status


def test_no_layer_is_no_map(service: TestClient) -> None:
    answer = service.get(PATH)

    assert answer.status_code == 404
    assert "no published layer" in answer.json()["detail"]


def test_the_newest_vintage_lies_on_top() -> None:
    drawn = overlay([make_layer(0, vintage=2018), make_layer(1, vintage=2024), make_layer(2, vintage=None)])

    assert [layer.vintage for layer in drawn.layers] == [2024, 2018, None]
    assert drawn.version != overlay([make_layer(0, vintage=2018), make_layer(1, vintage=2024)]).version


def test_layers_of_different_nomenclatures_are_not_drawn_over_each_other() -> None:
    first = make_layer(0)
    other = Nomenclature.model_validate({**first.nomenclature.model_dump(), "id": "other"})

    with pytest.raises(ParameterInvalid, match="different nomenclatures"):
        overlay([first, make_layer(1, nomenclature=other)])


def test_tilejson_is_valid(published: TestClient) -> None:
    for layer in ("town", "field"):
        jsonschema.validate(published.get(f"/tiles/{layer}/tilejson.json").json(), TILEJSON)


@pytest.mark.parametrize(
    "path",
    [
        "/wmts",
        "/wmts?SERVICE=WMTS&REQUEST=GetBogus",
        "/wmts/1.0.0/town/normal/2154_10cm_7_20/20/111840/14080.png",
        "/wmts/1.0.0/town/normal/2154_10cm_7_20/20/111840/14080/20/10.geojson",
        "/tiles/town/tilejson.json",
        "/tiles/town/5/16/11.png",
        f"/api/collections/town/map/tiles/{TOWN_TILE}",
        f"{PATH}/{TOWN_TILE}",
        "/api/collections/town/legend.json",
        "/api/collections/town/legend.png",
        "/api/collections/town/legend.qml",
        "/api/collections/town/legend.sld",
        "/api/collections",
        "/api/tileMatrixSets",
        "/api/stac",
        "/api/qgis-connections.xml",
    ],
)
def test_pages_of_other_sites_may_read_it(published: TestClient, path: str) -> None:
    answer = published.get(path, headers={"Origin": "https://elsewhere.example"})

    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


def test_the_landing_page_says_whom_to_ask(published: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSIA_PROVIDER_NAME", "Région Exemple")
    monkeypatch.setenv("COSIA_PROVIDER_URL", "https://region.example")
    monkeypatch.setenv("COSIA_CONTACT_EMAIL", "cartes@region.example")
    forget_settings()

    landing = published.get("/api").json()
    assert landing["provider"] == {"name": "Région Exemple", "url": "https://region.example"}
    assert landing["contact"] == {"name": None, "email": "cartes@region.example"}


def test_every_link_of_the_landing_page_leads_somewhere(published: TestClient) -> None:
    # Jobs and processes ask the database; the documentation for people comes with the built page.
    elsewhere = ("/api/jobs", "/api/processes", "/api/docs")
    for link in published.get("/api").json()["links"]:
        if not link["href"].endswith(elsewhere):
            assert link.get("templated", False) == ("{q}" in link["href"]), link
            answer = published.get(link["href"].removeprefix(BASE).replace("{q}", "saint"))
            assert answer.status_code == 200, link
            sent, told = answer.headers["content-type"].split(";")[0], link["type"].split(";")[0]
            assert sent in (told, "application/json"), link
