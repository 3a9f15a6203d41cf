"""The layers in memory, and how they follow the database."""

from __future__ import annotations

import math
import time
from pathlib import Path

import morecantile
import numpy as np
import pytest
import structlog
from pyproj import Transformer

from app.catalogue import Catalogue
from app.catalogue.layer import pixel_m
from app.catalogue.snapshot import Snapshot
from app.database import LayerRow, Sessions, connect
from app.definitions import Grid
from app.definitions.tile_matrix_set import tile_matrix_set
from app.errors import Unavailable, Unknown
from app.publish import unpublish
from app.storage import FolderStorage
from app.tiling import Style, tile_grid
from app.tiling.grids import TileGrid
from tests.published import publish_layer, write_classes


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The embedded database: what differs between the two is shown by the tests on either."""
    return sqlite_url


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
    assert layer.styles == (Style.NORMAL, Style.COLOUR_BLIND)
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


def _square(folder: Path, column: int, row: int) -> Path:
    """One of many rasters of 51.2 m, off the prediction grid."""
    grid = Grid(2154, 700000.05 + column * 51.2, 6600000.0 - row * 51.2, 0.2, 256, 256)
    return write_classes(folder / f"s{column}-{row}.tif", np.full((256, 256), 1 + column % 5, np.uint8), grid)


def _tile_over(z: int) -> TileGrid:
    """The Web Mercator tile of that level at (700 100, 6 599 900), which is 3.0013 E, 46.4991 N."""
    tile = morecantile.tms.get("WebMercatorQuad").tile(3.0013, 46.4991, z)
    return tile_grid("WebMercatorQuad", z, tile.x, tile.y)


def test_a_tile_from_afar_is_drawn_from_the_overview_and_one_from_near_from_few_rasters(
    catalogue: Catalogue, sessions: Sessions, storage: FolderStorage, tmp_path: Path
) -> None:
    publish_layer(sessions, storage, *(_square(tmp_path, n % 6, n // 6) for n in range(36)))
    catalogue.refresh()
    layer = catalogue.layer("town")

    # The overview's pixels measure 0.4 m; at 46.5 degrees a Web Mercator pixel 0.41 m at level 18, 0.21 m at 19.
    (overview,) = layer.overviews
    assert overview.resolution_m == 0.4
    assert all(layer.rasters_for_tile(_tile_over(z)) == [overview] for z in (0, 5, 12, 18))
    assert 1 <= len(layer.rasters_for_tile(_tile_over(19))) <= 4
    assert overview not in layer.rasters_for_tile(_tile_over(19))
    assert len(layer.rasters_in(2154, (700000, 6599000, 701000, 6600000))) == 36


@pytest.mark.parametrize(
    ("tms", "z", "metres"),
    [
        # 156 543.03 m at the equator, times the cosine of 46.5 degrees
        ("WebMercatorQuad", 12, 156543.034 / 2**12 * math.cos(math.radians(46.5))),
        ("2154_10cm", 17, 1.6),
        # 0.703125 degrees at level 0, of which a metre is 1 / 111 319 at the equator
        ("4326_5_18", 12, 0.703125 / 2**12 * 111319.49 * math.cos(math.radians(46.5))),
    ],
)
def test_a_pixel_is_measured_on_the_ground_at_its_place(tms: str, z: int, metres: float) -> None:
    definition = tile_matrix_set(tms)
    x, y = Transformer.from_crs(4326, definition.epsg, always_xy=True).transform(3.0, 46.5)
    matrix = definition.matrix(str(z))
    left, _, _, top = matrix.bounds(0, 0)
    side = matrix.cell_size * matrix.tile_px
    tile = tile_grid(tms, z, int((x - left) // side), int((top - y) // side))

    assert pixel_m(tile) == pytest.approx(metres, rel=0.003)


def test_the_index_finds_what_meets_bounds_in_another_crs(
    catalogue: Catalogue, sessions: Sessions, storage: FolderStorage, tmp_path: Path
) -> None:
    publish_layer(sessions, storage, *(_square(tmp_path, n % 6, n // 6) for n in range(36)))
    catalogue.refresh()
    layer = catalogue.layer("town")

    for epsg in (3857, 4326):
        to = Transformer.from_crs(2154, epsg, always_xy=True)
        for raster in layer.rasters:
            left, bottom, right, top = raster.grid.bounds
            inside = to.transform_bounds(left + 1, bottom + 1, right - 1, top - 1)
            assert raster in layer.rasters_in(epsg, inside)
            assert len(layer.rasters_in(epsg, inside)) <= 4
        exact = [to.transform_bounds(*raster.grid.bounds) for raster in layer.rasters]
        west, south, east, north = zip(*exact, strict=True)
        assert layer.bounds(epsg) == pytest.approx((min(west), min(south), max(east), max(north)), rel=1e-9)


def test_rasters_of_two_crs_have_an_index_and_an_overview_each(
    catalogue: Catalogue, sessions: Sessions, storage: FolderStorage, tmp_path: Path
) -> None:
    reunion = [
        write_classes(
            tmp_path / f"reunion{n}.tif",
            np.full((256, 256), 3, np.uint8),
            Grid(2975, 340000.05 + n * 51.2, 7650000.0, 0.2, 256, 256),
        )
        for n in range(2)
    ]
    publish_layer(sessions, storage, _square(tmp_path, 0, 0), _square(tmp_path, 1, 0), *reunion)
    catalogue.refresh()
    layer = catalogue.layer("town")

    assert [overview.epsg for overview in layer.overviews] == [2154, 2975]
    assert layer.rasters_for_tile(tile_grid("WebMercatorQuad", 0, 0, 0)) == list(layer.overviews)
    west, south, east, north = layer.bbox
    assert (round(west), round(east), round(south), round(north)) == (3, 55, -21, 46)


def test_rasters_that_stay_are_not_read_again(
    catalogue: Catalogue, sessions: Sessions, storage: FolderStorage, tmp_path: Path
) -> None:
    publish_layer(sessions, storage, _raster(tmp_path, 0), _raster(tmp_path, 1))
    catalogue.refresh()
    before = {raster.left: raster for raster in catalogue.layer("town").rasters}

    publish_layer(sessions, storage, _raster(tmp_path, 0), _raster(tmp_path, 1, value=4), _raster(tmp_path, 2))
    catalogue.refresh()

    after = {raster.left: raster for raster in catalogue.layer("town").rasters}
    assert after[700000.05] is before[700000.05]
    assert after[701000.05].version != before[701000.05].version
    assert sorted(after) == [700000.05, 701000.05, 702000.05]


def test_a_layer_that_cannot_be_shown_takes_no_other_with_it(
    catalogue: Catalogue, sessions: Sessions, storage: FolderStorage, tmp_path: Path
) -> None:
    publish_layer(sessions, storage, _raster(tmp_path, 0))
    with sessions.write() as session:
        words = {"title": "", "description": "", "attribution": "", "version": "v"}
        session.add(LayerRow(id="bare", nomenclature="cosia", **words))
        session.add(LayerRow(id="strange", nomenclature="none-of-ours", **words))

    with structlog.testing.capture_logs() as lines:
        catalogue.refresh()
        catalogue.refresh()

    assert [layer.id for layer in catalogue.layers()] == ["town"]
    assert [line["layer"] for line in lines if line["event"] == "layer_not_shown"] == ["bare", "strange"]


def test_a_process_that_starts_while_the_database_is_away_serves_what_was_known(
    sqlite_url: str, storage: FolderStorage, tmp_path: Path
) -> None:
    engine = connect(sqlite_url)
    snapshot = Snapshot(tmp_path / "local/catalogue.json", "here")
    inputs = [_square(tmp_path, n, 0) for n in range(3)]
    publish_layer(Sessions(engine), storage, *inputs, description="A <town>")
    first = Catalogue(Sessions(engine), storage, 0.05, snapshot)
    first.refresh()
    engine.dispose()
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    file.rename(file.with_suffix(".away"))
    file.mkdir()

    second = Catalogue(Sessions(connect(sqlite_url)), storage, 0.05, snapshot)
    second.start()
    try:
        assert second.layers() == first.layers()
        assert second.layer("town").overviews == first.layer("town").overviews
        file.rmdir()
        file.with_suffix(".away").rename(file)
        publish_layer(Sessions(engine), storage, *inputs, title="New")
        deadline = time.monotonic() + 10
        while second.layer("town").title != "New" and time.monotonic() < deadline:
            time.sleep(0.02)
        assert second.layer("town").title == "New"
    finally:
        second.stop()
    engine.dispose()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', '{"format": 9, "origin": "here", "layers": []}'])
def test_a_snapshot_that_is_none_is_not_taken(tmp_path: Path, content: str) -> None:
    (tmp_path / "catalogue.json").write_text(content)

    assert Snapshot(tmp_path / "catalogue.json", "here").load() is None


def test_a_snapshot_of_another_database_is_not_taken(tmp_path: Path) -> None:
    Snapshot(tmp_path / "catalogue.json", "here").save({})

    assert Snapshot(tmp_path / "catalogue.json", "here").load() == {}
    assert Snapshot(tmp_path / "catalogue.json", "elsewhere").load() is None


def test_a_snapshot_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with structlog.testing.capture_logs() as lines:
        Snapshot(tmp_path / "file/catalogue.json", "here").save({})

    assert [line["event"] for line in lines] == ["catalogue_snapshot_not_written"]
