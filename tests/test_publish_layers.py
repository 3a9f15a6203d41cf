"""A layer over time: published again, added to, published twice at once, interrupted, withdrawn."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
from sqlalchemy import select, text

from app.database import LayerOverviewRow, LayerRow, RasterRow, Sessions, connect, exclusive
from app.definitions import BlockCell, Grid, prediction_grid
from app.errors import ParameterInvalid, RasterRefused, Unavailable
from app.outputs import write_block
from app.publish import layers, unpublish
from app.storage import FolderStorage, Storage, storage
from tests.published import publish_layer, write_classes

LEFT, TOP = 700000.05, 6600000.0  # off the prediction grid, so that rasters stay rasters of their own


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The embedded database: what differs between the two is shown by the tests on either."""
    return sqlite_url


@pytest.fixture
def store(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "store")


def rows(sessions: Sessions) -> list[RasterRow]:
    with sessions.read() as session:
        return list(session.scalars(select(RasterRow).order_by(RasterRow.name)))


def raster(folder: Path, name: str, value: int = 9, *, column: int = 0, values: np.ndarray | None = None) -> Path:
    grid = Grid(2154, LEFT + column * 12.8, TOP, 0.2, 64, 48)
    return write_classes(folder / f"{name}.tif", np.full((48, 64), value, np.uint8) if values is None else values, grid)


def pixels(store: Storage, row: RasterRow) -> np.ndarray:
    with rasterio.open(store.gdal_path(row.href)) as dataset:
        values: np.ndarray = dataset.read(1)
        return values


def folder_of(store: FolderStorage) -> set[str]:
    return set(store.names("layers/town"))


def expected_files(sessions: Sessions) -> set[str]:
    """What the rows name, each class raster with its side file."""
    with sessions.read() as session:
        overviews = session.scalars(select(LayerOverviewRow)).all()
    classes = [row.href for row in (*rows(sessions), *overviews)]
    side = [f"{row.href}.aux.xml" for row in rows(sessions)]
    return {*classes, *side, *(row.confidence_href for row in rows(sessions) if row.confidence_href)}


def test_unchanged_rasters_keep_their_rows_and_files(sessions: Sessions, store: FolderStorage, tmp_path: Path) -> None:
    inputs = [raster(tmp_path, "a"), raster(tmp_path, "b", column=1)]
    first = publish_layer(sessions, store, *inputs)
    before = {row.name: (row.id, store.path(row.href).stat().st_mtime_ns) for row in rows(sessions)}
    inputs[1] = raster(tmp_path, "b", 3, column=1)

    assert publish_layer(sessions, store, *inputs) != first

    after = {row.name: (row.id, store.path(row.href).stat().st_mtime_ns) for row in rows(sessions)}
    assert after["a"] == before["a"]
    assert after["b"] != before["b"]


def test_files_of_the_version_before_stay_for_those_who_read_it_and_no_longer(
    sessions: Sessions, store: FolderStorage, tmp_path: Path
) -> None:
    kept = [raster(tmp_path, "a"), raster(tmp_path, "b", column=1)]
    publish_layer(sessions, store, *kept)
    first = expected_files(sessions)
    publish_layer(sessions, store, kept[0])
    second = expected_files(sessions)
    assert folder_of(store) == first | second

    publish_layer(sessions, store, kept[0])
    assert folder_of(store) == second


