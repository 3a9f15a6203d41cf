"""Codings: how the numbers of a class raster that others wrote stand for classes of a nomenclature."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.definitions.nomenclature import Nomenclature
from app.errors import RasterRefused


class Coding(StrEnum):
    """The meaning of the numbers in a class raster. Source of the FLAIR numbers: the FLAIR publications."""

    VALUES = "values"
    """The nomenclature's own values, 0 is nodata."""
    FLAIR = "flair"
    """Codes of FLAIR masks, 1-19; 0 is nodata."""
    FLAIR_INDEX = "flair-index"
    """Channels of networks with 19 classes: code - 1, so that 0 is a class."""
    FLAIR1_INDEX = "flair1-index"
    """Channels of the FLAIR #1 challenge's networks with 13 classes: code - 1, and 12 is "other"."""
    FLAIR_HUB = "flair-hub"
    """Indexes of FLAIR-HUB masks, 0-18, in an order of their own; 0 is a class."""


_CLASSLESS = {
    Coding.VALUES: (),
    Coding.FLAIR: (16, 17, 19),  # ligneous, mixed, other
    Coding.FLAIR_INDEX: (15, 16, 18),
    Coding.FLAIR1_INDEX: (12,),
    Coding.FLAIR_HUB: (16, 17, 18),
}
_FLAIR1_CODES = range(1, 13)


@dataclass(frozen=True)
class CodingTable:
    """What each number of a raster becomes.

    values: (256,) uint8, number -> class value, 0 for those that stand for no class.
    known: (256,) bool, the numbers that may occur. classless: (256,) bool, known numbers whose meaning ("other",
    "mixed") is no class of the nomenclature: their pixels become nodata, and the operator is told how many.
    """

    values: np.ndarray
    known: np.ndarray
    classless: np.ndarray

    @property
    def is_identity(self) -> bool:
        return bool(np.array_equal(self.values[self.known], np.flatnonzero(self.known)))

    @property
    def allowed(self) -> str:
        """The numbers that may occur, for messages."""
        return ", ".join(map(str, np.flatnonzero(self.known).tolist()))


def coding_table(coding: Coding, nomenclature: Nomenclature, nodata: int | None = None) -> CodingTable:
    """The table of a coding; nodata: the number that the file itself declares as nodata, if it does.

    Raises RasterRefused where the nomenclature has no such coding, or the declared nodata is a class in it.
    """
    classes = _classes(coding, nomenclature)
    if not classes:
        raise RasterRefused(f"nomenclature {nomenclature.id!r} has no coding {coding.value!r}")
    if nodata in classes:
        raise RasterRefused(
            f"declares {nodata} as nodata, which is a class ({nomenclature.by_value[classes[nodata]].title_fr}) in "
            f"coding {coding.value!r}: choose the coding that the file has, or take its nodata declaration away"
        )
    values, known, classless = np.zeros(256, np.uint8), np.zeros(256, bool), np.zeros(256, bool)
    for number, value in classes.items():
        values[number], known[number] = value, True
    for number in _CLASSLESS[coding]:
        known[number] = classless[number] = number not in classes
    if 0 not in classes:
        known[0] = True
    if nodata is not None:
        known[nodata], classless[nodata] = True, False
    return CodingTable(values, known, classless)


def _classes(coding: Coding, nomenclature: Nomenclature) -> dict[int, int]:
    """Number in the raster -> class value."""
    flair = {c.flair_code: c.value for c in nomenclature.classes if c.flair_code is not None}
    hub = {c.flair_hub_index: c.value for c in nomenclature.classes if c.flair_hub_index is not None}
    return {
        Coding.VALUES: {c.value: c.value for c in nomenclature.classes},
        Coding.FLAIR: flair,
        Coding.FLAIR_INDEX: {code - 1: value for code, value in flair.items()},
        Coding.FLAIR1_INDEX: {code - 1: value for code, value in flair.items() if code in _FLAIR1_CODES},
        Coding.FLAIR_HUB: hub,
    }[coding]
