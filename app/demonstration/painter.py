"""A plan painted on the canvas, from the ground up."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from app.demonstration.buildings import Builder
from app.demonstration.canvas import Canvas, Patch
from app.demonstration.crowns import Kind
from app.demonstration.farming import Farm
from app.demonstration.ground import Ground
from app.demonstration.joints import lay_joints
from app.demonstration.layout import Edge, Parcel, Plan, long_axis
from app.demonstration.noise import Noise
from app.demonstration.palette import Palette
from app.demonstration.roads import Roads, sweep
from app.demonstration.settlement import Settlement
from app.demonstration.themes import MOSAICS, Theme, Use
from app.demonstration.vegetation import Woodland


class Painter:
    """Paints a plan in the order in which things cover one another."""

    def __init__(self, seed: int, canvas: Canvas, palette: Palette, noise: Noise, plan: Plan) -> None:
        self._seed = seed
        self._canvas = canvas
        self._plan = plan
        self._rng = np.random.default_rng([seed, 5])
        self._palette = palette
        self._woodland = Woodland(canvas, palette, noise, np.random.default_rng([seed, 6]))
        self._farm = Farm(palette, noise, self._woodland)
        self._ground = Ground(palette, noise, self._woodland)
        self._build = Builder(canvas, palette, noise)
        self._town = Settlement(canvas, palette, noise, self._woodland, self._build, self._farm, plan.warp)
        self._roads = Roads(canvas, palette, noise)

    def paint(self) -> None:
        self._each(self._lay)
        themes = {zone.theme for zone in self._plan.zones}
        lines = self._roads.draw(self._plan, self._rng)
        river_rng, rail_rng = np.random.default_rng([self._seed, 7]), np.random.default_rng([self._seed, 8])
        size_m = self._canvas.size_m
        if Theme.RIVERSIDE in themes:
            through = next(zone.centre for zone in self._plan.zones if zone.theme is Theme.RIVERSIDE)
            river, width = sweep(river_rng, through, size_m, 16), river_rng.uniform(7, 24)
            self._roads.river(river, width, river_rng)
        if Theme.INDUSTRY in themes and (rail_rng.random() < 0.6 or size_m > 500):
            through = next(zone.centre for zone in self._plan.zones if zone.theme is Theme.INDUSTRY)
            self._roads.railway(sweep(rail_rng, (through[0] + 25, through[1] - 20), size_m, 5), rail_rng)
        self._each(self._furnish)
        if Theme.RIVERSIDE in themes:
            self._roads.bank_trees(river, width, self._woodland, river_rng)
        self._along(lines)
        lay_joints(self._canvas, np.random.default_rng([self._seed, 30]))

    def _each(self, paint: Callable[[Parcel, Patch], None]) -> None:
        for parcel in self._plan.parcels:
            patch = self._canvas.patch(self._plan.warp.outline(parcel.outline))
            if patch is not None and patch.mask.any():
                paint(parcel, patch)

    def _random(self, parcel: Parcel, step: int) -> tuple[np.random.Generator, float]:
        return np.random.default_rng([self._seed, 10 + step, parcel.index]), long_axis(parcel.outline)[0]

    def _lay(self, parcel: Parcel, patch: Patch) -> None:
        """Open ground, under the roads."""
        rng, angle = self._random(parcel, 0)
        layers: dict[Use, Callable[[], None]] = {
            Use.CROP: lambda: self._farm.crop(patch, angle, rng),
            Use.PLOUGHED: lambda: self._farm.ploughed(patch, angle, rng),
            Use.MEADOW: lambda: self._farm.meadow(patch, angle, rng),
            Use.VINEYARD: lambda: self._farm.vineyard(patch, angle, rng),
            Use.CLEAR_CUT: lambda: self._woodland.clear_cut(patch, rng),
            Use.POND: lambda: self._ground.pond(patch, rng),
            Use.QUARRY: lambda: self._ground.quarry(patch, rng),
            Use.SNOWFIELD: lambda: self._ground.snowfield(patch, rng),
            Use.SCREE: lambda: self._ground.scree(patch, rng),
            Use.GLASSHOUSES: lambda: self._farm.glasshouses(patch, angle, rng),
            Use.YARD: lambda: self._town.yard(patch, rng),
            Use.BRUSH: lambda: self._farm.meadow(patch, angle, rng),
        }
        layers.get(parcel.use, lambda: self._farm.meadow(patch, angle, rng))()

    def _furnish(self, parcel: Parcel, patch: Patch) -> None:
        """What stands on the ground, after the roads."""
        rng, angle = self._random(parcel, 1)
        tall = float(rng.uniform(7, 22))
        pieces: dict[Use, Callable[[], None]] = {
            Use.OLD_TOWN: lambda: self._town.old_town(parcel, rng),
            Use.ESTATE: lambda: self._town.estate(parcel, rng, parcel.fresh),
            Use.FARMSTEAD: lambda: self._town.farmstead(parcel, patch, angle, rng),
            Use.WORKS: lambda: self._town.works(parcel, patch, rng),
            Use.CAR_PARK: lambda: self._town.car_park(patch, angle, rng),
            Use.SQUARE: lambda: self._town.square(patch, angle, rng),
            Use.PARK: lambda: self._town.park(patch, angle, rng),
            Use.ORCHARD: lambda: self._farm.orchard(patch, angle, rng),
            Use.DECIDUOUS: lambda: self._woodland.wood(
                patch, rng, [(Kind.DECIDUOUS, 0.96), (Kind.CONIFER, 0.04)], tall
            ),
            Use.CONIFER: lambda: self._woodland.wood(patch, rng, [(Kind.CONIFER, 0.95), (Kind.DECIDUOUS, 0.05)], tall),
            Use.MIXED: lambda: self._woodland.wood(patch, rng, [(Kind.DECIDUOUS, 0.55), (Kind.CONIFER, 0.45)], tall),
            Use.MEADOW: lambda: self._woodland.lone_trees(patch, rng, 0.35),
            Use.CROP: lambda: self._woodland.lone_trees(patch, rng, 0.05),
            Use.BRUSH: lambda: self._woodland.brush(patch, rng, float(rng.uniform(0.35, 0.8))),
        }
        pieces.get(parcel.use, lambda: None)()

    def _along(self, lines: list[tuple[np.ndarray, Edge]]) -> None:
        """Hedges, street trees and cars along the boundaries."""
        built = any(MOSAICS[zone.theme].built for zone in self._plan.zones)
        for number, (line, edge) in enumerate(lines):
            rng = np.random.default_rng([self._seed, 9, number])
            inside = ((line > -10) & (line < self._canvas.size_m + 10)).all(1)
            if inside.sum() < 2:
                continue
            if edge is Edge.HEDGE:
                tall = float(rng.uniform(2, 8))
                self._woodland.hedge(line[inside], rng, Kind.DECIDUOUS, 0.5 + tall * 0.22, tall)
            elif edge in (Edge.STREET, Edge.MAIN_ROAD):
                self._traffic(line[inside], rng, built and edge is Edge.STREET)

    def _traffic(self, line: np.ndarray, rng: np.random.Generator, parked: bool) -> None:
        for start, end in pairwise(line):
            ahead = end - start
            angle = float(np.arctan2(ahead[1], ahead[0]))
            aside = np.array([-np.sin(angle), np.cos(angle)])
            if rng.random() < (0.22 if parked else 0.05):
                self._build.car(start + aside * rng.choice([-1.7, 1.7]), angle + rng.normal(0, 0.03), rng)
            if parked and rng.random() < 0.05:
                radius = rng.uniform(1.2, 2.8)
                colour = self._woodland.colour(Kind.DECIDUOUS, rng)
                at = start + aside * rng.choice([-4.2, 4.2])
                self._woodland.tree(at, radius, radius * 2 + 2, Kind.DECIDUOUS, colour, rng)
