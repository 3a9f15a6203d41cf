"""Figures worked out by hand on nine pixels."""

from __future__ import annotations

import numpy as np
import pytest

from worker.evaluation import confusion_matrix, figures, table

TRUTH = np.array([[1, 1, 1], [2, 2, 3], [0, 3, 3]], np.uint8)
PREDICTED = np.array([[1, 1, 2], [2, 2, 3], [1, 0, 2]], np.uint8)
# Eight pixels have truth. Hits: two of class 1, two of class 2, one of class 3.
# Unions: class 1: 3 true + 2 predicted - 2 = 3; class 2: 2 + 4 - 2 = 4; class 3: 3 + 1 - 1 = 3.


@pytest.fixture
def matrix() -> np.ndarray:
    return confusion_matrix(TRUTH, PREDICTED, classes=4)


def test_confusion_matrix_counts_pixels_by_truth_and_prediction(matrix: np.ndarray) -> None:
    assert matrix.tolist() == [
        [0, 0, 0, 0, 0],
        [0, 2, 1, 0, 0],
        [0, 0, 2, 0, 0],
        [1, 0, 1, 1, 0],
        [0, 0, 0, 0, 0],
    ]


def test_overall_accuracy_is_the_share_of_pixels_with_truth_that_are_right(matrix: np.ndarray) -> None:
    assert figures(matrix, [1, 2, 3, 4]).pixels == 8
    assert figures(matrix, [1, 2, 3, 4]).overall_accuracy == 5 / 8


def test_iou_is_hits_over_union_and_zero_for_an_absent_class(matrix: np.ndarray) -> None:
    result = figures(matrix, [1, 2, 3, 4])

    assert result.iou == {1: 2 / 3, 2: 2 / 4, 3: 1 / 3, 4: 0.0}
    assert result.mean_iou == pytest.approx((2 / 3 + 1 / 2 + 1 / 3 + 0) / 4)


def test_nothing_to_compare_gives_zero() -> None:
    empty = confusion_matrix(np.zeros((2, 2), np.uint8), np.ones((2, 2), np.uint8), classes=1)

    assert figures(empty, [1]).overall_accuracy == 0.0


def test_table_names_the_most_frequent_confusion_and_the_rule(matrix: np.ndarray) -> None:
    text = table(matrix, figures(matrix, [1, 2, 3]), {1: "building", 2: "pervious surface", 3: "bare soil"})

    assert "building" in text.splitlines()[1]
    assert text.splitlines()[1].endswith("pervious surface 33.3%")
    assert "overall accuracy 0.6250, mean IoU 0.5000: mean of intersection over union" in text
