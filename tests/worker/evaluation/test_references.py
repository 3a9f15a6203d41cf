"""A reference of other pixels, held against every pixel centre asked of pyproj."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyproj
import pytest

from app.definitions import Grid, nomenclature
from app.definitions.coding import Coding
from app.errors import RasterRefused
from tests.published import write_classes
from worker.evaluation import ReferenceRaster

LEFT, TOP = 720896.0, 6273792.0
GRID = Grid(2154, LEFT, TOP, 0.2, 40, 30)
CLASSES = nomenclature()


def _reference(path: Path, values: np.ndarray, grid: Grid, coding: Coding = Coding.VALUES) -> ReferenceRaster:
    return ReferenceRaster(write_classes(path / "reference.tif", values, grid), coding, CLASSES)


def _random(grid: Grid, most: int = 16) -> np.ndarray:
    return np.random.default_rng(3).integers(1, most + 1, (grid.height, grid.width)).astype(np.uint8)


def test_reference_on_the_same_lattice_is_read_pixel_by_pixel(tmp_path: Path) -> None:
    own = Grid(2154, LEFT + 2.0, TOP - 1.0, 0.2, 12, 10)
    values = _random(own)

    marks = _reference(tmp_path, values, own).read(GRID)

    expected = np.zeros((30, 40), np.uint8)
    expected[5:15, 10:22] = values
    assert np.array_equal(marks, expected)


@pytest.mark.parametrize("resolution_m", [0.5, 1.0, 0.13])
def test_reference_of_another_resolution_gives_the_pixel_that_holds_the_centre(
    tmp_path: Path, resolution_m: float
) -> None:
    own = Grid(2154, LEFT - 1.03, TOP + 0.71, resolution_m, 9, 8)
    values = _random(own)

    marks = _reference(tmp_path, values, own).read(GRID)

    xs = LEFT + (np.arange(40) + 0.5) * 0.2
    ys = TOP - (np.arange(30) + 0.5) * 0.2
    for row, y in enumerate(ys):
        for column, x in enumerate(xs):
            there_row, there_column = int((own.top - y) // resolution_m), int((x - own.left) // resolution_m)
            inside = 0 <= there_row < own.height and 0 <= there_column < own.width
            assert marks[row, column] == (values[there_row, there_column] if inside else 0)


def test_reference_in_another_crs_gives_the_pixel_that_holds_the_centre(tmp_path: Path) -> None:
    x, y = pyproj.Transformer.from_crs(2154, 32631, always_xy=True).transform(LEFT + 4, TOP - 3)
    own = Grid(32631, x - 2.5, y + 2.5, 0.5, 10, 10)
    values = _random(own)

    marks = _reference(tmp_path, values, own).read(GRID)

    xs, ys = np.meshgrid(LEFT + (np.arange(40) + 0.5) * 0.2, TOP - (np.arange(30) + 0.5) * 0.2)
    there_x, there_y = pyproj.Transformer.from_crs(2154, 32631, always_xy=True).transform(xs, ys)
    columns = np.floor((there_x - own.left) / 0.5).astype(int)
    rows = np.floor((own.top - there_y) / 0.5).astype(int)
    inside = (columns >= 0) & (columns < 10) & (rows >= 0) & (rows < 10)
    assert inside.sum() > 300
    assert np.array_equal(marks[inside], values[rows[inside], columns[inside]])
    assert not marks[~inside].any()


@pytest.mark.parametrize(
    ("coding", "numbers", "expected"),
    [
        (Coding.FLAIR, [1, 13, 19, 0], [1, 4, 17, 0]),  # building, pool, "other" is a class of its own, nothing
        (Coding.FLAIR_HUB, [0, 4, 16, 15], [1, 2, 17, 16]),  # here 0 is building
        (Coding.VALUES, [0, 7, 16, 1], [0, 7, 16, 1]),
    ],
)
def test_codings_become_class_values(tmp_path: Path, coding: Coding, numbers: list[int], expected: list[int]) -> None:
    own = Grid(2154, LEFT, TOP, 0.2, 4, 1)

    marks = _reference(tmp_path, np.array([numbers], np.uint8), own, coding).read(GRID)

    assert marks[0, :4].tolist() == expected
    assert marks[0, 4] == marks[1, 0] == 0  # beyond the reference nothing is known, even where 0 is a class


def test_number_outside_the_coding_is_refused_by_name(tmp_path: Path) -> None:
    own = Grid(2154, LEFT, TOP, 0.2, 2, 1)

    with pytest.raises(RasterRefused, match=r"reference\.tif holds the values 40, which coding 'flair'"):
        _reference(tmp_path, np.array([[1, 40]], np.uint8), own, Coding.FLAIR).read(GRID)


def test_rotated_float_and_unreadable_references_are_refused(tmp_path: Path) -> None:
    values = np.ones((4, 4), np.uint8)
    turned = write_classes(tmp_path / "turned.tif", values, transform=GRID.transform @ GRID.transform.rotation(10))
    real = write_classes(tmp_path / "real.tif", values.astype(np.float32))
    torn = tmp_path / "torn.tif"
    torn.write_bytes(write_classes(tmp_path / "whole.tif", _random(GRID)).read_bytes()[:100])

    for path, words in ((turned, "square"), (real, "expected one band of bytes"), (torn, "cannot be read")):
        with pytest.raises(RasterRefused, match=words):
            ReferenceRaster(path, Coding.VALUES, CLASSES)