def test_a_publication_that_dies_leaves_the_old_layer_and_the_next_one_no_garbage(
    sessions: Sessions, store: FolderStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_layer(sessions, store, raster(tmp_path, "a"), raster(tmp_path, "b", column=1))
    before, version = expected_files(sessions), rows(sessions)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(layers, "_replace_rows", die)
        with pytest.raises(KeyboardInterrupt):
            publish_layer(sessions, store, raster(tmp_path, "a", 3), raster(tmp_path, "b", 4, column=1))
    assert [row.sha256 for row in rows(sessions)] == [row.sha256 for row in version]
    assert folder_of(store) > before

    publish_layer(sessions, store, raster(tmp_path, "a", 5))
    publish_layer(sessions, store, raster(tmp_path, "a", 5))
    assert folder_of(store) == expected_files(sessions)


def test_a_file_that_was_lost_is_written_again(sessions: Sessions, store: FolderStorage, tmp_path: Path) -> None:
    publish_layer(sessions, store, raster(tmp_path, "a"))
    store.remove(rows(sessions)[0].href)

    publish_layer(sessions, store, raster(tmp_path, "a"))

    assert (pixels(store, rows(sessions)[0]) == 9).all()


def test_damaged_files_are_written_again(sessions: Sessions, store: FolderStorage, tmp_path: Path) -> None:
    inputs = [raster(tmp_path, "a"), raster(tmp_path, "b", column=1)]
    publish_layer(sessions, store, *inputs)
    with sessions.read() as session:
        overview = session.scalars(select(LayerOverviewRow)).one()
    damaged = {row.href: row.sha256 for row in (rows(sessions)[0], overview)}
    for href in damaged:
        content = bytearray(store.path(href).read_bytes())
        content[-20] ^= 1
        store.path(href).write_bytes(content)

    publish_layer(sessions, store, *inputs)

    assert {href: store.sha256(href) for href in damaged} == damaged
    assert [row.sha256 for row in rows(sessions)] == [store.sha256(row.href) for row in rows(sessions)]


def test_publications_of_one_layer_wait_for_each_other(database_url: str, store: FolderStorage, tmp_path: Path) -> None:
    engine = connect(database_url)
    sessions = Sessions(engine)
    inputs = [raster(tmp_path, f"r{n}", n + 1, column=n) for n in range(4)]

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda path: publish_layer(sessions, store, path, add=True), inputs))

    # Without waiting, one would have overwritten another's rows and removed its files.
    assert [row.name for row in rows(sessions)] == ["r0", "r1", "r2", "r3"]
    assert [int(pixels(store, row)[0, 0]) for row in rows(sessions)] == [1, 2, 3, 4]
    engine.dispose()


def test_a_lock_is_of_its_name_alone_and_ends_with_its_holder(database_url: str) -> None:
    engine = connect(database_url)
    order: list[str] = []

    def take() -> None:
        with exclusive(engine, "a"):
            order.append("second")

    other = threading.Thread(target=take)

    def fail() -> None:
        with exclusive(engine, "a") as still_held, exclusive(engine, "b"):
            other.start()
            time.sleep(0.3)
            still_held()
            order.append("first")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    other.join(timeout=10)

    assert order == ["first", "second"]
    engine.dispose()


def test_a_lock_lost_with_the_database_is_noticed_before_rows_change(postgis_url: str) -> None:
    engine = connect(postgis_url)

    def lose() -> None:
        with exclusive(engine, "a") as still_held:
            with engine.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"))
            still_held()

    with pytest.raises(Unavailable):
        lose()
    engine.dispose()


def test_rasters_are_added_beside_those_there_are(sessions: Sessions, store: FolderStorage, tmp_path: Path) -> None:
    publish_layer(sessions, store, raster(tmp_path, "a", 1))
    publish_layer(sessions, store, raster(tmp_path, "b", 2, column=1), add=True)

    assert [(row.name, int(pixels(store, row)[0, 0])) for row in rows(sessions)] == [("a", 1), ("b", 2)]


def test_adding_to_a_layer_that_is_not_there_publishes_it(
    sessions: Sessions, store: FolderStorage, tmp_path: Path
) -> None:
    publish_layer(sessions, store, raster(tmp_path, "a", 1), add=True)

    assert [row.name for row in rows(sessions)] == ["a"]


def test_a_raster_of_the_same_name_and_grid_takes_the_place_of_the_old_one(
    sessions: Sessions, store: FolderStorage, tmp_path: Path
) -> None:
    publish_layer(sessions, store, raster(tmp_path, "a", 1), raster(tmp_path, "b", 2, column=1))
    values = np.zeros((48, 64), np.uint8)
    values[:10] = 7
    publish_layer(sessions, store, raster(tmp_path, "a", values=values), add=True)

    a, b = rows(sessions)
    assert np.array_equal(pixels(store, a), values)
    assert (pixels(store, b) == 2).all()


def test_parts_of_one_square_are_merged_and_the_new_one_has_the_word(
    sessions: Sessions, store: FolderStorage, tmp_path: Path
) -> None:
    west, east = np.zeros((48, 64), np.uint8), np.zeros((48, 64), np.uint8)
    west[:, :40], east[:, 32:] = 1, 2
    publish_layer(sessions, store, raster(tmp_path, "west", values=west))
    publish_layer(sessions, store, raster(tmp_path, "east", values=east), add=True)

    (row,) = rows(sessions)
    values = pixels(store, row)
    assert row.name == "west"
    assert (values[:, :32] == 1).all()
    assert (values[:, 32:] == 2).all()


