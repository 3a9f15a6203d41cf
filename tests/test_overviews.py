"""The overview of a layer: where its pixels lie, what they hold, and what of it is drawn again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from sqlalchemy import select

from app.database import LayerOverviewRow, RasterRow, Sessions, connect
from app.definitions import Grid, nomenclature
from app.outputs import write_block, write_class_cog
from app.publish import overviews, votes
from app.publish.lattice import lattice_grid, overview_factor
from app.storage import FolderStorage
from tests.published import publish_layer, write_classes

SIDE_PX = 256
LEFT, TOP = 700000.05, 6600000.0  # off the prediction grid, so that blocks are not put together


@pytest.fixture
def sessions(sqlite_url: str) -> Sessions:
    return Sessions(connect(sqlite_url))


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "store")


def random_raster(folder: Path, column: int, *, seed: int = 0, side_px: int = SIDE_PX, nodata: float = 0.2) -> Path:
    """A raster of random blotches of 8 x 8 pixels, beside its neighbours, with holes."""
    rng = np.random.default_rng([column, seed])
    blotches = rng.integers(1, 6, (side_px // 8 + 1, side_px // 8 + 1))
    values = blotches.repeat(8, 0).repeat(8, 1)[:side_px, :side_px].astype(np.uint8)
    values[rng.random(values.shape) < nodata] = 0
    grid = Grid(2154, LEFT + column * side_px * 0.2, TOP, 0.2, side_px, side_px)
    return write_classes(folder / f"r{column}.tif", values, grid)


def read(path: Path | str) -> tuple[np.ndarray, rasterio.Affine]:
    with rasterio.open(path) as dataset:
        return dataset.read(1), dataset.transform


def the_overview(sessions: Sessions) -> LayerOverviewRow:
    with sessions.read() as session:
        return session.scalars(select(LayerOverviewRow)).one()


def expected_modes(paths: list[Path], overview: LayerOverviewRow) -> np.ndarray:
    """Every fine pixel votes for the coarse pixel under its centre; of the most frequent, the smallest value wins."""
    votes_for = np.zeros((overview.height, overview.width, 6), int)
    for path in paths:
        values, t = read(path)
        rows, columns = np.nonzero(values)
        x, y = t.c + (columns + 0.5) * t.a, t.f + (rows + 0.5) * t.e
        place = ((overview.top - y) // overview.resolution_m, (x - overview.left) // overview.resolution_m)
        np.add.at(votes_for, (*(axis.astype(int) for axis in place), values[rows, columns]), 1)
    return votes_for.argmax(axis=2).astype(np.uint8)


def test_each_pixel_is_the_mode_of_all_pixels_in_it_across_rasters(
    sessions: Sessions, storage: FolderStorage, tmp_path: Path
) -> None:
    paths = [random_raster(tmp_path, column) for column in range(3)]
    publish_layer(sessions, storage, *paths)

    overview = the_overview(sessions)
    values, transform = read(storage.path(overview.href))
    # 256 px rasters: a pixel of two, finer than any of their overviews
    assert (overview.epsg, overview.resolution_m) == (2154, 0.4)
    assert (transform.c, transform.f, transform.a) == (overview.left, overview.top, 0.4)
    assert np.array_equal(values, expected_modes(paths, overview))


def test_pixels_lie_on_a_lattice_from_the_origin_and_corners_on_every_512th() -> None:
    grids = [Grid(2154, 420000.0, 6710000.0, 0.2, 50000, 50000), Grid(2154, 430000.0, 6700000.0, 0.2, 50000, 50000)]

    grid = lattice_grid(grids)

    assert grid.resolution_m == pytest.approx(25.6)
    for corner in (grid.left / 25.6 / 512, grid.top / 25.6 / 512, (12_000_000 - grid.top) / 25.6):
        assert corner == pytest.approx(round(corner), abs=1e-6)
    left, bottom, right, top = grid.bounds
    assert left <= 420000 < left + 512 * 25.6
    assert top - 512 * 25.6 < 6710000 <= top
    assert bottom <= 6690000 < bottom + 512 * 25.6
    assert right - 512 * 25.6 < 440000 <= right


@pytest.mark.parametrize(("side_px", "factor"), [(50000, 128), (16384, 128), (5000, 32), (2048, 16), (64, 2)])
def test_the_pixel_suits_the_size_of_the_rasters(side_px: int, factor: int) -> None:
    """A tile of 256 pixels of the overview is at most two rasters long; 25.6 m is enough."""
    grids = [Grid(2154, 0.0, 0.0, 0.2, side_px, side_px)] * 3

    assert overview_factor(grids) == factor
    assert 256 * factor <= 2 * side_px or factor == 2


def test_votes_are_taken_from_an_overview_fine_enough(tmp_path: Path) -> None:
    """One class everywhere but in single pixels: overviews lose them, so does the mode; sizes are no multiples."""
    rng = np.random.default_rng(5)
    values = np.full((1100, 1300), 3, np.uint8)
    values[:, 650:] = 9
    values[rng.random(values.shape) < 0.1] = 1
    raster = Grid(2154, 700000.0, 6600000.0, 0.2, 1300, 1100)
    path = tmp_path / "a.tif"
    write_class_cog(path, raster, [((0, 0, 1300, 1100), values)], nomenclature())
    window = Grid(2154, 700000.0 - 12.8, 6600000.0 + 12.8, 6.4, 64, 64)  # 32 pixels to one
    ballot = votes.Mode(64)

    votes.collect(ballot, window, raster, str(path), 1)

    found = ballot.result()
    inside = found[2:36, 2:42]  # 1300 / 32 = 40.6 columns, 1100 / 32 = 34.4 rows
    assert (inside[:, :20] == 3).all()
    assert (inside[:, 21:] == 9).all()
    assert (found[:2] == 0).all()
    assert (found[:, :2] == 0).all()
    assert (found[37:] == 0).all()
    assert (found[:, 43:] == 0).all()


def test_confidence_is_the_mean_of_what_has_some(sessions: Sessions, storage: FolderStorage, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    expected = []
    for column in range(2):
        confidence = rng.integers(0, 3, (SIDE_PX, SIDE_PX)).astype(np.uint8) * 100
        grid = Grid(2154, LEFT + column * 51.2, TOP, 0.2, SIDE_PX, SIDE_PX)
        write_block(tmp_path / f"c{column}.tif", np.full_like(confidence, 5), confidence, grid)
        expected.append(confidence)
    publish_layer(sessions, storage, tmp_path / "c0.tif", tmp_path / "c1.tif")

    overview = the_overview(sessions)
    values, _ = read(storage.path(overview.confidence_href or ""))
    column, row = round((LEFT - overview.left) / 0.4), round((overview.top - TOP) / 0.4)
    squares = np.concatenate(expected, axis=1).reshape(128, 2, 256, 2).astype(float)
    means = squares.sum(axis=(1, 3)) / np.maximum(1, (squares > 0).sum(axis=(1, 3)))
    assert np.abs(values[row : row + 128, column : column + 256] - means).max() <= 0.5


def test_a_single_raster_needs_no_overview(sessions: Sessions, storage: FolderStorage, tmp_path: Path) -> None:
    publish_layer(sessions, storage, random_raster(tmp_path, 0))

    with sessions.read() as session:
        assert session.scalars(select(LayerOverviewRow)).all() == []


def test_only_windows_of_changed_rasters_are_drawn_again(
    sessions: Sessions, storage: FolderStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [random_raster(tmp_path, column) for column in range(12)]  # 614 m: four windows of 204.8 m
    publish_layer(sessions, storage, *paths)
    paths[11] = random_raster(tmp_path, 11, seed=1)
    drawn: list[Grid] = []
    collect = votes.collect
    monkeypatch.setattr(
        overviews.votes,
        "collect",
        lambda ballot, window, *rest: (drawn.append(window), collect(ballot, window, *rest))[1],
    )

    publish_layer(sessions, storage, *paths)

    overview = the_overview(sessions)
    values, _ = read(storage.path(overview.href))
    assert np.array_equal(values, expected_modes(paths, overview))
    changed = LEFT + 11 * 51.2
    assert drawn
    assert all(window.bounds[0] < changed + 51.2 and window.bounds[2] > changed for window in drawn)


def test_it_grows_and_shrinks_with_the_layer(sessions: Sessions, storage: FolderStorage, tmp_path: Path) -> None:
    paths = [random_raster(tmp_path, column) for column in range(9)]
    for part in (paths[:2], paths, paths[5:]):
        publish_layer(sessions, storage, *part)
        overview = the_overview(sessions)
        values, _ = read(storage.path(overview.href))
        assert np.array_equal(values, expected_modes(part, overview))


def test_rasters_and_overview_of_a_layer_are_rows_of_it(
    sessions: Sessions, storage: FolderStorage, tmp_path: Path
) -> None:
    publish_layer(sessions, storage, *(random_raster(tmp_path, column) for column in range(2)))

    with sessions.read() as session:
        rasters = session.scalars(select(RasterRow)).all()
    assert sorted(row.name for row in rasters) == ["r0", "r1"]
    assert the_overview(sessions).layer_id == "town"
