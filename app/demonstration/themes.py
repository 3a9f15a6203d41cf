"""Kinds of countryside: how finely the land is cut there and what it is used for."""

from enum import StrEnum
from typing import NamedTuple


class Use(StrEnum):
    """Land use of one parcel. (Use decides what is painted; the truth is land cover.)"""

    OLD_TOWN = "old town"
    SQUARE = "square"
    PARK = "park"
    ESTATE = "estate"
    FARMSTEAD = "farmstead"
    WORKS = "works"
    CAR_PARK = "car park"
    GLASSHOUSES = "glasshouses"
    YARD = "yard"
    CROP = "crop"
    PLOUGHED = "ploughed"
    MEADOW = "meadow"
    VINEYARD = "vineyard"
    ORCHARD = "orchard"
    DECIDUOUS = "deciduous wood"
    CONIFER = "conifer wood"
    MIXED = "mixed wood"
    BRUSH = "brush"
    CLEAR_CUT = "clear cut"
    POND = "pond"
    QUARRY = "quarry"
    SNOWFIELD = "snowfield"
    SCREE = "scree"


class Theme(StrEnum):
    VILLAGE = "village"
    SUBURB = "suburb"
    INDUSTRY = "industry"
    FARMLAND = "farmland"
    VINEYARDS = "vineyards"
    FOREST = "forest"
    RIVERSIDE = "riverside"
    QUARRY = "quarry"
    MOUNTAIN = "mountain"


class Mosaic(NamedTuple):
    """block_m2: land between roads. parcel_m2: land of one use. built: streets rather than tracks.
    hedges: chance of a hedge between two parcels."""

    block_m2: float
    parcel_m2: float
    built: bool
    hedges: float
    uses: dict[Use, float]


MOSAICS: dict[Theme, Mosaic] = {
    Theme.VILLAGE: Mosaic(
        5500, 3800, True, 0.1,
        {Use.OLD_TOWN: 0.72, Use.SQUARE: 0.09, Use.PARK: 0.08, Use.ESTATE: 0.06, Use.CAR_PARK: 0.05},
    ),
    Theme.SUBURB: Mosaic(
        9000, 6500, True, 0.3,
        {Use.ESTATE: 0.80, Use.PARK: 0.07, Use.MEADOW: 0.05, Use.YARD: 0.03, Use.CAR_PARK: 0.03, Use.ORCHARD: 0.02},
    ),
    Theme.INDUSTRY: Mosaic(
        15000, 6500, True, 0.15,
        {Use.WORKS: 0.46, Use.GLASSHOUSES: 0.28, Use.CAR_PARK: 0.10, Use.YARD: 0.10, Use.MEADOW: 0.06},
    ),
    Theme.FARMLAND: Mosaic(
        60000, 14000, False, 0.28,
        {Use.CROP: 0.42, Use.PLOUGHED: 0.26, Use.MEADOW: 0.13, Use.FARMSTEAD: 0.05, Use.DECIDUOUS: 0.04,
         Use.GLASSHOUSES: 0.06, Use.ORCHARD: 0.04},
    ),
    Theme.VINEYARDS: Mosaic(
        35000, 6500, False, 0.15,
        {Use.VINEYARD: 0.66, Use.PLOUGHED: 0.10, Use.MEADOW: 0.07, Use.BRUSH: 0.07, Use.ORCHARD: 0.05,
         Use.FARMSTEAD: 0.05},
    ),
    Theme.FOREST: Mosaic(
        60000, 13000, False, 0.1,
        {Use.DECIDUOUS: 0.26, Use.CONIFER: 0.30, Use.MIXED: 0.10, Use.CLEAR_CUT: 0.20, Use.BRUSH: 0.14},
    ),
    Theme.RIVERSIDE: Mosaic(
        40000, 11000, False, 0.3,
        {Use.MEADOW: 0.36, Use.CROP: 0.16, Use.DECIDUOUS: 0.20, Use.POND: 0.18, Use.BRUSH: 0.10},
    ),
    Theme.QUARRY: Mosaic(
        60000, 16000, False, 0.1,
        {Use.QUARRY: 0.55, Use.BRUSH: 0.18, Use.CONIFER: 0.10, Use.DECIDUOUS: 0.10, Use.SCREE: 0.07},
    ),
    Theme.MOUNTAIN: Mosaic(
        80000, 14000, False, 0.0,
        {Use.SNOWFIELD: 0.38, Use.CONIFER: 0.20, Use.SCREE: 0.17, Use.BRUSH: 0.13, Use.MEADOW: 0.12},
    ),
}  # fmt: skip
