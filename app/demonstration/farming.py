"""Fields: crops, ploughed land, meadows, vineyards, orchards, greenhouses."""

import numpy as np

from app.demonstration.canvas import Patch
from app.demonstration.crowns import Kind
from app.demonstration.materials import Material
from app.demonstration.noise import Noise
from app.demonstration.palette import Palette
from app.demonstration.vegetation import Woodland, patch_centre, scatter


class Farm:
    """Paints the ground of farmed parcels."""

    def __init__(self, palette: Palette, noise: Noise, woodland: Woodland) -> None:
        self._palette = palette
        self._noise = noise
        self._woodland = woodland

    def crop(self, patch: Patch, angle: float, rng: np.random.Generator) -> None:
        """Cereal, maize, rape or stubble: even, with drill lines and tramlines, a few poor spots; hardly any height."""
        look = rng.random()
        colour = self._palette.colour(Material.CROP, rng, 0.1)
        if look < 0.35:  # ripe or stubble
            straw = np.array([202, 174, 108, 152], np.float32) if rng.random() < 0.6 else np.array([208, 190, 140, 158])
            colour = self._palette.vary(straw, rng, 0.08)
        elif look < 0.5:  # half grown, soil between the rows
            colour = 0.7 * colour + 0.3 * self._palette.colour(Material.PLOUGHED, rng)
        _, across = patch.axes(patch_centre(patch), angle)
        across = across + self._noise.smooth(120, 260, patch.window) * np.float32(1.2)
        drill, tram = rng.uniform(1.0, 1.8), rng.uniform(11, 24)
        stripes = np.sin(across * np.float32(2 * np.pi / drill)) * np.float32(rng.uniform(0.05, 0.11))
        swath = np.sin(across * np.float32(np.pi / tram)) > 0
        stripes += np.where(swath, np.float32(1), np.float32(-1)) * np.float32(rng.uniform(0.01, 0.04))
        poor = self._noise.fractal(121, 120, 3, patch.window) * np.float32(rng.uniform(0.02, 0.07))
        tone = 1 + stripes + poor
        lane = np.abs(np.mod(across, np.float32(tram)) - 2)
        wheels = (np.abs(lane - 0.9) < 0.28) & (patch.inside_m > 1.5)
        tone[wheels] *= rng.choice([0.72, 0.8, 1.2])
        headland = patch.inside_m < rng.uniform(4, 11)
        tone[headland] *= rng.uniform(0.94, 1.06)
        tall = 0.0 if look < 0.2 else float(rng.uniform(0, 0.7))
        patch.paint(Material.CROP, tone[..., None] * colour, height=np.float32(tall) * (1 + poor))

    def ploughed(self, patch: Patch, angle: float, rng: np.random.Generator) -> None:
        """Bare worked soil: furrows lit from one side, damp patches, headlands ploughed across."""
        colour = self._palette.colour(Material.PLOUGHED, rng, 0.14)
        along, across = patch.axes(patch_centre(patch), angle)
        wander = self._noise.smooth(130, 300, patch.window) * np.float32(1.5)
        period = rng.uniform(1.0, 2.4)
        furrow = np.sin((across + wander) * np.float32(2 * np.pi / period)) * np.float32(rng.uniform(0.09, 0.17))
        turned = patch.inside_m < rng.uniform(0, 9)
        cross = np.sin(along * np.float32(2 * np.pi / period)) * np.float32(0.12)
        pass_width = rng.uniform(3, 9)
        furrow += (np.mod((across + wander) / np.float32(pass_width), 2) < 1) * np.float32(rng.uniform(0, 0.05))
        damp = self._noise.fractal(131, 150, 3, patch.window) * np.float32(rng.uniform(0.05, 0.16))
        tone = 1 + np.where(turned, cross, furrow) + damp
        patch.paint(Material.PLOUGHED, tone[..., None] * colour, height=0.0)

    def meadow(
        self, patch: Patch, angle: float, rng: np.random.Generator, material: Material = Material.MEADOW
    ) -> None:
        """Grass: never one tone, but tufts and lush spots between worn ones; mowing swaths at times."""
        if rng.random() < 0.25:
            material = Material.DRY_GRASS
        colour = self._palette.colour(material, rng, 0.09)
        other = self._palette.colour(Material.DRY_GRASS, rng, 0.08)
        _, across = patch.axes(patch_centre(patch), angle)
        share = np.clip(self._noise.fractal(140, 90, 4, patch.window) * 0.5 + rng.uniform(-0.35, 0.35), 0, 0.85)
        mixed = colour + share[..., None] * (other - colour)
        lush = self._palette.vary(np.array([88, 116, 62, 178]), rng, 0.06)
        tufts = np.clip(self._noise.fractal(145, 32, 3, patch.window) * 0.7 - rng.uniform(0.0, 0.3), 0, 0.6)
        mixed += tufts[..., None] * (lush - mixed)
        if rng.random() < 0.4:
            swath = np.sin(
                (across + self._noise.smooth(141, 200, patch.window)) * np.float32(2 * np.pi / rng.uniform(4, 9))
            )
            mixed *= (1 + np.float32(rng.uniform(0.01, 0.05)) * swath)[..., None]
        patch.paint(material, mixed, height=0.0)

    def vineyard(self, patch: Patch, angle: float, rng: np.random.Generator) -> None:
        """Rows 2 to 2.5 m apart on bare or grassed soil; a grass headland around."""
        patch.paint(Material.MEADOW, self._palette.colour(Material.MEADOW, rng), height=0.0)
        area = patch.mask & (patch.inside_m > rng.uniform(0.8, 3.5))
        soil = self._palette.colour(Material.VINE_SOIL, rng, 0.1)
        grass = self._palette.colour(Material.MEADOW, rng)
        grassed = rng.choice([0.0, 0.3, 0.9])
        _, across = patch.axes(patch_centre(patch), angle)
        across = across + self._noise.smooth(150, 400, patch.window) * np.float32(0.7)
        period = rng.uniform(1.9, 2.7)
        row = np.abs(np.mod(across / np.float32(period), 1) - 0.5) * np.float32(period)  # metres from the row
        between = np.mod(np.floor(across / np.float32(period)), 2) < 1
        cover = np.clip(grassed + self._noise.fractal(151, 60, 3, patch.window) * 0.25, 0, 1) * np.where(
            between, 1, 0.5
        )
        patch.paint(Material.VINE_SOIL, soil + cover[..., None] * (grass - soil), where=area, height=0.0)
        half = rng.uniform(0.25, 0.55)
        leaf = half * (
            1 + 0.45 * self._noise.smooth(152, 5, patch.window) + 0.3 * self._noise.smooth(153, 60, patch.window)
        )
        missing = self._noise.smooth(154, 9, patch.window) > rng.uniform(1.0, 1.4)
        vines = area & (row < leaf) & ~missing
        tall = np.float32(rng.uniform(0.9, 1.9)) * np.sqrt(np.clip(1 - (row / np.maximum(leaf, 0.05)) ** 2, 0.1, 1))
        patch.paint(Material.VINE_ROW, self._palette.colour(Material.VINE_ROW, rng, 0.1), where=vines, height=tall)

    def orchard(self, patch: Patch, angle: float, rng: np.random.Generator) -> None:
        """Fruit or olive trees on a lattice over grass or bare soil; the ground between them keeps its own class."""
        if rng.random() < 0.55:
            self.meadow(patch, angle, rng)
        else:
            patch.paint(Material.SOIL, self._palette.colour(Material.SOIL, rng), height=0.0)
        spacing = rng.uniform(4.5, 7)
        shade = self._woodland.colour(Kind.DECIDUOUS, rng, 0.12)
        if rng.random() < 0.4:  # olive grey
            shade = shade * np.array([1.35, 1.22, 1.4, 0.92], np.float32)
        radius = spacing * rng.uniform(0.25, 0.42)
        for at in scatter(patch, spacing, rng, 0.06, angle):
            if rng.random() < 0.92:
                size = radius * rng.uniform(0.75, 1.2)
                self._woodland.tree(at, size, size * 1.9, Kind.DECIDUOUS, self._palette.vary(shade, rng, 0.08), rng)

    def glasshouses(self, patch: Patch, angle: float, rng: np.random.Generator) -> None:
        """Rows of plastic tunnels or a block of glass bays, 3 to 5 m high, on bare or gravelled ground."""
        ground = Material.SOIL if rng.random() < 0.4 else Material.GRAVEL if rng.random() < 0.5 else Material.MEADOW
        patch.paint(ground, self._palette.colour(ground, rng), height=0.0)
        tunnels = rng.random() < 0.55
        bay = rng.uniform(5.5, 9) if tunnels else rng.uniform(3.2, 6.5)
        gap = rng.uniform(0.6, 2.4) if tunnels else 0.0
        along, across = patch.axes(patch_centre(patch), angle)
        reach = patch.inside_m > rng.uniform(3.5, 6)
        pitch = bay + gap
        position = np.mod(across + 500 * pitch, np.float32(pitch))
        number = np.floor((across + 500 * pitch) / np.float32(pitch)).astype(np.int64)
        section = np.mod(along + 1000, np.float32(rng.uniform(35, 80)))
        inside = reach & (position < bay) & (section > 3.0)
        shape = np.clip(1 - (2 * position / np.float32(bay) - 1) ** 2, 0, 1)
        eave, top = (0.6, rng.uniform(3.0, 4.2)) if tunnels else (rng.uniform(2.8, 3.6), rng.uniform(4.0, 5.2))
        rise = np.sqrt(shape) if tunnels else 1 - np.abs(2 * position / np.float32(bay) - 1)
        height = (eave + (top - eave) * rise).astype(np.float32)
        base = self._palette.colour(Material.GREENHOUSE, rng, 0.08)
        plants = self._palette.colour(Material.CROP, rng)
        clear = np.clip(rng.uniform(0.08, 0.4) + 0.25 * self._noise.smooth(160, 26, patch.window), 0, 0.6)
        bays = rng.normal(1, 0.05, int(number.max()) + 1 if number.size else 1).astype(np.float32)[number]
        hoops = 1 - 0.14 * (np.mod(along + 1000, np.float32(rng.choice([2.0, 2.5, 3.0]))) < 0.25)
        gutters = np.where(np.minimum(position, np.float32(bay) - position) < 0.35, np.float32(0.78), np.float32(1))
        tone = (base + clear[..., None] * (plants - base)) * (bays * hoops * gutters)[..., None]
        patch.paint(Material.GREENHOUSE, tone, where=inside, height=height)
