"""One scene: imagery and truth of a made-up piece of country, decided by a seed."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from app.demonstration.buildings import Builder
from app.demonstration.camera import photograph, prepare
from app.demonstration.canvas import Canvas, Patch
from app.demonstration.changes import age
from app.demonstration.conditions import Conditions, draw_conditions
from app.demonstration.farming import Farm
from app.demonstration.ground import Ground
from app.demonstration.layout import Edge, Parcel, Plan, Zone, long_axis, make_plan
from app.demonstration.light import SHADOW_REACH_PX, sunlit_share
from app.demonstration.materials import CLASS_OF_MATERIAL
from app.demonstration.noise import Noise, Window
from app.demonstration.palette import Palette
from app.demonstration.roads import Roads, sweep
from app.demonstration.settlement import Settlement
from app.demonstration.themes import MOSAICS, Theme, Use
from app.demonstration.vegetation import Kind, Woodland

COMMUNE_PX = 3072  # from here on a scene is a whole commune with every theme
_STRIP_PX = 1536
_OFTEN = {
    Theme.VILLAGE: 1.6,
    Theme.SUBURB: 1.8,
    Theme.FARMLAND: 1.5,
    Theme.VINEYARDS: 1.3,
    Theme.INDUSTRY: 1.3,
    Theme.FOREST: 1.4,
    Theme.QUARRY: 0.7,
}
_FILTER_REACH_PX = 64  # blur, sky view and slopes see no further


@dataclass(frozen=True)
class Scene:
    """imagery: (5, height, width) uint8, R, G, B, NIR and E (height above ground, 1 count = 0.2 m, at most 51 m).
    truth: (height, width) uint8, class values 1..16 (CoSIA `numero`, 16 = Coupe)."""

    imagery: npt.NDArray[np.uint8]
    truth: npt.NDArray[np.uint8]


def compose(
    seed: int,
    size_px: int,
    *,
    conditions: Conditions | None = None,
    vintage: int = 0,
    zones: Sequence[Zone] | None = None,
    threads: int = 1,
) -> Scene:
    """The scene of a seed: the same arguments give the same bytes, whatever `threads` is.

    conditions: None draws them from the seed. vintage: 0, or 1 for the same place some years later.
    zones: where which theme reigns, metres from the upper left corner; None draws them, and gives a commune with
    every theme from 3072 px on.
    """
    rng = np.random.default_rng([seed, 1])
    size_m = size_px / 5.0
    places = list(zones) if zones is not None else draw_zones(np.random.default_rng([seed, 2]), size_px)
    flight = draw_conditions(np.random.default_rng([seed, 3, vintage])) if conditions is None else conditions
    noise = Noise(seed, size_px)
    canvas = Canvas(size_px)
    grain = 1.0 if size_px >= COMMUNE_PX else float(rng.uniform(0.15, 0.8))
    plan = make_plan(rng, size_m, places, grain)
    if vintage:
        aged = age(plan.parcels, size_m, np.random.default_rng([seed, 4]))
        plan = Plan(aged, plan.boundaries, plan.warp, plan.zones)
    _Painter(seed, canvas, Palette(flight), noise, plan).paint()
    prepare(noise)
    mountain = sum(zone.theme is Theme.MOUNTAIN for zone in places) / len(places)
    relief_m = 6 + 50 * mountain
    imagery = np.empty((5, size_px, size_px), np.uint8)

    sunlit = np.empty((size_px, size_px), np.uint8)

    def shade(window: Window) -> None:
        around = _grown(window, size_px, SHADOW_REACH_PX)
        share = sunlit_share(canvas.height[around.slices], flight)
        rows, columns = window.within(around)
        sunlit[window.slices] = share[rows, columns] * 255

    def shoot(window: Window) -> None:
        around = _grown(window, size_px, _FILTER_REACH_PX)
        sun = np.asarray(sunlit[around.slices] / np.float32(255), np.float32)
        shot = photograph(canvas, sun, around, noise, flight, relief_m)
        rows, columns = window.within(around)
        imagery[:, window.top : window.bottom, window.left : window.right] = shot[:, rows, columns]

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(shade, _windows(size_px)))
        list(pool.map(shoot, _windows(size_px)))
    return Scene(imagery, CLASS_OF_MATERIAL[canvas.material])


def draw_zones(rng: np.random.Generator, size_px: int) -> list[Zone]:
    """One to three themes for a training scene, every theme for a commune."""
    size_m = size_px / 5.0
    if size_px >= COMMUNE_PX:
        return commune(size_m)
    count = int(rng.choice([1, 2, 3], p=[0.2, 0.4, 0.4])) if size_px >= 512 else 1
    weights = np.array([_OFTEN.get(theme, 1.0) for theme in Theme])
    themes = rng.choice(np.array(list(Theme)), count, replace=False, p=weights / weights.sum())
    spots = rng.uniform(0.05, 0.95, (count, 2)) * size_m
    return [Zone((float(x), float(y)), Theme(theme)) for (x, y), theme in zip(spots, themes, strict=True)]


def commune(size_m: float) -> list[Zone]:
    """A village with its estates at the middle, works along the railway, country around, a mountain in one corner."""
    spots = [
        (0.46, 0.50, Theme.VILLAGE),
        (0.33, 0.42, Theme.SUBURB),
        (0.58, 0.38, Theme.SUBURB),
        (0.62, 0.62, Theme.SUBURB),
        (0.36, 0.66, Theme.INDUSTRY),
        (0.16, 0.60, Theme.VINEYARDS),
        (0.14, 0.30, Theme.VINEYARDS),
        (0.10, 0.88, Theme.FARMLAND),
        (0.45, 0.88, Theme.FARMLAND),
        (0.86, 0.62, Theme.FARMLAND),
        (0.72, 0.86, Theme.RIVERSIDE),
        (0.60, 0.14, Theme.FOREST),
        (0.36, 0.14, Theme.FARMLAND),
        (0.80, 0.34, Theme.FOREST),
        (0.12, 0.08, Theme.QUARRY),
        (0.94, 0.06, Theme.MOUNTAIN),
        (0.84, 0.12, Theme.MOUNTAIN),
        (0.95, 0.20, Theme.MOUNTAIN),
    ]
    return [Zone((x * size_m, y * size_m), theme) for x, y, theme in spots]


class _Painter:
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


def _windows(size_px: int) -> list[Window]:
    starts = range(0, size_px, _STRIP_PX)
    return [
        Window(left, top, min(left + _STRIP_PX, size_px), min(top + _STRIP_PX, size_px))
        for top in starts
        for left in starts
    ]


def _grown(window: Window, size_px: int, margin: int) -> Window:
    return Window(
        max(window.left - margin, 0),
        max(window.top - margin, 0),
        min(window.right + margin, size_px),
        min(window.bottom + margin, size_px),
    )
