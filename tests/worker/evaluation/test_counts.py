"""Pixels counted by hand, and by numpy written anew."""

from __future__ import annotations

import numpy as np
import pytest

from worker.evaluation import Scheme, near_edges

SCHEME = Scheme(values=(1, 2, 3), largest=4, border_px=1)
OTHER = 5


def test_matrix_counts_pixels_by_reference_and_prediction() -> None:
    truth = np.array([[1, 1, 1], [2, 2, 3], [0, OTHER, 3]], np.uint8)
    predicted = np.array([[1, 1, 2], [2, 2, 3], [1, 3, 0]], np.uint8)

    matrix = SCHEME.counts(SCHEME.count(SCHEME.bordered(truth), predicted)).matrix

    expected = np.zeros((6, 6), int)
    expected[1, 1], expected[1, 2], expected[2, 2], expected[3, 3], expected[3, 0], expected[OTHER, 3] = (
        2,
        1,
        2,
        1,
        1,
        1,
    )
    assert matrix.tolist() == expected.tolist()


def test_near_an_edge_is_what_has_another_class_in_reach() -> None:
    row = np.array([[1, 1, 1, 1, 2, 2, 2, 2]], np.uint8)

    assert near_edges(row, 1).tolist() == [[False, False, False, True, True, False, False, False]]
    assert near_edges(row, 2).tolist() == [[False, False, True, True, True, True, False, False]]


def test_diagonal_neighbours_are_near_and_the_end_of_what_is_known_is_no_edge() -> None:
    marks = np.array([[0, 1, 1], [1, 1, 1], [1, 1, 3]], np.uint8)

    near = near_edges(marks, 1)

    assert near.tolist() == [[False, False, False], [False, True, True], [False, True, True]]


def test_edges_are_seen_beyond_the_window_that_is_counted() -> None:
    reference = np.ones((3, 4), np.uint8)
    reference[:, 3] = 2  # the column outside of the window

    counts = SCHEME.counts(SCHEME.count(reference, np.ones((1, 2), np.uint8)))

    assert (counts.inside[1, 1], counts.near[1, 1]) == (1, 1)


def test_masked_pixels_are_not_counted() -> None:
    mask = np.array([[255, 0]], np.uint8)

    counts = SCHEME.counts(SCHEME.count(np.ones((3, 4), np.uint8), np.ones((1, 2), np.uint8), None, mask))

    assert counts.matrix.sum() == 1


def test_confidence_counts_only_evaluated_pixels_and_those_of_them_that_are_right() -> None:
    truth = np.array([[1, 1, 4, 0]], np.uint8)  # 4 is a class that is not evaluated
    predicted = np.array([[1, 2, 4, 1]], np.uint8)
    confidence = np.array([[200, 200, 200, 200]], np.uint8)

    counts = SCHEME.counts(SCHEME.count(SCHEME.bordered(truth), predicted, confidence))

    assert counts.confidence[:, 200].tolist() == [2, 1]
    assert counts.confidence.sum() == 3


@pytest.mark.parametrize("split", [1, 7, 20])
def test_counts_of_windows_add_up_to_the_counts_of_the_whole(split: int) -> None:
    rng = np.random.default_rng(1)
    scheme = Scheme(values=(1, 2, 3), largest=4, border_px=2)
    truth = np.repeat(np.repeat(rng.integers(0, 6, (6, 8)), 5, axis=0), 5, axis=1).astype(np.uint8)
    predicted = rng.integers(0, 5, truth.shape).astype(np.uint8)
    confidence = rng.integers(1, 256, truth.shape).astype(np.uint8)
    whole = scheme.bordered(truth)

    parts = scheme.count(whole[: split + 4], predicted[:split], confidence[:split])
    parts += scheme.count(whole[split:], predicted[split:], confidence[split:])

    assert np.array_equal(parts, scheme.count(whole, predicted, confidence))
    counts = scheme.counts(parts)
    for reference in range(1, 6):
        for value in range(5):
            assert counts.matrix[reference, value] == np.sum((truth == reference) & (predicted == value))
    assert counts.near.sum() == sum(_is_near(truth, row, column, 2) for row, column in np.argwhere(truth))


def _is_near(truth: np.ndarray, row: int, column: int, reach: int) -> bool:
    around = truth[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1]
    return len(set(around.ravel().tolist()) - {0}) > 1
