"""Colours of materials under the season, the soil and the roofs of one scene."""

import numpy as np
import numpy.typing as npt

from app.demonstration.conditions import Conditions
from app.demonstration.materials import LOOKS, Material

Colour = npt.NDArray[np.float32]

_MINERAL = {
    Material.GRAVEL, Material.TRACK, Material.SOIL, Material.ROCK, Material.VINE_SOIL, Material.PLOUGHED,
    Material.CLEAR_CUT, Material.SLASH,
}  # fmt: skip
_LAID = {Material.CONCRETE, Material.PAVING}
_GRASS = {Material.MEADOW, Material.LAWN, Material.DRY_GRASS}
_LEAVES = {Material.DECIDUOUS, Material.BRUSH, Material.VINE_ROW, Material.CROP}

_STRAW = np.array([174, 162, 112, 186], np.float32)
_AUTUMN = np.array([1.28, 1.02, 0.92, 0.88], np.float32)
_SPRING = np.array([1.0, 1.05, 0.97, 1.06], np.float32)

# R, G, B, NIR of French roof coverings seen from above.
TILE_ROOFS = [(206, 128, 94, 150), (190, 122, 96, 142), (214, 148, 116, 158), (196, 152, 124, 152),
              (178, 132, 108, 136), (206, 168, 138, 162), (168, 112, 90, 128), (206, 186, 166, 156),
              (190, 164, 146, 146)]  # fmt: skip
GREY_ROOFS = [
    (98, 102, 112, 92),
    (122, 120, 122, 104),
    (140, 128, 120, 112),
    (84, 86, 94, 78),
    (132, 104, 92, 108),
]
FLAT_ROOFS = [
    (206, 204, 198, 170),
    (168, 164, 156, 138),
    (126, 126, 128, 104),
    (224, 224, 222, 186),
    (150, 138, 124, 124),
    (246, 245, 242, 206),
]
METAL_ROOFS = [(196, 200, 206, 168), (152, 160, 168, 130), (120, 140, 160, 110), (170, 178, 172, 150),
               (150, 110, 96, 118), (226, 228, 230, 190), (108, 124, 110, 110), (244, 245, 246, 208)]  # fmt: skip
POOLS = [(108, 192, 208, 60), (108, 192, 208, 60), (84, 168, 196, 48), (138, 206, 210, 78), (74, 140, 150, 50),
         (96, 176, 226, 70), (60, 96, 92, 44)]  # fmt: skip
CARS = [(232, 232, 232, 190), (60, 62, 66, 52), (128, 130, 134, 108), (36, 38, 44, 34), (150, 44, 40, 100),
        (52, 74, 120, 60), (190, 192, 196, 156)]  # fmt: skip


class Palette:
    """Draws colours; every call varies a little, as two fields or two roofs never match."""

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions
        self._soil = np.asarray(conditions.soil, np.float32)

    def colour(self, material: Material, rng: np.random.Generator, spread: float = 0.07) -> Colour:
        """(4,) float32 bytes of one patch of `material`."""
        colour = np.asarray(LOOKS[material].colour, np.float32)
        if material in _MINERAL:
            colour = colour * self._soil
        if material in _GRASS:
            dry = self._conditions.dryness * (0.45 if material is Material.LAWN else 0.95)
            dry = float(np.clip(dry + rng.normal(0, 0.18), 0, 1))
            colour = colour + (_STRAW - colour) * np.float32(dry)
        if material in _LEAVES:
            colour = colour * self._season()
        if material is Material.DECIDUOUS and rng.random() < 0.22:  # olive, willow, plane, dusty Mediterranean leaves
            colour = colour * np.array([1.3, 1.2, 1.34, 0.9], np.float32)
        if material is Material.BRUSH:
            colour = colour + (_STRAW - colour) * np.float32(0.45 * self._conditions.dryness * rng.random())
        if material in _LAID and rng.random() < 0.2:  # new or freshly cleaned: almost white in the sun
            colour = colour * np.float32(1.18)
        return self.vary(colour, rng, spread)

    def vary(self, colour: npt.ArrayLike, rng: np.random.Generator, spread: float = 0.07) -> Colour:
        """A neighbour of `colour`: brightness by `spread`, hue by a sixth of it."""
        factor = (1 + rng.normal(0, spread)) * (1 + rng.normal(0, spread / 6, 4))
        return np.asarray(np.asarray(colour, np.float32) * factor, np.float32)

    def pitched_roof(self, rng: np.random.Generator) -> Colour:
        warm = rng.random() < self._conditions.roof_warmth
        return self._one_of(TILE_ROOFS if warm else GREY_ROOFS, rng)

    def flat_roof(self, rng: np.random.Generator) -> Colour:
        return self._one_of(FLAT_ROOFS, rng)

    def metal_roof(self, rng: np.random.Generator) -> Colour:
        return self._one_of(METAL_ROOFS, rng)

    def pool(self, rng: np.random.Generator) -> Colour:
        return self._one_of(POOLS, rng)

    def car(self, rng: np.random.Generator) -> Colour:
        return self._one_of(CARS, rng)

    def _one_of(self, colours: list[tuple[int, int, int, int]], rng: np.random.Generator) -> Colour:
        return self.vary(colours[int(rng.integers(len(colours)))], rng, 0.09)

    def _season(self) -> Colour:
        season = np.float32(self._conditions.season)
        target = _SPRING if season > 0 else _AUTUMN
        return np.asarray(1 + (target - 1) * abs(season), np.float32)


def scalar(colour: Colour) -> tuple[float, float, float, float]:
    """The colour as OpenCV's drawing functions take it, within 0..255."""
    red, green, blue, infrared = (float(np.clip(value, 0, 255)) for value in colour)
    return red, green, blue, infrared
