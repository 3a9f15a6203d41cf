"""The layers in memory, and how they follow the database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.catalogue import Catalogue
from app.database import Sessions, connect
from app.definitions import Grid
from app.errors import Unavailable, Unknown
from app.publish import unpublish
from app.storage import FolderStorage
from app.tiling import Style
from tests.published import publish_layer, write_classes


@pytest.fixture
def sessions(sqlite_url: str) -> Iterator[Sessions]:
    """The embedded database."""
    engine = connect(sqlite_url)
    yield Sessions(engine)
    engine.dispose()


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "store")


@pytest.fixture
def catalogue(sessions: Sessions, storage: FolderStorage) -> Catalogue:
    return Catalogue(sessions, storage, refresh_s=0.05)


def _raster(folder: Path, number: int, value: int = 9) -> Path:
    grid = Grid(2154, 700000.05 + number * 1000, 6600000.0, 0.2, 64, 48)
    return write_classes(folder / f"{number}-{value}.tif", np.full((48, 64), value, np.uint8), grid)


def test_before_the_first_reading_layers_are_unavailable(catalogue: Catalogue) -> None:
    with pytest.raises(Unavailable):
        catalogue.layers()


def test_a_layer_knows_its_rasters_styles_and_extent(
    catalogue: Catalogue, sessions: Sessions, storage: FolderStorage, tmp_path: Path
) -> None:
    publish_layer(sessions, storage, _raster(tmp_path, 0), _raster(tmp_path, 1))
    catalogue.refresh()

    layer = catalogue.layer("town")
    assert (layer.title, layer.vintage, layer.resolution_m, len(layer.rasters)) == ("Town", 2021, 0.2, 2)
    assert layer.styles == (Style.NORMAL,)
    assert layer.bounds(2154) == pytest.approx((700000.05, 6600000 - 9.6, 701012.85, 6600000))
    west, south, east, north = layer.bbox  # EPSG:2154 puts (700 000, 6 600 000) at 3° E, 46.5° N
    assert (west, north) == pytest.approx((3.0, 46.5), abs=1e-4)
    assert (east - west, north - south) == pytest.approx((0.0132, 0.0001), abs=2e-4)


def test_layers_are_read_from_either_database(database_url: str, storage: FolderStorage, tmp_path: Path) -> None:
    engine = connect(database_url)
    publish_layer(Sessions(engine), storage, _raster(tmp_path, 0))
    catalogue = Catalogue(Sessions(engine), storage, refresh_s=0.05)
    catalogue.refresh()

    assert [raster.left for raster in catalogue.layer("town").rasters] == [700000.05]
    engine.dispose()


def test_only_rasters_under_the_bounds_are_given(
    catalogue: Catalogue, sessions: Sessions, storage: FolderStorage, tmp_path: Path
) -> None:
    publish_layer(sessions, storage, *(_raster(tmp_path, n) for n in range(5)))
    catalogue.refresh()
    layer = catalogue.layer("town")

    found = layer.rasters_in(2154, (701900.0, 6599000.0, 703005.0, 6600000.0))

    assert [raster.left for raster in found] == [702000.05, 703000.05]


def test_an_unknown_layer_is_named_with_those_there_are(
    catalogue: Catalogue, sessions: Sessions, storage: FolderStorage, tmp_path: Path
) -> None:
    publish_layer(sessions, storage, _raster(tmp_path, 0))
    catalogue.refresh()

    with pytest.raises(Unknown, match="town"):
        catalogue.layer("nowhere")


def test_publications_are_seen_and_unchanged_layers_kept(
    catalogue: Catalogue, sessions: Sessions, storage: FolderStorage, tmp_path: Path
) -> None:
    publish_layer(sessions, storage, _raster(tmp_path, 0))
    publish_layer(sessions, storage, _raster(tmp_path, 1), layer_id="other")
    catalogue.refresh()
    before = {layer.id: layer for layer in catalogue.layers()}

    publish_layer(sessions, storage, _raster(tmp_path, 0, value=4))
    catalogue.refresh()

    assert catalogue.layer("other") is before["other"]
    assert catalogue.layer("town").version != before["town"].version


def test_a_withdrawn_layer_disappears(
    catalogue: Catalogue, sessions: Sessions, storage: FolderStorage, tmp_path: Path
) -> None:
    publish_layer(sessions, storage, _raster(tmp_path, 0))
    catalogue.refresh()
    unpublish(sessions, storage, "town")
    catalogue.refresh()

    assert catalogue.layers() == []


def test_the_thread_follows_the_database(
    catalogue: Catalogue, sessions: Sessions, storage: FolderStorage, tmp_path: Path
) -> None:
    catalogue.start()
    try:
        publish_layer(sessions, storage, _raster(tmp_path, 0))
        deadline = time.monotonic() + 10
        while not catalogue.layers() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert [layer.id for layer in catalogue.layers()] == ["town"]
    finally:
        catalogue.stop()


def test_what_was_known_is_served_while_the_database_is_away(
    sqlite_url: str, storage: FolderStorage, tmp_path: Path
) -> None:
    engine = connect(sqlite_url)
    catalogue = Catalogue(Sessions(engine), storage, refresh_s=0.05)
    publish_layer(Sessions(engine), storage, _raster(tmp_path, 0))
    catalogue.refresh()
    engine.dispose()
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    file.rename(file.with_suffix(".away"))
    file.mkdir()

    with pytest.raises(Unavailable):
        catalogue.refresh()

    assert [layer.id for layer in catalogue.layers()] == ["town"]
