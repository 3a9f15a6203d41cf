"""Inputs of the parity cases of IGN's fused networks, and what is kept of their outputs.

The recorder runs this beside the reference implementations, the suite beside this program: torch and numpy only.
"""

from __future__ import annotations

import datetime

import numpy as np
import torch
from torch import Tensor

from tests.worker.parity.seeding import seeded_input

SEED = 2
METADATA_SIDE_PX = 512
"""The only height that a network with metadata takes."""

SIDE_PX = 64
SATELLITE_SIDE_PX = 40
POSITIONS = torch.tensor([[134.0, 61.0, 0.0, -61.0, -214.0]])
"""Days from 15 May of five dates."""

EMPTY_DATE = 2
"""A date without an image: 0 in all bands and pixels."""

SMALL_UTAE = {
    "bands": 4, "encoder": (16, 16, 32), "decoder": (8, 16, 32), "heads": 4, "model": 32, "keys": 2, "hidden": 8,
}  # fmt: skip
"""Other widths than FLAIR#2's, differing between encoder and decoder."""

ACQUISITIONS = (
    (489_353.5, 6_587_552.25, 50.1, "UCE-M3-f120-s06", datetime.datetime(2020, 7, 22, 11, 42)),
    (1_200_000.0, 6_100_000.0, -1.5, "CAMERA#017", datetime.datetime(2018, 1, 31, 0, 0)),
    (99_000.0, 7_110_000.0, 3164.9099121094, "UCE-M3-f100", datetime.datetime(2021, 12, 1, 23, 59)),
    (652_000.0, 6_862_000.0, 35.0, "CAMERA#030", datetime.datetime(2019, 9, 15, 9, 5)),
)
"""x and y in metres (EPSG:2154), altitude in metres, camera, local time."""


SERIES_SIDE_PX = 48
SERIES_CENTRE = (22, 27)
"""Row and column of the patch in the images of its zone, as the data set's centroids give them."""

PRODUCTS = [
    f"S2{'AB'[number % 2]}_MSIL2A_2020{day}T105031_N0500_R051_T31TDL_20230512T081517"
    for number, day in enumerate(("0104", "0129", "0211", "0229", "0520", "0618", "0630", "0918", "1231"))
]
"""Names of the dates of a series."""


def series_of_a_zone() -> tuple[np.ndarray, np.ndarray]:
    """(9, 10, 48, 48) uint16 reflectances, and (9, 2, 48, 48) uint8 probabilities of snow and of cloud in percent.

    The third date is mostly under cloud; the seventh is under snow and cloud on three tenths of its pixels, the same
    ones, which the published filter counts twice.
    """
    drawn = np.random.RandomState(SEED)
    images = drawn.randint(0, 12_000, (len(PRODUCTS), 10, SERIES_SIDE_PX, SERIES_SIDE_PX)).astype(np.uint16)
    covers = drawn.randint(0, 60, (len(PRODUCTS), 2, SERIES_SIDE_PX, SERIES_SIDE_PX)).astype(np.uint8)
    covers[2, 1, :, 10:] = 60
    top = SERIES_CENTRE[0] - 20
    covers[6, :, top : top + 12] = 95
    return images, covers


def aerial(side_px: int) -> Tensor:
    return seeded_input((1, 5, side_px, side_px), SEED)


def satellite(bands: int) -> Tensor:
    """(1, 5, bands, 40, 40) reflectances of Sentinel-2 as FLAIR#2 gives them to its network: 0 to 10 000 and more."""
    shape = (1, POSITIONS.shape[1], bands, SATELLITE_SIDE_PX, SATELLITE_SIDE_PX)
    dates = (2000 + 1000 * seeded_input(shape, SEED + 1)).clamp(min=1)
    dates[:, EMPTY_DATE] = 0
    return dates


def metadata() -> Tensor:
    """(1, 45) numbers, not those of a real acquisition: all of them differ."""
    return seeded_input((1, 45), SEED + 2)


def kept(output: Tensor) -> Tensor:
    """A sample of an output map, in steps that share no factor with the powers of two of a network's sizes."""
    step = 3 if output.shape[-1] < METADATA_SIDE_PX else 21
    return output[..., ::step, ::step]