def test_blocks_added_to_a_cell_are_put_to_those_in_it(
    sessions: Sessions, store: FolderStorage, tmp_path: Path
) -> None:
    hrefs = []
    for column in (1760, 1761):
        href = f"blocks/{column}.tif"
        classes = np.full((2048, 2048), column - 1750, np.uint8)
        with store.writing(href) as path:
            write_block(path, classes, classes * 10, prediction_grid().block(BlockCell(column, 13980)))
        hrefs.append(href)
    publish_layer(sessions, store, hrefs[0])
    publish_layer(sessions, store, hrefs[1], add=True)

    (row,) = rows(sessions)
    assert (row.width, row.height) == (4096, 2048)
    assert pixels(store, row)[0, [0, 2047, 2048, 4095]].tolist() == [10, 10, 11, 11]
    with rasterio.open(store.path(row.confidence_href or "")) as dataset:
        assert dataset.read(1)[0, [0, 4095]].tolist() == [100, 110]


def test_a_name_that_is_taken_elsewhere_in_the_layer_gets_a_number(
    sessions: Sessions, store: FolderStorage, tmp_path: Path
) -> None:
    publish_layer(sessions, store, raster(tmp_path, "a", 1))
    publish_layer(sessions, store, raster(tmp_path, "a", 2, column=1), add=True)

    assert [row.name for row in rows(sessions)] == ["a", "a-2"]


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        (Grid(2154, LEFT + 6.4, TOP, 0.2, 64, 48), "new overlaps a of the layer"),
        (Grid(2154, LEFT + 100, TOP, 0.5, 64, 48), "0.5 m, the layer of 0.2 m"),
    ],
    ids=["overlap", "resolution"],
)
def test_what_does_not_fit_the_layer_is_not_added(
    sessions: Sessions, store: FolderStorage, tmp_path: Path, grid: Grid, words: str
) -> None:
    publish_layer(sessions, store, raster(tmp_path, "a", 1))
    new = write_classes(tmp_path / "new.tif", np.ones((48, 64), np.uint8), grid)

    with pytest.raises(RasterRefused, match=words):
        publish_layer(sessions, store, new, add=True)

    assert [row.name for row in rows(sessions)] == ["a"]


def test_rasters_of_another_nomenclature_are_not_added(
    sessions: Sessions, store: FolderStorage, tmp_path: Path
) -> None:
    publish_layer(sessions, store, raster(tmp_path, "a", 1))
    with sessions.write() as session:
        session.get_one(LayerRow, "town").nomenclature = "other"

    with pytest.raises(ParameterInvalid, match="'other'"):
        publish_layer(sessions, store, raster(tmp_path, "b", 1, column=1), add=True)


def test_files_of_a_withdrawn_layer_stay_until_every_process_has_seen_that(
    sessions: Sessions, store: FolderStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_layer(sessions, store, raster(tmp_path, "a", 1))
    seen: list[tuple[float, int, int]] = []
    monkeypatch.setattr(
        layers.time, "sleep", lambda s: seen.append((s, len(rows(sessions)), len(store.names("layers/town"))))
    )

    unpublish(sessions, store, "town", grace_s=4.0)

    assert seen == [(4.0, 0, 2)]
    assert store.names("layers/town") == []


def test_in_a_bucket_a_layer_is_published_again_added_to_and_withdrawn_alike(
    sessions: Sessions, s3_settings: str, tmp_path: Path
) -> None:
    bucket = storage()
    publish_layer(sessions, bucket, raster(tmp_path, "a", 1))
    publish_layer(sessions, bucket, raster(tmp_path, "b", 2, column=1), add=True)
    assert [int(pixels(bucket, row)[0, 0]) for row in rows(sessions)] == [1, 2]
    with sessions.read() as session:
        overview = session.scalars(select(LayerOverviewRow)).one()
    with rasterio.open(bucket.gdal_path(overview.href)) as dataset:
        assert set(np.unique(dataset.read(1)).tolist()) == {0, 1, 2}

    unpublish(sessions, bucket, "town")
    assert rows(sessions) == []
    assert bucket.names("layers") == []
