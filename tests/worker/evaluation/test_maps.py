"""Layers held against references, over files and windows; counts by numpy on the whole."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pytest

from app.aoi import Aoi
from app.catalogue import Layer
from app.definitions import Grid, nomenclature
from app.definitions.coding import Coding
from app.errors import Invalid
from app.outputs import write_block
from app.quality import QualityReport
from app.tiling import RasterRef
from tests.published import write_classes
from tests.statistics.layers import layer
from worker.evaluation import MapAgreement, ReferenceRaster, Scheme, evaluate_map, layer_subject

LEFT, TOP = 720896.0, 6273792.0
VALUES = (1, 2, 3)
RNG = np.random.default_rng(5)


def _raster(path: Path, grid: Grid, classes: np.ndarray, confidence: np.ndarray) -> RasterRef:
    write_block(path, classes, confidence, grid)
    return RasterRef(str(path), grid.epsg, grid.left, grid.top, 0.2, grid.width, grid.height, 2, path.name)


def _evaluate(shown: Layer, reference: ReferenceRaster, border_px: int = 2) -> QualityReport:
    scheme = Scheme(VALUES, 16, border_px)
    agreement = MapAgreement(shown, cast(Aoi, reference.outline), reference, scheme, layer_subject(shown))
    return evaluate_map(agreement, 2, lambda _done: None)


def _patchwork(height: int, width: int, most: int) -> np.ndarray:
    coarse = RNG.integers(0, most + 1, (height // 16 + 1, width // 16 + 1))
    return np.repeat(np.repeat(coarse, 16, axis=0), 16, axis=1)[:height, :width].astype(np.uint8)


@pytest.fixture
def strip(tmp_path: Path) -> tuple[Layer, np.ndarray, np.ndarray]:
    """A layer wider than a window, with its classes and confidence."""
    grid = Grid(2154, LEFT, TOP, 0.2, 2300, 300)
    classes = np.maximum(1, _patchwork(300, 2300, 3))
    classes[:20, :20] = 0
    confidence = RNG.integers(1, 256, classes.shape).astype(np.uint8)
    return layer(_raster(tmp_path / "strip.tif", grid, classes, confidence)), classes, confidence


def test_counts_of_a_layer_are_those_of_the_whole_arrays(
    strip: tuple[Layer, np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    shown, classes, confidence = strip
    truth = _patchwork(300, 2300, 4)  # 0: not known; 4: a class that is not evaluated
    path = write_classes(tmp_path / "truth.tif", truth, shown.rasters[0].grid)

    report = _evaluate(shown, ReferenceRaster(path, Coding.VALUES, nomenclature()))

    for reference in range(1, 17):
        for value in range(17):
            expected = int(np.sum((truth == reference) & (classes == value)))
            assert report.confusion_matrix[reference][value] == expected
    compared = np.isin(truth, VALUES) & np.isin(classes, VALUES)
    right = compared & (truth == classes)
    assert report.compared_pixels == compared.sum()
    assert report.overall_accuracy == right.sum() / compared.sum()
    assert report.unpredicted_pixels == np.sum((truth > 0) & (classes == 0))
    assert report.left_out_pixels == np.sum((truth == 4) & (classes > 0))
    assert report.pixel_m2 == pytest.approx(0.04)
    assert report.calibration is not None
    told = report.calibration.bins[9]
    top = compared & (confidence > 0.9 * 255)
    assert (told.pixels, told.accuracy) == (top.sum(), (right & top).sum() / top.sum())


def test_pixels_near_edges_and_inside_make_up_all(strip: tuple[Layer, np.ndarray, np.ndarray], tmp_path: Path) -> None:
    shown, classes, _ = strip
    truth = np.ones(classes.shape, np.uint8)
    truth[:, 2047:] = 2  # an edge on the seam of two windows
    path = write_classes(tmp_path / "truth.tif", truth, shown.rasters[0].grid)

    borders = _evaluate(shown, ReferenceRaster(path, Coding.VALUES, nomenclature()), border_px=3).borders

    assert borders.near.pixels == 300 * 6
    assert borders.inside.pixels == np.count_nonzero(classes) - 300 * 6
    near = classes[:, 2044:2050] == truth[:, 2044:2050]
    assert borders.near.overall_accuracy == near.mean()


def test_a_place_of_two_rasters_counts_once(tmp_path: Path) -> None:
    first, second = Grid(2154, LEFT, TOP, 0.2, 200, 100), Grid(2154, LEFT + 20.0, TOP, 0.2, 200, 100)
    certain = np.full((100, 200), 255, np.uint8)
    shown = layer(
        _raster(tmp_path / "first.tif", first, np.full((100, 200), 1, np.uint8), certain),
        _raster(tmp_path / "second.tif", second, np.full((100, 200), 2, np.uint8), certain),
    )
    whole = Grid(2154, LEFT, TOP, 0.2, 300, 100)
    path = write_classes(tmp_path / "truth.tif", np.full((100, 300), 1, np.uint8), whole)

    report = _evaluate(shown, ReferenceRaster(path, Coding.VALUES, nomenclature()))

    assert report.confusion_matrix[1][1:3] == (200 * 100, 100 * 100)


def test_reference_elsewhere_is_refused(strip: tuple[Layer, np.ndarray, np.ndarray], tmp_path: Path) -> None:
    far = Grid(2154, LEFT + 5000, TOP, 0.2, 20, 20)
    path = write_classes(tmp_path / "truth.tif", np.ones((20, 20), np.uint8), far)

    with pytest.raises(Invalid, match="no pixel in common"):
        _evaluate(strip[0], ReferenceRaster(path, Coding.VALUES, nomenclature()))
