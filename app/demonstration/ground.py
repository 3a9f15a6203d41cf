"""Land that is neither farmed nor built: ponds, quarries, scree, snow."""

import cv2
import numpy as np

from app.demonstration.canvas import Patch
from app.demonstration.crowns import Kind
from app.demonstration.materials import Material
from app.demonstration.noise import Noise
from app.demonstration.palette import Palette
from app.demonstration.vegetation import Woodland, patch_centre, scatter


class Ground:
    """Natural surfaces with outlines of their own inside a parcel."""

    def __init__(self, palette: Palette, noise: Noise, woodland: Woodland) -> None:
        self._palette = palette
        self._noise = noise
        self._woodland = woodland

    def _blob(self, patch: Patch, name: int, inset_m: float, ragged_m: float) -> np.ndarray:
        """An irregular area inside the parcel, about `inset_m` from its border."""
        wobble = self._noise.fractal(name, 70, 4, patch.window) * np.float32(ragged_m)
        return np.asarray(patch.mask & (patch.inside_m + wobble > inset_m + ragged_m))

    def pond(self, patch: Patch, rng: np.random.Generator) -> None:
        """Still water, reeds on the bank, grass around."""
        patch.paint(Material.MEADOW, self._palette.colour(Material.MEADOW, rng), height=0.0)
        bank = self._blob(patch, 200, rng.uniform(2, 6), 3.0)
        patch.paint(Material.BRUSH, self._palette.colour(Material.BRUSH, rng) * 0.95, where=bank, height=0.8)
        water = cv2.erode(bank.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
        shore = self._noise.smooth(204, 18, patch.window) > 0.3
        patch.paint(Material.TRACK, self._palette.colour(Material.SOIL, rng), where=bank & shore, height=0.0)
        patch.material[bank & shore] = Material.SOIL
        tint = rng.choice([0, 1, 2])
        colour = np.array([(52, 70, 66, 26), (74, 92, 78, 34), (36, 52, 62, 20)][tint], np.float32)
        patch.paint(Material.WATER, self._palette.vary(colour, rng, 0.12), where=water, height=0.0)

    def quarry(self, patch: Patch, rng: np.random.Generator) -> None:
        """Benches cut in rock, haul roads, heaps of spoil, a sump of green water."""
        patch.paint(Material.SOIL, self._palette.colour(Material.SOIL, rng), height=0.0)
        depth = patch.inside_m + self._noise.fractal(210, 110, 4, patch.window) * np.float32(5)
        bench = rng.uniform(9, 15)
        rock, soil = (
            self._palette.colour(Material.ROCK, rng, 0.1),
            self._palette.colour(Material.SOIL, rng, 0.1),
        )
        step = np.mod(depth, np.float32(bench)) / np.float32(bench)
        level = np.floor(depth / np.float32(bench))
        tone = 1 + 0.06 * np.sin(level * 2.4)
        blend = np.clip(self._noise.fractal(211, 60, 3, patch.window) * 0.5 + 0.5, 0, 1)
        patch.paint(Material.ROCK, (soil + blend[..., None] * (rock - soil)) * tone[..., None], height=0.0)
        face = patch.mask & (step < 0.16) & (level > 0)
        patch.paint(Material.ROCK, rock * rng.uniform(0.66, 0.86), where=face)
        haul = patch.mask & (np.abs(step - 0.6) < 0.16) & (np.mod(level, 2) == 1)
        patch.paint(Material.SOIL, soil * 1.12, where=haul)
        for at in scatter(patch, 26, rng, 0.4):
            if rng.random() < 0.4:
                self._heap(patch, at, rng)
        floor = patch.inside_m > 0.62 * float(patch.inside_m.max(initial=0))
        sump = patch.mask & floor & (self._noise.fractal(212, 60, 3, patch.window) > 0.35)
        green = self._palette.vary(np.array([96, 140, 132, 40]), rng, 0.12)
        patch.paint(Material.WATER, green, where=sump, height=0.0)

    def _heap(self, patch: Patch, at: np.ndarray, rng: np.random.Generator) -> None:
        along, across = patch.axes(at, rng.uniform(0, np.pi))
        radius = rng.uniform(4, 9)
        far = np.hypot(along / np.float32(rng.uniform(1, 1.6)), across) + self._noise.smooth(213, 22, patch.window)
        heap = patch.mask & (far < radius)
        height = (np.clip(1 - far / radius, 0, 1) * radius * 0.6).astype(np.float32)
        material = Material.SOIL if rng.random() < 0.6 else Material.ROCK
        patch.paint(material, self._palette.colour(material, rng, 0.12), where=heap, height=height)

    def scree(self, patch: Patch, rng: np.random.Generator) -> None:
        """Bare rock and dirt with grass taking hold and scattered shrubs."""
        patch.paint(Material.MEADOW, self._palette.colour(Material.DRY_GRASS, rng), height=0.0)
        patch.material[patch.mask] = Material.DRY_GRASS
        bare = patch.mask & (self._noise.fractal(220, 80, 3, patch.window) > -0.35)
        rock, soil = (
            self._palette.colour(Material.ROCK, rng, 0.1),
            self._palette.colour(Material.SOIL, rng, 0.1),
        )
        blend = np.clip(self._noise.fractal(221, 40, 3, patch.window) * 0.6 + 0.5, 0, 1)
        patch.paint(Material.ROCK, soil + blend[..., None] * (rock - soil), where=bare, height=0.0)
        shade = self._woodland.colour(Kind.SHRUB, rng)
        for at in scatter(patch, 9, rng, 0.5):
            if rng.random() < 0.5:
                radius = rng.uniform(0.5, 1.5)
                self._woodland.tree(at, radius, radius, Kind.SHRUB, self._palette.vary(shade, rng, 0.12), rng)

    def snowfield(self, patch: Patch, rng: np.random.Generator) -> None:
        """Old snow lying in hollows, with rock showing through, wind ripples and a dirty rim."""
        self.scree(patch, rng)
        cover = self._noise.fractal(230, 150, 4, patch.window) + np.clip(patch.inside_m / 22, 0, 1) * np.float32(1.6)
        snow = patch.mask & (cover > rng.uniform(0.45, 0.85))
        rim = np.clip((cover - 0.7) * 1.6, 0, 1)
        colour = self._palette.colour(Material.SNOW, rng, 0.02)
        _, across = patch.axes(patch_centre(patch), rng.uniform(0, np.pi))
        ripples = np.sin((across + self._noise.smooth(236, 60, patch.window) * 2) * 1.9) * 0.012
        tone = (0.88 + 0.12 * rim + ripples)[..., None]
        clear = snow & (patch.height < 1.2)
        patch.paint(Material.SNOW, tone * colour, where=clear, height=0.0)
