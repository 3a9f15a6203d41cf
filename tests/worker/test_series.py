"""A Sentinel-2 series prepared as FLAIR#2 prepares it."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np

from tests.worker.parity import ign_cases as cases
from worker.series import PreparedSeries, covered_share, position, prepare

FIXTURES = Path(__file__).parent / "parity" / "fixtures"


def days(*dates: tuple[int, int, int]) -> list[datetime.date]:
    return [datetime.date(*each) for each in dates]


def images_of(*values: int) -> np.ndarray:
    """One date per value, two bands of four pixels of it."""
    return np.array(values, np.uint16).reshape(-1, 1, 1, 1) * np.ones((1, 2, 2, 2), np.uint16)


def covers_of(*percent: int) -> np.ndarray:
    """Probability of cloud on one half of each date's pixels; no snow."""
    covers = np.zeros((len(percent), 2, 2, 2), np.uint8)
    covers[:, 1, 0] = np.array(percent)[:, None]
    return covers


def prepared_of(*arguments: Any) -> PreparedSeries:
    prepared = prepare(*arguments)
    assert prepared is not None
    return prepared


def test_months_and_positions_are_those_of_the_published_code() -> None:
    images, covers = cases.series_of_a_zone()
    top, left = (middle - 20 for middle in cases.SERIES_CENTRE)
    window = np.s_[:, :, top : top + 40, left : left + 40]
    taken = [datetime.datetime.strptime(name[11:19], "%Y%m%d").date() for name in cases.PRODUCTS]

    prepared = prepared_of(images[window], covers[window], taken)

    np.testing.assert_allclose(prepared.images[:, :, ::3, ::3], np.load(FIXTURES / "ign_series.npy"), rtol=1e-6)
    assert prepared.images.shape == (6, 10, 40, 40)
    assert prepared.positions.tolist() == np.load(FIXTURES / "ign_series_positions.npy").tolist()


def test_dates_of_a_month_are_averaged_and_stand_at_its_fifteenth() -> None:
    taken = days((2020, 4, 2), (2020, 4, 29), (2020, 6, 30))

    prepared = prepared_of(images_of(1000, 2001, 300), covers_of(0, 0, 0), taken)

    assert prepared.images[:, 0, 0, 0].tolist() == [1500.5, 300]
    assert prepared.positions.tolist() == [30, -31]  # 15 April to 15 May, 15 June back to 15 May
    assert (prepared.images.dtype, prepared.positions.dtype) == (np.float32, np.float32)


def test_date_half_covered_is_left_out() -> None:
    taken = days((2020, 4, 2), (2020, 5, 2), (2020, 6, 2))

    # Probability 60 counts as covered, 59 does not; half of the pixels is too much.
    prepared = prepared_of(images_of(1, 2, 3), covers_of(60, 59, 100), taken)

    assert prepared.images[:, 0, 0, 0].tolist() == [2]


def test_pixel_under_snow_and_cloud_counts_twice() -> None:
    covers = np.zeros((1, 2, 2, 2), np.uint8)
    covers[0, :, 0, 0] = 80

    assert covered_share(covers, np.ones((1, 2, 2), bool)).tolist() == [0.5]


def test_clearest_date_stands_alone_where_all_are_covered() -> None:
    covers = covers_of(100, 100)
    covers[0, 1] = 100

    prepared = prepared_of(images_of(1, 2), covers, days((2020, 4, 2), (2020, 8, 2)))

    assert prepared.images[:, 0, 0, 0].tolist() == [2]
    assert prepared.positions.tolist() == [-92]  # 15 August


def test_leap_day_belongs_to_february() -> None:
    prepared = prepared_of(images_of(7), covers_of(0), days((2020, 2, 29)))

    assert prepared.positions.tolist() == [89]


def test_positions_are_days_until_15_may() -> None:
    assert [position(day) for day in days((2021, 1, 1), (2021, 5, 15), (2021, 12, 31))] == [134, 0, -230]


def seen_of(*shares: tuple[int, int, int, int]) -> np.ndarray:
    """(dates, 2, 2) bool, row by row."""
    return np.array(shares, bool).reshape(-1, 2, 2)


def test_gaps_count_as_covered() -> None:
    taken = days((2020, 4, 2), (2020, 5, 2))

    half_there = prepared_of(images_of(1, 2), covers_of(0, 0), taken, seen_of((1, 1, 0, 0), (1, 1, 1, 0)))

    # Half of the first is a gap, a quarter of the second, which is 0 there.
    assert half_there.images[:, 0].tolist() == [[[2, 2], [2, 0]]]


def test_mean_is_taken_over_the_dates_that_have_the_pixel() -> None:
    taken = days((2020, 4, 2), (2020, 4, 12))

    prepared = prepared_of(images_of(100, 201), covers_of(0, 0), taken, seen_of((1, 1, 1, 0), (0, 1, 1, 0)))

    # The second date is half a gap and left out: its 201 is in no mean.
    assert prepared.images[0, 0].tolist() == [[100, 100], [100, 0]]
    both = prepared_of(images_of(100, 201), covers_of(0, 0), taken, seen_of((1, 1, 1, 0), (0, 1, 1, 1)))
    assert both.images[0, 0].tolist() == [[100, 150.5], [150.5, 201]]


def test_date_without_a_pixel_is_never_the_clearest() -> None:
    covers = np.full((2, 2, 2, 2), 100, np.uint8)  # snow and cloud everywhere: a share of 2, a gap's is 1

    prepared = prepared_of(images_of(7, 8), covers, days((2020, 4, 2), (2020, 5, 2)), seen_of((1,) * 4, (0,) * 4))

    assert prepared.images[:, 0, 0, 0].tolist() == [7]


def test_series_that_shows_nothing_is_none() -> None:
    assert prepare(images_of(7), covers_of(0), days((2020, 4, 2)), seen_of((0,) * 4)) is None
    assert prepare(images_of(), covers_of(), []) is None
