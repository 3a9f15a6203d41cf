"""STAC: the GeoTIFFs behind the layers, for programs that read them in place."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import pytest
import shapely
from fastapi.testclient import TestClient
from pystac.extensions.classification import ClassificationExtension
from pystac.extensions.file import FileExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.validation.stac_validator import JsonSchemaSTACValidator

from app.database import sessions
from app.database.migrate import migrate
from app.definitions import Grid
from app.storage import storage
from tests import published as layers
from tests.conftest import forget_settings

BASE = "http://127.0.0.1:8000"


@pytest.fixture
def catalogued(
    published: TestClient, published_folder: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> TestClient:
    """The client of the published layers, whose database and files this process means, too."""
    monkeypatch.setenv("COSIA_DATA", str(published_folder))
    forget_settings()
    return published


def _read(client: TestClient, path: str) -> dict[str, Any]:
    answer = client.get(path.removeprefix(BASE))
    assert answer.status_code == 200, path
    document: dict[str, Any] = answer.json()
    return document


def _link(document: dict[str, Any], rel: str) -> str:
    return str(next(link["href"] for link in document["links"] if link["rel"] == rel))


def _require_valid(document: dict[str, Any], kind: pystac.STACObjectType) -> None:
    """Raises STACValidationError. pystac carries the schemas of the core: nothing is fetched."""
    JsonSchemaSTACValidator().validate_core(document, kind, document["stac_version"])


def _first_item(client: TestClient) -> dict[str, Any]:
    collection = _read(client, "/api/stac/town")
    item: dict[str, Any] = _read(client, _link(collection, "items"))["features"][0]
    return item


def test_catalogue_collections_and_items_are_valid(catalogued: TestClient) -> None:
    catalogue = _read(catalogued, "/api/stac")

    _require_valid(catalogue, pystac.STACObjectType.CATALOG)
    children = [link["href"] for link in catalogue["links"] if link["rel"] == "child"]
    assert [child.rpartition("/")[2] for child in children] == ["field", "town"]
    for child in children:
        collection = _read(catalogued, child)
        _require_valid(collection, pystac.STACObjectType.COLLECTION)
        for item in _read(catalogued, _link(collection, "items"))["features"]:
            _require_valid(item, pystac.STACObjectType.ITEM)
            assert _read(catalogued, _link(item, "self")) == item


def test_an_item_tells_the_grid_of_its_geotiff(catalogued: TestClient) -> None:
    item = pystac.Item.from_dict(_first_item(catalogued))
    grid = ProjectionExtension.ext(item)

    assert grid.code == "EPSG:2154"
    assert grid.shape == [layers.SIDE_PX, layers.SIDE_PX]
    assert grid.transform == [0.2, 0.0, layers.LEFT, 0.0, -0.2, layers.TOP]
    assert item.common_metadata.start_datetime.year == item.common_metadata.end_datetime.year == 2021
    assert shapely.geometry.shape(item.geometry).is_valid
    assert item.bbox == pytest.approx(shapely.geometry.shape(item.geometry).bounds)


def test_an_item_tells_what_the_values_mean(catalogued: TestClient) -> None:
    item = pystac.Item.from_dict(_first_item(catalogued))
    classes = ClassificationExtension.ext(item.assets["classes"]).classes

    assert [c.value for c in classes] == list(range(17))
    assert (classes[1].name, classes[1].title, classes[1].color_hint) == ("batiment", "Bâtiment", "CE7079")
    assert [c.nodata for c in classes if c.nodata] == [True]


def test_the_assets_are_the_files_as_they_were_published(catalogued: TestClient) -> None:
    assets = pystac.Item.from_dict(_first_item(catalogued)).assets
    bodies = {name: catalogued.get(asset.href.removeprefix(BASE)) for name, asset in assets.items()}

    assert set(bodies) == {"classes", "categories", "confidence"}
    for name, asset in assets.items():
        assert bodies[name].status_code == 200
        assert bodies[name].headers["content-type"].split(";")[0] == str(asset.media_type).split(";")[0]
        assert bodies[name].headers["access-control-allow-origin"] == "*"
    digest = hashlib.sha256(bodies["classes"].content).hexdigest()
    assert FileExtension.ext(assets["classes"]).checksum == f"1220{digest}"
    assert len({body.headers["etag"] for body in bodies.values()}) == 3


def test_a_geotiff_is_read_by_ranges(catalogued: TestClient) -> None:
    address = _first_item(catalogued)["assets"]["classes"]["href"].removeprefix(BASE)
    whole = catalogued.get(address).content

    part = catalogued.get(address, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole)}"
    head = catalogued.head(address)
    assert (head.headers["content-length"], head.headers["accept-ranges"]) == (str(len(whole)), "bytes")
    unchanged = catalogued.get(address, headers={"If-None-Match": head.headers["etag"]})
    assert (unchanged.status_code, unchanged.headers["access-control-allow-origin"]) == (304, "*")


@pytest.mark.parametrize(
    "path",
    [
        "/api/stac/nowhere",
        "/api/stac/town/items/nothing",
        "/api/collections/town/rasters/nothing.tif",
        "/api/collections/town/rasters/town.exe",
        "/api/collections/town/rasters/..%2f..%2fcosia.sqlite",
        "/api/collections/nowhere/rasters/town.tif",
    ],
)
def test_what_is_not_there_is_not_found(catalogued: TestClient, path: str) -> None:
    assert catalogued.get(path).status_code == 404


def test_a_layer_without_confidence_has_none_to_download(catalogued: TestClient) -> None:
    item = _read(catalogued, "/api/stac/field/items")["features"][0]

    assert set(item["assets"]) == {"classes", "categories"}
    assert catalogued.get(f"/api/collections/field/rasters/{item['id']}.confidence.tif").status_code == 404


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=abc", "page=2", "limit=1&limit=2"])
def test_a_page_that_cannot_be_is_refused(catalogued: TestClient, query: str) -> None:
    assert catalogued.get(f"/api/stac/town/items?{query}").status_code == 400


def test_items_come_in_pages_until_there_is_no_next_one(data_folder: Path, tmp_path: Path) -> None:
    migrate(sessions().engine)
    values, names = np.full((16, 16), layers.WATER, np.uint8), ["c", "a", "e", "b", "d"]
    grids = [Grid(2154, layers.LEFT + 10_000.0 * number, layers.TOP, 0.2, 16, 16) for number in range(5)]
    rasters = [
        layers.write_classes(tmp_path / f"{name}.tif", values, grid) for name, grid in zip(names, grids, strict=True)
    ]
    layers.publish_layer(sessions(), storage(), *rasters)
    from app.main import create_app

    with TestClient(create_app(), base_url=BASE) as client:
        pages = [_read(client, "/api/stac/town/items?limit=2")]
        while any(link["rel"] == "next" for link in pages[-1]["links"]):
            pages.append(_read(client, _link(pages[-1], "next")))

    assert [[item["id"] for item in page["features"]] for page in pages] == [["a", "b"], ["c", "d"], ["e"]]
    assert {(page["numberMatched"], page["numberReturned"]) for page in pages} == {(5, 2), (5, 1)}
