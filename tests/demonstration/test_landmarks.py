"""Places of the demonstration territory are where its picture has them."""

from __future__ import annotations

import numpy as np
import pytest

from app.demonstration.landmarks import Landmark, landmarks
from app.demonstration.scene import compose
from app.demonstration.territory import LEFT_M, RESOLUTION_M, SEED, TOP_M
from app.demonstration.zones import commune

SIZE_PX = 1280
SIDE_M = 256.0
WATER, VINE = 6, 11


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    return compose(SEED, SIZE_PX, zones=commune(SIDE_M)).truth


def _within(truth: np.ndarray, landmark: Landmark) -> np.ndarray:
    left, bottom, right, top = landmark.bounds
    first, last = (round((TOP_M - y) / RESOLUTION_M) for y in (top, bottom))
    return truth[first:last, round((left - LEFT_M) / RESOLUTION_M) : round((right - LEFT_M) / RESOLUTION_M)]


def test_every_landmark_lies_in_the_territory() -> None:
    found = landmarks(SIZE_PX)

    assert found[0].bounds == (LEFT_M, TOP_M - SIDE_M, LEFT_M + SIDE_M, TOP_M)
    for landmark in found:
        left, bottom, right, top = landmark.bounds
        assert LEFT_M <= left < right <= LEFT_M + SIDE_M, landmark
        assert TOP_M - SIDE_M <= bottom < top <= TOP_M, landmark


@pytest.mark.parametrize(("name", "value"), [("Vineyards", VINE), ("Pond", WATER)])
def test_a_landmark_shows_the_class_that_it_is_named_for(truth: np.ndarray, name: str, value: int) -> None:
    (landmark,) = [each for each in landmarks(SIZE_PX) if each.name_en == name]
    share_there, share = ((pixels == value).mean() for pixels in (_within(truth, landmark), truth))

    assert share_there > 2 * share
