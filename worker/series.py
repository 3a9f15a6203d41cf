"""A Sentinel-2 series made ready for FLAIR#2's networks: dates under clouds left out, the others averaged per month.

That is the preparation of the best published figures of U-T&T (cloud filter and monthly means). Trained weights know
the numbers only as they were computed then; what looks wrong and must stay is marked QUIRK.

Source: IGNF/FLAIR-2, `src/dataset.py` and `src/utils_dataset.py`.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

BANDS = 10
"""B2, B3, B4, B5, B6, B7, B8, B8A, B11, B12 of Sentinel-2, all at 10 m."""

_COVERED_PERCENT = 60  # a pixel whose probability of snow or of cloud is that or more is covered
_COVERED_SHARE = 0.5
_REFERENCE = datetime.date(2021, 5, 15)
_MIDDLE_OF_A_MONTH = 15


class PreparedSeries(NamedTuple):
    """images: (months, bands, height, width) float32, reflectance times 10 000. positions: (months,) float32, days that
    15 May comes after each, so that dates after it are negative."""

    images: np.ndarray
    positions: np.ndarray


def prepare(images: np.ndarray, covers: np.ndarray, taken: Sequence[datetime.date]) -> PreparedSeries:
    """One image per month that has a date without much snow or cloud.

    images: (dates, bands, height, width), reflectance times 10 000. covers: (dates, 2, height, width), probability of
    snow and of cloud in percent. taken: day of each date; of several years, equal months come together.
    QUIRK: the means are not scaled to 0-1, as everything else is that these networks see.
    Where every date is covered the clearest one stands alone; the published code fails there.
    """
    share = covered_share(covers)
    clear = np.flatnonzero(share < _COVERED_SHARE) if share.min() < _COVERED_SHARE else np.array([share.argmin()])
    months = sorted({taken[date].month for date in clear})
    dates_of = [[date for date in clear if taken[date].month == month] for month in months]
    means = np.stack([images[dates].mean(axis=0) for dates in dates_of])
    positions = [position(datetime.date(_REFERENCE.year, month, _MIDDLE_OF_A_MONTH)) for month in months]
    return PreparedSeries(means.astype(np.float32), np.array(positions, np.float32))


def covered_share(covers: np.ndarray) -> np.ndarray:
    """(dates,) share of the pixels under snow or cloud. QUIRK: a pixel under both counts twice: it goes up to 2."""
    covered: np.ndarray = (covers >= _COVERED_PERCENT).sum(axis=1).mean(axis=(1, 2))
    return covered


def position(day: datetime.date) -> int:
    """Days from a day of the reference year to 15 May: 134 on 1 January, -230 on 31 December."""
    return (_REFERENCE - day).days
