"""The 45 numbers by which FLAIR's networks are told where, when and with which camera an aerial patch was taken.

Trained weights know these numbers only as they were computed when they were trained. What looks wrong below is wrong
in that computation too, and must stay: each such place is marked QUIRK.

Source: IGNF/FLAIR-1 (branch legacy-torch) and IGNF/FLAIR-2, functions of their data loading; the file
`flair_aerial_metadata.json` of the data set holds the facts that go in.
"""

from __future__ import annotations

import datetime
import math
from typing import NamedTuple

import numpy as np

from app.definitions import PHOTOGRAPH_YEARS
from app.errors import ParameterInvalid

ENCODED = 45
"""Numbers per patch: 32 of position, 1 of altitude, 2 of the camera, 4 of the year, 6 of month, day and time."""

_POSITION_SCALE = 1e8
# QUIRK: metres over 1e8 stay below 0.08 in France, so that half of the 32 numbers hardly differ between places.
_FREQUENCIES = _POSITION_SCALE ** -(np.arange(8) / 8)
_HIGHEST_M = 3164.9099121094  # of the training set
_LARGE_FORMAT = "UCE"
_DAYS_OF_A_MONTH = 31
_SECONDS_OF_A_DAY = 86_400


class Acquisition(NamedTuple):
    """How an aerial patch was taken.

    x_m, y_m: centre of the patch in EPSG:2154. altitude_m: of the ground there. camera: name in the mission's
    records, for instance "UCE-M3-f120-s06". taken: local date and time; seconds are not looked at.
    """

    x_m: float
    y_m: float
    altitude_m: float
    camera: str
    taken: datetime.datetime


def encode(acquisition: Acquisition) -> np.ndarray:
    """(45,) float32 of an acquisition, in the order and with the quirks of the training.

    Raises ParameterInvalid for a year that the networks never saw, 2018-2021 being known.
    """
    if acquisition.taken.year not in PHOTOGRAPH_YEARS:
        raise ParameterInvalid(
            f"imagery of {acquisition.taken.year} has no encoding: the networks with metadata know "
            f"{PHOTOGRAPH_YEARS[0]} to {PHOTOGRAPH_YEARS[-1]}",
            "taken",
        )
    # QUIRK: altitude is not clipped: below sea level it is negative, above the highest patch greater than 1.
    altitude = acquisition.altitude_m / _HIGHEST_M
    # QUIRK: one name in the record decides; every other camera is the second kind.
    camera = (1, 0) if _LARGE_FORMAT in acquisition.camera else (0, 1)
    year = [float(acquisition.taken.year == known) for known in PHOTOGRAPH_YEARS]
    encoded = np.concatenate([_position(acquisition), [altitude], camera, year, *_cycles(acquisition.taken)])
    return encoded.astype(np.float32)


def _position(acquisition: Acquisition) -> np.ndarray:
    """(32,) float64: sine and cosine in turns of eight frequencies for x, then for y."""
    angles = np.outer((acquisition.x_m, acquisition.y_m), _FREQUENCIES) / _POSITION_SCALE
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).ravel()


def _cycles(taken: datetime.datetime) -> list[tuple[float, float]]:
    """Sine and cosine, mapped to 0-1, of month, day of the month and time of the day."""
    turns = (
        # QUIRK: a twelfth is taken off the month instead of dividing by twelve: all months give the same two numbers.
        taken.month - 1 / 12,
        # QUIRK: the last of a shorter month is not the end of a turn.
        taken.day / _DAYS_OF_A_MONTH,
        (taken.hour * 3600 + taken.minute * 60) / _SECONDS_OF_A_DAY,
    )
    angles = [2 * math.pi * turn for turn in turns]
    return [((math.sin(angle) + 1) / 2, (math.cos(angle) + 1) / 2) for angle in angles]
