"""Figures worked out by hand on small matrices."""

from __future__ import annotations

import numpy as np
import pytest

from app.definitions import nomenclature
from worker.evaluation.calibration import calibration
from worker.evaluation.measures import Agreement, class_figures, means

# Rows: reference 1, 2; columns: prediction. 50 pixels, 35 right.
TWO = np.array([[20, 5], [10, 15]])
CLASSES = nomenclature()
SIDE = 18  # nothing, 16 classes, what has no class


def _matrix(**pixels: int) -> np.ndarray:
    """`_1_2=3`: three pixels of class 1 predicted as 2."""
    matrix = np.zeros((SIDE, SIDE), np.int64)
    for place, count in pixels.items():
        reference, predicted = map(int, place.strip("_").split("_"))
        matrix[reference, predicted] = count
    return matrix


def test_overall_accuracy_and_kappa() -> None:
    agreement = Agreement.of(TWO)

    assert agreement.overall_accuracy == 0.7
    # Cohen (1960): by chance (25 * 30 + 25 * 20) / 50² = 0.5 agree, so that kappa = (0.7 - 0.5) / (1 - 0.5).
    assert agreement.kappa == pytest.approx(0.4)


def test_kappa_of_a_single_class_or_of_nothing_is_undefined() -> None:
    assert Agreement.of(np.array([[9]])).kappa is None
    assert Agreement.of(np.zeros((2, 2), np.int64)).kappa is None
    assert Agreement.of(np.zeros((2, 2), np.int64)).overall_accuracy is None


def test_kappa_of_a_country_does_not_overflow() -> None:
    pixels = 13_750_000_000_000  # France at 0.2 m

    assert Agreement.of(np.array([[pixels, 0], [0, pixels]])).kappa == 1.0


def test_class_figures_by_hand() -> None:
    (first, second, absent) = class_figures(_matrix(_1_1=20, _1_2=5, _2_1=10, _2_2=15), (1, 2, 3))

    assert (first.reference_pixels, first.predicted_pixels, first.hits) == (25, 30, 20)
    assert first.precision == pytest.approx(20 / 30)
    assert first.recall == 20 / 25
    assert first.iou == 20 / 35
    assert first.f1 == pytest.approx(2 * (20 / 30) * (20 / 25) / (20 / 30 + 20 / 25))
    assert first.area_ratio == 30 / 25
    assert second.iou == 15 / 30
    assert (absent.iou, absent.recall, absent.precision, absent.f1, absent.area_ratio) == (None,) * 5


def test_a_class_that_never_occurs_counts_as_zero_by_one_rule_and_not_by_the_other() -> None:
    zero, occurring, _ = means(_matrix(_1_1=20, _1_2=5, _2_1=10, _2_2=15), (1, 2, 3), CLASSES)

    assert (zero.rule, zero.classes) == ("absent-as-zero", 3)
    assert zero.mean_iou == pytest.approx((20 / 35 + 15 / 30) / 3)
    assert (occurring.rule, occurring.classes) == ("occurring", 2)
    assert occurring.mean_iou == pytest.approx((20 / 35 + 15 / 30) / 2)


def test_pixels_of_classes_that_are_not_evaluated_leave_the_matrix_in_rows_and_columns() -> None:
    matrix = _matrix(_1_1=20, _1_2=5, _2_1=10, _2_2=15, _1_16=7, _16_1=8, _17_2=9)

    (first, _) = class_figures(matrix, (1, 2))

    assert (first.reference_pixels, first.predicted_pixels) == (25, 30)
    assert means(matrix, (1, 2), CLASSES)[0].overall_accuracy == 0.7


def test_twelve_class_rule_folds_all_other_codes_into_a_thirteenth_that_counts_in_unions() -> None:
    # Value 4 (pool) is FLAIR code 13, 15 (greenhouse) code 18, 17 a code without class: all of them "other".
    matrix = _matrix(_1_1=20, _1_2=5, _2_2=15, _4_15=40, _4_1=10, _17_2=5)

    twelve = means(matrix, (1, 2, 4, 15), CLASSES)[2]

    assert (twelve.rule, twelve.classes) == ("twelve-classes", 2)
    # Building: 20 / (25 + 30 - 20); pervious: 15 / (15 + 25 - 15). Pool taken for greenhouse is right as "other".
    assert twelve.mean_iou == pytest.approx((20 / 35 + 15 / 25) / 2)
    assert twelve.overall_accuracy == pytest.approx((20 + 15 + 40) / 95)


def test_calibration_error_is_the_weighted_distance_of_accuracy_from_confidence() -> None:
    by_confidence = np.zeros((2, 256), np.int64)
    by_confidence[:, 255] = (30, 27)  # certain, and right in nine of ten
    by_confidence[:, 51] = (10, 4)  # 51 / 255 = 0.2: the last of the second interval

    found = calibration(by_confidence)

    assert found is not None
    assert (found.bins[9].pixels, found.bins[9].confidence, found.bins[9].accuracy) == (30, 1.0, 0.9)
    assert (found.bins[1].pixels, found.bins[1].confidence, found.bins[1].accuracy) == (10, 0.2, 0.4)
    assert found.bins[5].accuracy is None
    assert found.expected_calibration_error == pytest.approx((30 * 0.1 + 10 * 0.2) / 40)


def test_no_confidence_gives_no_calibration() -> None:
    assert calibration(np.zeros((2, 256), np.int64)) is None
