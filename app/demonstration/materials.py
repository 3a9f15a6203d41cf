"""What the ground is made of: the class each material belongs to, its colour and its texture."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np


class Material(IntEnum):
    """Index stored in the canvas, one byte per pixel."""

    MEADOW = 0
    LAWN = 1
    DRY_GRASS = 2
    ASPHALT = 3
    CONCRETE = 4
    PAVING = 5
    GRAVEL = 6
    BALLAST = 7
    TRACK = 8
    SOIL = 9
    ROCK = 10
    WATER = 11
    POOL = 12
    SNOW = 13
    CONIFER = 14
    DECIDUOUS = 15
    BRUSH = 16
    VINE_ROW = 17
    VINE_SOIL = 18
    CROP = 19
    PLOUGHED = 20
    ROOF_TILE = 21
    ROOF_FLAT = 22
    ROOF_METAL = 23
    GREENHOUSE = 24
    CLEAR_CUT = 25
    SLASH = 26


class Look(NamedTuple):
    """How a material appears in full sun.

    value: CoSIA class. colour: R, G, B, NIR bytes. drift: what is added where the vigour field is +1 (dry, worn or
    dirty patches). patch, medium, fine, grain: relative brightness of textures of about 20 m, 4 m, 0.8 m and 0.2 m.
    bump_m: roughness of the surface that the sun sees.
    """

    value: int
    colour: tuple[float, float, float, float]
    drift: tuple[float, float, float, float]
    patch: float
    medium: float
    fine: float
    grain: float
    bump_m: float


LOOKS: dict[Material, Look] = {
    Material.MEADOW: Look(12, (108, 126, 80, 168), (34, 16, 16, -24), 0.05, 0.11, 0.11, 0.05, 0.05),
    Material.LAWN: Look(12, (104, 124, 80, 170), (30, 15, 14, -22), 0.04, 0.07, 0.06, 0.04, 0.03),
    Material.DRY_GRASS: Look(12, (164, 154, 108, 184), (-44, -12, -30, 14), 0.05, 0.12, 0.12, 0.06, 0.06),
    Material.ASPHALT: Look(3, (142, 142, 144, 118), (14, 13, 11, 10), 0.06, 0.04, 0.04, 0.025, 0.0),
    Material.CONCRETE: Look(3, (194, 190, 182, 162), (-14, -14, -12, -10), 0.05, 0.04, 0.02, 0.015, 0.0),
    Material.PAVING: Look(3, (178, 174, 168, 144), (-12, -11, -10, -8), 0.04, 0.04, 0.02, 0.015, 0.0),
    Material.GRAVEL: Look(2, (184, 169, 144, 152), (-16, -11, -14, -4), 0.04, 0.08, 0.13, 0.13, 0.05),
    Material.BALLAST: Look(2, (142, 128, 116, 114), (10, 6, 4, 4), 0.04, 0.06, 0.10, 0.08, 0.03),
    Material.TRACK: Look(2, (186, 168, 138, 150), (-22, -13, -18, -4), 0.05, 0.07, 0.12, 0.11, 0.03),
    Material.SOIL: Look(5, (178, 136, 98, 136), (-32, -27, -20, -22), 0.08, 0.10, 0.05, 0.03, 0.04),
    Material.ROCK: Look(5, (190, 180, 162, 156), (-24, -21, -17, -16), 0.06, 0.10, 0.10, 0.05, 0.17),
    Material.WATER: Look(6, (58, 76, 72, 32), (10, 14, 2, 6), 0.08, 0.04, 0.05, 0.05, 0.0),
    Material.POOL: Look(4, (108, 190, 206, 62), (-16, -8, -4, -8), 0.05, 0.08, 0.07, 0.03, 0.0),
    Material.SNOW: Look(7, (232, 238, 246, 208), (-14, -10, -4, -16), 0.03, 0.04, 0.04, 0.02, 0.16),
    Material.CONIFER: Look(8, (52, 70, 57, 90), (8, 6, 2, 6), 0.08, 0.08, 0.18, 0.10, 0.45),
    Material.DECIDUOUS: Look(9, (84, 112, 68, 190), (14, 8, 4, -8), 0.08, 0.09, 0.16, 0.08, 0.40),
    Material.BRUSH: Look(10, (94, 104, 74, 126), (20, 12, 10, -8), 0.10, 0.12, 0.14, 0.08, 0.30),
    Material.VINE_ROW: Look(11, (80, 104, 66, 165), (14, 6, 6, -12), 0.08, 0.08, 0.14, 0.08, 0.15),
    Material.VINE_SOIL: Look(11, (172, 152, 122, 148), (-18, -6, -14, 8), 0.06, 0.06, 0.07, 0.04, 0.03),
    Material.CROP: Look(13, (102, 126, 76, 174), (14, 8, 5, -8), 0.03, 0.03, 0.03, 0.03, 0.03),
    Material.PLOUGHED: Look(14, (128, 102, 80, 102), (18, 14, 10, 13), 0.04, 0.05, 0.07, 0.05, 0.07),
    Material.ROOF_TILE: Look(1, (190, 128, 100, 140), (12, 16, 16, 8), 0.03, 0.06, 0.06, 0.06, 0.03),
    Material.ROOF_FLAT: Look(1, (170, 168, 162, 140), (-12, -12, -12, -10), 0.04, 0.05, 0.03, 0.03, 0.0),
    Material.ROOF_METAL: Look(1, (186, 190, 196, 160), (-8, -8, -6, -8), 0.03, 0.03, 0.02, 0.02, 0.0),
    Material.GREENHOUSE: Look(15, (190, 202, 204, 182), (-10, -6, -8, 4), 0.05, 0.05, 0.04, 0.03, 0.0),
    Material.CLEAR_CUT: Look(16, (128, 106, 90, 112), (-16, -9, -10, 2), 0.09, 0.15, 0.22, 0.12, 0.20),
    Material.SLASH: Look(16, (110, 96, 82, 96), (24, 20, 18, 12), 0.08, 0.12, 0.26, 0.12, 0.30),
}


def table(column: str) -> np.ndarray:
    """One property of every material, indexed by its byte: float32 (256,), or (256, 4) for colours."""
    rows = [getattr(LOOKS[material], column) for material in sorted(Material)]
    values = np.asarray(rows, np.float32)
    out = np.zeros((256, *values.shape[1:]), np.float32)
    out[: len(values)] = values
    return out


CLASS_OF_MATERIAL = table("value").astype(np.uint8)
