"""Lines across the land: roads, streets, tracks, railway, river."""

import cv2
import numpy as np

from app.demonstration.canvas import PX_PER_M, Canvas, Points
from app.demonstration.crowns import Kind
from app.demonstration.layout import Edge, Plan, densify
from app.demonstration.materials import Material
from app.demonstration.noise import Noise
from app.demonstration.palette import Colour, Palette, scalar
from app.demonstration.vegetation import Woodland


class Roads:
    """Draws the boundaries of a plan over its parcels."""

    def __init__(self, canvas: Canvas, palette: Palette, noise: Noise) -> None:
        self._canvas = canvas
        self._palette = palette
        self._noise = noise

    def draw(self, plan: Plan, rng: np.random.Generator) -> list[tuple[Points, Edge]]:
        """Paints everything but hedges; gives the bent lines, for cars, street trees and hedges."""
        asphalt = self._palette.colour(Material.ASPHALT, rng, 0.12)
        lines = [(plan.warp.points(densify(np.array([each.start, each.end]))), each.edge) for each in plan.boundaries]
        order = [Edge.OPEN, Edge.VERGE, Edge.HEDGE, Edge.TRACK, Edge.STREET, Edge.MAIN_ROAD]
        drawn = sorted(lines, key=lambda each: order.index(each[1]))
        for line, edge in drawn:
            if edge in (Edge.VERGE, Edge.HEDGE):
                grass = self._palette.colour(Material.MEADOW, rng)
                self.band(line, rng.uniform(0.8, 2.5), Material.MEADOW, grass, reserve=False)
            elif edge is Edge.TRACK:
                self._track(line, rng)
            elif edge is Edge.STREET:
                pavement = Material.CONCRETE if rng.random() < 0.6 else Material.PAVING
                self.band(line, rng.uniform(6.6, 8.2), pavement, self._palette.colour(pavement, rng))
            elif edge is Edge.MAIN_ROAD:
                self.band(line, 12.0, Material.MEADOW, self._palette.colour(Material.MEADOW, rng))
        for line, edge in drawn:
            if edge is Edge.STREET:
                self.band(line, rng.uniform(4.6, 5.6), Material.ASPHALT, self._palette.vary(asphalt, rng, 0.05))
            elif edge is Edge.MAIN_ROAD:
                self.band(line, 7.4, Material.ASPHALT, self._palette.vary(asphalt, rng, 0.05))
                self._markings(line)
        return lines

    def band(self, line: Points, width_m: float, material: Material, colour: Colour, *, reserve: bool = True) -> None:
        """A strip of even width; height returns to the ground. reserve: later parcels may not cover it."""
        pixels = [np.round((line * PX_PER_M - 0.5) * 16).astype(np.int32)]
        thickness = max(1, round(width_m * PX_PER_M))
        for layer, value in (
            (self._canvas.albedo, scalar(colour)),
            (self._canvas.material, float(material)),
            (self._canvas.height, 0.0),
            (self._canvas.reserved, float(reserve)),
        ):
            cv2.polylines(layer, pixels, False, value, thickness, cv2.LINE_8, 4)

    def _track(self, line: Points, rng: np.random.Generator) -> None:
        """Two wheel ruts and a green middle, or plain gravel."""
        width = rng.uniform(3.0, 4.4)
        colour = self._palette.colour(Material.TRACK, rng)
        self.band(line, width + 1.4, Material.MEADOW, self._palette.colour(Material.MEADOW, rng))
        self.band(line, width, Material.TRACK, colour)
        if rng.random() < 0.6:
            pixels = [np.round((line * PX_PER_M - 0.5) * 16).astype(np.int32)]
            middle = colour * 0.7 + self._palette.colour(Material.MEADOW, rng) * 0.3
            cv2.polylines(self._canvas.albedo, pixels, False, scalar(middle), 4, cv2.LINE_8, 4)

    def _markings(self, line: Points) -> None:
        white = (226.0, 226.0, 224.0, 190.0)
        dense = densify(line, 1.0)
        for start in range(0, len(dense) - 4, 6):
            dash = [np.round((dense[start : start + 4] * PX_PER_M - 0.5) * 16).astype(np.int32)]
            cv2.polylines(self._canvas.albedo, dash, False, white, 1, cv2.LINE_AA, 4)
        for side in (-3.1, 3.1):
            edge = [np.round((_beside(dense, side) * PX_PER_M - 0.5) * 16).astype(np.int32)]
            cv2.polylines(self._canvas.albedo, edge, False, white, 1, cv2.LINE_AA, 4)

    def railway(self, line: Points, rng: np.random.Generator) -> None:
        """Ballast with sleepers and two bright rails on each of two tracks, a worn grass verge."""
        self.band(line, 15, Material.DRY_GRASS, self._palette.colour(Material.DRY_GRASS, rng))
        self.band(line, 10, Material.BALLAST, self._palette.colour(Material.BALLAST, rng))
        dense = densify(line, 0.6)
        for centre in (-2.0, 2.0):
            near, far = _beside(dense, centre - 1.25), _beside(dense, centre + 1.25)
            sleepers = np.round((np.stack([near, far], 1) * PX_PER_M - 0.5) * 16).astype(np.int32)
            cv2.polylines(self._canvas.albedo, list(sleepers), False, (112, 104, 98, 96), 1, cv2.LINE_8, 4)
            for rail in (centre - 0.72, centre + 0.72):
                pixels = [np.round((_beside(dense, rail) * PX_PER_M - 0.5) * 16).astype(np.int32)]
                cv2.polylines(self._canvas.albedo, pixels, False, (206, 198, 192, 168), 1, cv2.LINE_AA, 4)

    def river(self, line: Points, width_m: float, rng: np.random.Generator) -> None:
        """Water between shingle banks, wider and narrower, with shingle bars."""
        dense = densify(line, 3.0)
        swing = np.cumsum(rng.normal(0, 0.05, len(dense)))
        swing -= np.linspace(swing[0], swing[-1], len(dense))
        widths = width_m * np.clip(1 + swing, 0.7, 1.45)
        water = self._palette.vary(np.array([62, 80, 70, 34]), rng, 0.15)
        for extra, material, colour in (
            (7.0, Material.MEADOW, self._palette.colour(Material.MEADOW, rng)),
            (2.4, Material.ROCK, self._palette.colour(Material.ROCK, rng)),
            (0.0, Material.WATER, water),
        ):
            for index in range(len(dense) - 1):
                self.band(dense[index : index + 2], widths[index] + extra, material, colour)
        for index in range(5, len(dense) - 5, 14):
            if rng.random() < 0.35:
                side = rng.choice([-1, 1]) * widths[index] * 0.42
                bar = _beside(dense[index - 4 : index + 4], side)
                self.band(
                    bar,
                    width_m * rng.uniform(0.12, 0.25),
                    Material.ROCK,
                    self._palette.colour(Material.ROCK, rng),
                )

    def bank_trees(self, line: Points, width_m: float, woodland: Woodland, rng: np.random.Generator) -> None:
        """A broken gallery of trees on both banks."""
        dense = densify(line, 5.0)
        phase = rng.uniform(0, 6)
        for index, side in ((i, s) for i in range(1, len(dense) - 1) for s in (-1, 1)):
            if np.sin(index / 7 + phase * side) < -0.45:
                continue
            offset = side * (width_m * 0.62 + rng.uniform(1.5, 7))
            at = _beside(dense[index - 1 : index + 2], offset)[1] + rng.normal(0, 1, 2)
            radius = rng.uniform(1.8, 4.8)
            colour = woodland.colour(Kind.DECIDUOUS, rng)
            woodland.tree(at, radius, radius * rng.uniform(2.2, 3.2) + 2, Kind.DECIDUOUS, colour, rng)


def _beside(line: Points, offset_m: float) -> Points:
    """The line moved sideways, positive to the right of its direction."""
    tangent = np.gradient(line, axis=0)
    tangent /= np.maximum(np.hypot(tangent[:, 0], tangent[:, 1]), 1e-6)[:, None]
    return np.asarray(line + offset_m * np.stack([-tangent[:, 1], tangent[:, 0]], 1), np.float64)


def sweep(rng: np.random.Generator, through: tuple[float, float], size_m: float, bend_m: float) -> Points:
    """A smooth line crossing the whole scene near one point."""
    angle = rng.uniform(0, np.pi)
    direction, normal = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    along = np.arange(-1.5 * size_m, 1.5 * size_m, 4.0)
    wave = bend_m * (
        np.sin(along / rng.uniform(35, 60) + rng.uniform(0, 6)) * 0.5 + np.sin(along / rng.uniform(100, 160))
    )
    wave -= wave[np.argmin(np.abs(along))]
    line = np.asarray(through) + along[:, None] * direction + wave[:, None] * normal
    near = ((line > -60) & (line < size_m + 60)).all(1)
    return np.asarray(line[near], np.float64)
