"""Trees, hedges, woods, brush and clear cuts."""

from dataclasses import replace

import cv2
import numpy as np

from app.demonstration.canvas import PX_PER_M, Canvas, Patch, Points, packed
from app.demonstration.crowns import RADII_PX, VARIANTS, Kind, make_crown, turned
from app.demonstration.materials import Material
from app.demonstration.noise import Noise
from app.demonstration.palette import Colour, Palette, scalar

MATERIAL_OF = {
    Kind.DECIDUOUS: Material.DECIDUOUS,
    Kind.CONIFER: Material.CONIFER,
    Kind.SHRUB: Material.BRUSH,
}


class Woodland:
    """Crown shapes of one scene, and the ways they are planted."""

    def __init__(self, canvas: Canvas, palette: Palette, noise: Noise, rng: np.random.Generator) -> None:
        self._canvas = canvas
        self._palette = palette
        self._noise = noise
        self._crowns = {
            (kind, radius): [make_crown(kind, radius, rng) for _ in range(VARIANTS)]
            for kind in MATERIAL_OF
            for radius in RADII_PX
        }

    def tree(
        self,
        at: Points,
        radius_m: float,
        height_m: float,
        kind: Kind,
        colour: Colour,
        rng: np.random.Generator,
    ) -> None:
        """One crown at `at` (x, y metres), wherever it stands higher than what is there."""
        wanted = radius_m * PX_PER_M
        radius = min(RADII_PX, key=lambda each: abs(each - wanted))
        crown = self._crowns[kind, radius][int(rng.integers(VARIANTS))]
        profile = turned(crown.profile, int(rng.integers(8)))
        left, top = int(at[0] * PX_PER_M) - radius, int(at[1] * PX_PER_M) - radius
        side, size = 2 * radius + 1, self._canvas.size_px
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, size), min(top + side, size)
        if x0 >= x1 or y0 >= y1:
            return
        seen = profile[y0 - top : y1 - top, x0 - left : x1 - left]
        base = 0.35 if kind is Kind.CONIFER else 0.5
        surface = np.float32(height_m) * (np.float32(base) + np.float32(1 - base) * seen)
        height = self._canvas.height[y0:y1, x0:x1]
        higher = (seen > 0) & (surface > height)
        np.copyto(height, surface, where=higher)
        np.copyto(self._canvas.material[y0:y1, x0:x1], np.uint8(MATERIAL_OF[kind]), where=higher)
        paint = packed(np.clip(colour, 0, 255).astype(np.uint8))
        np.copyto(self._canvas.packed[y0:y1, x0:x1], paint, where=higher)

    def colour(self, kind: Kind, rng: np.random.Generator, spread: float = 0.12) -> Colour:
        return self._palette.colour(MATERIAL_OF[kind], rng, spread)

    def garden_tree(self, at: Points, rng: np.random.Generator) -> None:
        kind = Kind.CONIFER if rng.random() < 0.25 else Kind.DECIDUOUS
        radius = rng.uniform(0.9, 3.8)
        self.tree(at, radius, radius * rng.uniform(1.8, 2.8) + 1, kind, self.colour(kind, rng), rng)

    def hedge(self, line: Points, rng: np.random.Generator, kind: Kind, radius_m: float, height_m: float) -> None:
        """Crowns touching along a polyline, with gaps and taller trees here and there."""
        steps = np.hypot(*np.diff(line, axis=0).T)
        length = float(steps.sum())
        along = np.concatenate([[0], np.cumsum(steps)])
        shade = self.colour(kind, rng, 0.08)
        for distance in np.arange(0, length, radius_m * 1.1):
            at = np.array([np.interp(distance, along, line[:, 0]), np.interp(distance, along, line[:, 1])])
            if rng.random() < 0.04:
                continue
            scale = rng.uniform(0.8, 1.25)
            colour = self._palette.vary(shade, rng, 0.06)
            self.tree(at + rng.normal(0, 0.12 * radius_m, 2), radius_m * scale, height_m * scale, kind, colour, rng)

    def wood(self, patch: Patch, rng: np.random.Generator, kinds: list[tuple[Kind, float]], tall_m: float) -> None:
        """A closed canopy: crowns on a jittered lattice, larger and smaller in drifts; the edge is made of crowns."""
        dominant = max(kinds, key=lambda each: each[1])[0]
        if rng.random() < 0.6:  # grown, not planted: the edge wanders and leaves glades
            edge = self._noise.fractal(320, 75, 3, patch.window) * np.float32(5)
            patch = replace(patch, mask=patch.mask & (patch.inside_m + edge > 2.5))
        floor = patch.mask & (patch.inside_m > 1.5)
        patch.paint(
            MATERIAL_OF[dominant],
            self.colour(dominant, rng) * 0.8,
            where=floor,
            height=tall_m * 0.3,
        )
        plantation = dominant is Kind.CONIFER and rng.random() < 0.5
        spacing = tall_m * (0.15 if plantation else rng.uniform(0.17, 0.24)) + 0.8
        shades = {kind: self.colour(kind, rng, 0.08) for kind, _ in kinds}
        names, weights = [kind for kind, _ in kinds], np.array([weight for _, weight in kinds])
        stand = rng.uniform(0, 50, 2)
        for at in scatter(patch, spacing, rng, 0.12 if plantation else 0.42, angle=rng.uniform(0, np.pi)):
            drift = np.sin(at[0] / 17 + stand[0]) * np.sin(at[1] / 23 + stand[1])
            kind = names[int(rng.choice(len(names), p=_shifted(weights, drift)))]
            tall = tall_m * (1 + 0.18 * drift) * rng.uniform(0.72, 1.15)
            radius = spacing * (0.66 if kind is Kind.CONIFER else 0.8) * rng.uniform(0.75, 1.35)
            self.tree(at, radius, tall, kind, self._palette.vary(shades[kind], rng, 0.09), rng)

    def brush(self, patch: Patch, rng: np.random.Generator, density: float) -> None:
        """Heath: low shrubs in clumps over grass and bare spots. The clumps, not the gaps, are brushwood."""
        clumps = self._noise.fractal(300, 56, 2, patch.window) > (0.9 - 1.7 * density)
        clumps &= patch.mask
        patch.paint(Material.BRUSH, self._palette.colour(Material.BRUSH, rng), where=clumps, height=0.5)
        shade = self._palette.colour(Material.BRUSH, rng, 0.08)
        for at in scatter(patch, 1.9, rng, 0.5):
            if not _at(clumps, patch, at):
                continue
            radius = rng.uniform(0.6, 1.7)
            self.tree(
                at,
                radius,
                radius * rng.uniform(0.9, 1.7),
                Kind.SHRUB,
                self._palette.vary(shade, rng, 0.13),
                rng,
            )
        for at in scatter(patch, 17, rng, 0.5):
            if rng.random() < 0.4 and _at(patch.mask, patch, at):
                self.garden_tree(at, rng)

    def lone_trees(self, patch: Patch, rng: np.random.Generator, density: float) -> None:
        """A few old trees standing in open land."""
        for at in scatter(patch, 24, rng, 0.5):
            if rng.random() < density * rng.random():
                radius = rng.uniform(2.0, 5.2)
                colour = self.colour(Kind.DECIDUOUS, rng)
                self.tree(at, radius, radius * rng.uniform(1.8, 2.6) + 2, Kind.DECIDUOUS, colour, rng)

    def clear_cut(self, patch: Patch, rng: np.random.Generator) -> None:
        """Felled land: torn ground, skid trails, windrows of slash, logs, stumps and a few trees left standing."""
        patch.paint(Material.CLEAR_CUT, self._palette.colour(Material.CLEAR_CUT, rng), height=0.0)
        angle = rng.uniform(0, np.pi)
        _, across = patch.axes(patch_centre(patch), angle)
        wander = self._noise.smooth(310, 90, patch.window) * 2.5
        lane = np.mod(across + wander, np.float32(rng.uniform(11, 17)))
        broken = self._noise.smooth(311, 24, patch.window)
        rows = patch.mask & (lane < 2.8) & (broken > -0.5)
        patch.paint(Material.SLASH, self._palette.colour(Material.SLASH, rng), where=rows, height=rng.uniform(0.5, 1.1))
        trails = patch.mask & (np.abs(lane - 6.5) < 1.4) & (np.abs(np.abs(lane - 6.5) - 0.9) < 0.4)
        patch.paint(Material.CLEAR_CUT, self._palette.colour(Material.CLEAR_CUT, rng) * 1.16, where=trails)
        regrowth = patch.mask & (self._noise.fractal(312, 30, 3, patch.window) > 0.95)
        green = self._palette.colour(Material.BRUSH, rng) * 0.5 + self._palette.colour(Material.CLEAR_CUT, rng) * 0.5
        patch.paint(Material.CLEAR_CUT, green, where=regrowth)
        pale, dark = (
            self._palette.colour(Material.GRAVEL, rng),
            self._palette.colour(Material.SLASH, rng) * 0.65,
        )
        for at in scatter(patch, 3.4, rng, 0.5):
            x, y = (at * PX_PER_M).astype(int)
            cv2.circle(self._canvas.albedo, (int(x), int(y)), 1, scalar(pale if rng.random() < 0.6 else dark), -1)
        for at in scatter(patch, 2.3, rng, 0.5):
            bearing, reach = rng.normal(angle, 0.7), rng.uniform(1.2, 3.5) * PX_PER_M
            step = reach * np.array([np.cos(bearing), np.sin(bearing)])
            start, end = (at * PX_PER_M - step / 2).astype(int), (at * PX_PER_M + step / 2).astype(int)
            log = scalar((pale if rng.random() < 0.45 else dark) * rng.uniform(0.85, 1.1))
            cv2.line(self._canvas.albedo, start.tolist(), end.tolist(), log, 1)
        for at in scatter(patch, 30, rng, 0.5):
            if rng.random() < 0.35:
                self.tree(
                    at,
                    rng.uniform(1, 2),
                    rng.uniform(6, 14),
                    Kind.CONIFER,
                    self.colour(Kind.CONIFER, rng),
                    rng,
                )


