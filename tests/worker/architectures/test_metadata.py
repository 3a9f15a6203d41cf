"""The 45 numbers of an acquisition: against IGN's own function, and its quirks by hand."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pytest

from app.errors import ParameterInvalid
from tests.worker.parity.ign_cases import ACQUISITIONS
from worker.architectures.metadata import ENCODED, Acquisition, encode

FIXTURES = Path(__file__).parents[1] / "parity" / "fixtures"
PARIS = Acquisition(652_000, 6_862_000, 35, "UCE-M3-f120-s06", datetime.datetime(2019, 8, 31, 12, 0))


def test_encoding_is_that_of_the_published_code() -> None:
    recorded = np.load(FIXTURES / "ign_metadata.npy")

    encoded = np.stack([encode(Acquisition(*each)) for each in ACQUISITIONS])

    assert encoded.shape == recorded.shape == (4, ENCODED)
    assert encoded.dtype == np.float32
    np.testing.assert_allclose(encoded, recorded, atol=1e-6)


def test_position_is_sine_and_cosine_of_x_then_of_y_at_frequencies_that_fall_by_a_decade() -> None:
    encoded = encode(PARIS)

    # f_0 = 1 and f_1 = 1e8^(-1/8) = 0.1: x / 1e8 = 0.00652, y / 1e8 = 0.06862.
    assert encoded[:4] == pytest.approx([0.00652, 0.999979, 0.000652, 1.0], abs=1e-6)
    assert encoded[16:20] == pytest.approx([0.068566, 0.997647, 0.006862, 0.999976], abs=1e-6)


def test_altitude_camera_and_year_follow_the_position() -> None:
    encoded = encode(PARIS._replace(altitude_m=-3.1649099))

    assert encoded[32:39] == pytest.approx([-0.001, 1, 0, 0, 1, 0, 0], abs=1e-6)
    assert encode(PARIS._replace(camera="CAMERA#017"))[33:35].tolist() == [0, 1]


def test_every_month_gives_the_same_two_numbers_as_in_the_training() -> None:
    months = [encode(PARIS._replace(taken=datetime.datetime(2019, month, 1)))[39:41] for month in range(1, 13)]

    # sin and cos of a twelfth of a turn backwards, -1/2 and sqrt(3)/2, mapped from -1..1 to 0..1.
    np.testing.assert_allclose(months, [[0.25, 0.9330127]] * 12, atol=1e-6)


def test_day_and_time_turn_once_in_31_days_and_24_hours() -> None:
    # The 31st is a whole turn: sin 0, cos 1. Noon is half a turn: sin 0, cos -1.
    assert encode(PARIS)[41:45] == pytest.approx([0.5, 1, 0.5, 0], abs=1e-6)


def test_year_that_the_networks_never_saw_is_refused() -> None:
    with pytest.raises(ParameterInvalid, match=r"imagery of 2022 has no encoding: .* know 2018 to 2021"):
        encode(PARIS._replace(taken=datetime.datetime(2022, 7, 1)))
