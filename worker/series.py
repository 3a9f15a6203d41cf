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

_COVERED_PERCENT = 60  # a pixel whose probability of snow or of cloud is that or more is covered
_COVERED_SHARE = 0.5
_REFERENCE = datetime.date(2021, 5, 15)
_MIDDLE_OF_A_MONTH = 15


class PreparedSeries(NamedTuple):
    """images: (months, bands, height, width) float32, reflectance times 10 000. positions: (months,) float32, days that
    15 May comes after each, so that dates after it are negative."""

    images: np.ndarray
    positions: np.ndarray


def prepare(
    images: np.ndarray, covers: np.ndarray, taken: Sequence[datetime.date], seen: np.ndarray | None = None
) -> PreparedSeries | None:
    """One image per month that has a date without much snow or cloud; None where no date shows anything.

    images: (dates, bands, height, width), reflectance times 10 000. covers: (dates, 2, height, width), probability of
    snow and of cloud in percent. taken: day of each date; of several years, equal months come together.
    seen: (dates, height, width) bool, where an image has no gap; nowhere a gap where it is left out.
    QUIRK: the means are not scaled to 0-1, as everything else is that these networks see.
    Where every date is covered the clearest one stands alone; the published code fails there. Gaps, which the
    published data do not have, count as covered; a mean is taken over the dates that have the pixel, and is 0 where
    none has.
    """
    if seen is None:
        seen = np.ones((len(images), *images.shape[2:]), bool)
    there = seen.any(axis=(1, 2))
    if not there.any():
        return None
    share = np.where(there, covered_share(covers, seen), np.inf)
    clear = np.flatnonzero(share < _COVERED_SHARE) if share.min() < _COVERED_SHARE else np.array([share.argmin()])
    months = sorted({taken[date].month for date in clear})
    dates_of = [[date for date in clear if taken[date].month == month] for month in months]
    means = np.stack([_mean(images[dates], seen[dates]) for dates in dates_of])
    positions = [position(datetime.date(_REFERENCE.year, month, _MIDDLE_OF_A_MONTH)) for month in months]
    return PreparedSeries(means.astype(np.float32), np.array(positions, np.float32))


def _mean(images: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(bands, height, width) float64 of (dates, bands, height, width), over those dates that have the pixel."""
    total = (images * seen[:, None]).sum(axis=0, dtype=np.float64)
    mean: np.ndarray = total / np.maximum(seen.sum(axis=0), 1)
    return mean


def covered_share(covers: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(dates,) share of the pixels under snow or cloud, or not seen. QUIRK: a pixel under both counts twice: it goes
    up to 2.
    """
    covered: np.ndarray = np.where(seen, (covers >= _COVERED_PERCENT).sum(axis=1), 1).mean(axis=(1, 2))
    return covered


def position(day: datetime.date) -> int:
    """Days from a day of the reference year to 15 May: 134 on 1 January, -230 on 31 December."""
    return (_REFERENCE - day).days