def patch_centre(patch: Patch) -> Points:
    window = patch.window
    return np.array([window.left + window.right, window.top + window.bottom]) / (2 * PX_PER_M)


def scatter(patch: Patch, spacing_m: float, rng: np.random.Generator, jitter: float, angle: float = 0.0) -> Points:
    """Points (n, 2) in metres inside a patch on a jittered lattice, in random order."""
    window = patch.window
    centre = patch_centre(patch)
    reach = np.hypot(window.width, window.height) / (2 * PX_PER_M)
    steps = np.arange(-reach, reach + spacing_m, spacing_m)
    grid = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2)
    grid[:, 0] += (np.round(grid[:, 1] / spacing_m) % 2) * spacing_m / 2
    grid = grid + rng.uniform(-jitter, jitter, grid.shape) * spacing_m
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    points = grid @ turn + centre
    pixels = np.floor(points * PX_PER_M).astype(int) - (window.left, window.top)
    inside = (pixels >= 0).all(1) & (pixels < (window.width, window.height)).all(1)
    points, pixels = points[inside], pixels[inside]
    kept = points[patch.mask[pixels[:, 1], pixels[:, 0]]]
    return np.asarray(rng.permutation(kept), np.float64)


def _at(mask: np.ndarray, patch: Patch, point: Points) -> bool:
    x, y = np.floor(point * PX_PER_M).astype(int) - (patch.window.left, patch.window.top)
    return bool(mask[y, x])


def _shifted(weights: np.ndarray, drift: float) -> np.ndarray:
    shifted = weights.copy()
    shifted[0] *= 1 + drift * 0.8
    return np.asarray(shifted / shifted.sum())
