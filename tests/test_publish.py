"""From class rasters to a layer: what is taken, what is refused, what readers see meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from sqlalchemy import select

from app.database import LayerRow, RasterRow, Sessions, connect
from app.definitions import BlockCell, Grid, nomenclature, prediction_grid
from app.errors import ParameterInvalid, RasterRefused, Unknown
from app.outputs import write_block
from app.publish import publish, unpublish
from app.storage import FolderStorage
from tests.imagery_files import UNNAMED_LAMBERT_93
from tests.published import publish_layer, write_classes

GRID = Grid(2154, 720896.0, 6273792.0, 0.2, 64, 48)


@pytest.fixture
def sessions(sqlite_url: str) -> Iterator[Sessions]:
    """The embedded database; what differs between the databases is shown by the test on either."""
    engine = connect(sqlite_url)
    yield Sessions(engine)
    engine.dispose()


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "store")


def _rows(sessions: Sessions) -> tuple[list[LayerRow], list[RasterRow]]:
    with sessions.read() as session:
        return list(session.scalars(select(LayerRow))), list(session.scalars(select(RasterRow).order_by(RasterRow.id)))


def _values(value: int = 9) -> np.ndarray:
    return np.full((GRID.height, GRID.width), value, np.uint8)


def test_a_published_raster_has_its_pixels_row_and_names(
    sessions: Sessions, storage: FolderStorage, tmp_path: Path
) -> None:
    version = publish_layer(sessions, storage, write_classes(tmp_path / "a.tif", _values()))

    (layer,), (raster,) = _rows(sessions)
    assert (layer.id, layer.version, layer.vintage, layer.nomenclature) == ("town", version, 2021, "cosia")
    assert (raster.left, raster.top, raster.resolution_m, raster.width) == (720896.0, 6273792.0, 0.2, 64)
    assert raster.footprint.bounds[0] == pytest.approx(3.2585, abs=1e-3)
    with rasterio.open(storage.path(raster.href)) as dataset:
        assert (dataset.read(1) == 9).all()
    assert "<Category>Feuillu</Category>" in Path(f"{storage.path(raster.href)}.aux.xml").read_text()


def test_blocks_are_put_together_with_their_confidence(sessions: Sessions, storage: FolderStorage) -> None:
    hrefs = []
    for column in (1760, 1761):
        href = f"blocks/{column}.tif"
        grid = prediction_grid().block(BlockCell(column, 13980))
        classes = np.full((2048, 2048), column - 1750, np.uint8)
        with storage.writing(href) as path:
            write_block(path, classes, classes * 10, grid)
        hrefs.append(href)

    publish_layer(sessions, storage, *hrefs)

    _, (raster,) = _rows(sessions)
    assert (raster.width, raster.height, raster.bands) == (4096, 2048, 1)
    with rasterio.open(storage.path(raster.href)) as dataset:
        values = dataset.read(1)
    with rasterio.open(storage.path(raster.confidence_href or "")) as dataset:
        confidence = dataset.read(1)
    assert (values[0, 2047], values[0, 2048]) == (10, 11)
    assert (confidence[0, 2047], confidence[0, 2048]) == (100, 110)


def test_rasters_of_another_grid_stay_rasters_of_their_own(
    sessions: Sessions, storage: FolderStorage, tmp_path: Path
) -> None:
    inputs = [
        write_classes(tmp_path / f"{n}.tif", _values(n), Grid(2154, 700000.05 + n * 100, 6600000.0, 0.2, 64, 48))
        for n in (1, 2)
    ]
    publish_layer(sessions, storage, *inputs)

    assert [raster.left for raster in _rows(sessions)[1]] == [700100.05, 700200.05]


def test_equal_rasters_give_an_equal_version(sessions: Sessions, storage: FolderStorage, tmp_path: Path) -> None:
    raster = write_classes(tmp_path / "a.tif", _values())
    first = publish_layer(sessions, storage, raster)
    written_at = storage.path(_rows(sessions)[1][0].href).stat().st_mtime_ns

    assert publish_layer(sessions, storage, raster, title="Another title") == first
    (layer,), (row,) = _rows(sessions)
    assert layer.title == "Another title"
    assert storage.path(row.href).stat().st_mtime_ns == written_at


def test_the_files_before_stay_until_the_next_publication(
    sessions: Sessions, storage: FolderStorage, tmp_path: Path
) -> None:
    hrefs = []
    for value in (1, 2, 3):
        publish_layer(sessions, storage, write_classes(tmp_path / f"{value}.tif", _values(value)))
        hrefs.append(_rows(sessions)[1][0].href)

    assert [storage.exists(href) for href in hrefs] == [False, True, True]


def test_a_refused_publication_leaves_the_layer_as_it_was(
    sessions: Sessions, storage: FolderStorage, tmp_path: Path
) -> None:
    version = publish_layer(sessions, storage, write_classes(tmp_path / "good.tif", _values()))
    with pytest.raises(RasterRefused):
        publish_layer(sessions, storage, write_classes(tmp_path / "bad.tif", _values(77)))

    (layer,), (raster,) = _rows(sessions)
    assert layer.version == version
    assert storage.exists(raster.href)


def test_a_crs_without_a_name_is_recognised(sessions: Sessions, storage: FolderStorage, tmp_path: Path) -> None:
    publish_layer(sessions, storage, write_classes(tmp_path / "a.tif", _values(), crs=UNNAMED_LAMBERT_93))

    assert _rows(sessions)[1][0].epsg == 2154


@pytest.mark.parametrize(
    ("values", "changes", "words"),
    [
        (_values(77), {}, "77"),
        (np.stack([_values()] * 3), {}, "one band of bytes"),
        (_values().astype(np.uint16), {}, "one band of bytes"),
        (_values(), {"crs": "EPSG:4326"}, "projected"),
        (_values(), {"crs": None}, "projected"),
        (_values(), {"transform": rasterio.Affine(0.2, 0, 720896, 0, -0.3, 6273792)}, "square"),
        (_values(), {"transform": rasterio.Affine(0.2, 0.01, 720896, 0.01, -0.2, 6273792)}, "square"),
    ],
    ids=["value", "bands", "type", "geographic", "no CRS", "oblong", "turned"],
)
def test_what_cannot_be_published_is_refused_by_name(
    sessions: Sessions, storage: FolderStorage, tmp_path: Path, values: np.ndarray, changes: dict[str, Any], words: str
) -> None:
    path = write_classes(tmp_path / "bad.tif", values, **changes)
    with pytest.raises(RasterRefused, match=words) as caught:
        publish_layer(sessions, storage, path)

    assert "bad.tif" in caught.value.message
    assert str(tmp_path) not in caught.value.message
    assert _rows(sessions) == ([], [])


def test_rasters_that_overlap_are_refused(sessions: Sessions, storage: FolderStorage, tmp_path: Path) -> None:
    shifted = Grid(2154, 720896.0 + 6.0, 6273792.0, 0.2, 64, 48)
    inputs = [write_classes(tmp_path / "a.tif", _values()), write_classes(tmp_path / "b.tif", _values(), shifted)]

    with pytest.raises(RasterRefused, match=r"a\.tif and b\.tif overlap"):
        publish_layer(sessions, storage, *inputs)


def test_rasters_of_different_resolutions_are_refused(
    sessions: Sessions, storage: FolderStorage, tmp_path: Path
) -> None:
    coarse = Grid(2154, 730000.0, 6273792.0, 0.5, 64, 48)
    inputs = [write_classes(tmp_path / "a.tif", _values()), write_classes(tmp_path / "b.tif", _values(), coarse)]

    with pytest.raises(RasterRefused, match=r"0\.2 m, 0\.5 m"):
        publish_layer(sessions, storage, *inputs)


def test_a_file_that_is_no_geotiff_is_refused(sessions: Sessions, storage: FolderStorage, tmp_path: Path) -> None:
    path = tmp_path / "inline.tif"
    path.write_text("<VRTDataset rasterXSize='1' rasterYSize='1'/>")

    with pytest.raises(RasterRefused, match="GeoTIFF"):
        publish_layer(sessions, storage, path)


@pytest.mark.parametrize("layer_id", ["", "../town", "Town", "a b", "x" * 65])
def test_a_layer_id_is_a_plain_name(sessions: Sessions, storage: FolderStorage, tmp_path: Path, layer_id: str) -> None:
    with pytest.raises(ParameterInvalid):
        publish_layer(sessions, storage, write_classes(tmp_path / "a.tif", _values()), layer_id=layer_id)


def test_progress_grows_to_one(sessions: Sessions, storage: FolderStorage, tmp_path: Path) -> None:
    told: list[float] = []
    inputs = [
        write_classes(tmp_path / f"{n}.tif", _values(n), Grid(2154, 700000.05 + n * 100, 6600000.0, 0.2, 64, 48))
        for n in (1, 2)
    ]
    publish(
        sessions,
        storage,
        layer_id="town",
        title="Town",
        rasters=inputs,
        nomenclature=nomenclature(),
        vintage=None,
        imagery_source=None,
        model=None,
        attribution="IGN",
        progress=told.append,
    )

    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)


def test_publishing_again_replaces_rows_on_either_database(
    database_url: str, storage: FolderStorage, tmp_path: Path
) -> None:
    engine = connect(database_url)
    sessions = Sessions(engine)
    publish_layer(sessions, storage, write_classes(tmp_path / "a.tif", _values(1)))
    first = _rows(sessions)[0][0]
    version = publish_layer(sessions, storage, write_classes(tmp_path / "b.tif", _values(2)))

    (layer,), (raster,) = _rows(sessions)
    assert layer.version == version != first.version
    assert layer.published_at > first.published_at
    assert storage.exists(raster.href)
    unpublish(sessions, storage, "town")
    assert _rows(sessions) == ([], [])
    engine.dispose()


def test_a_withdrawn_layer_leaves_nothing(sessions: Sessions, storage: FolderStorage, tmp_path: Path) -> None:
    publish_layer(sessions, storage, write_classes(tmp_path / "a.tif", _values()))
    unpublish(sessions, storage, "town")

    assert _rows(sessions) == ([], [])
    assert not storage.path("layers/town").exists()
    with pytest.raises(Unknown):
        unpublish(sessions, storage, "town")
