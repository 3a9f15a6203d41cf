"""Built parcels: old town blocks, housing estates, farmsteads, works, car parks, squares and parks."""

import numpy as np

from app.demonstration.buildings import Builder
from app.demonstration.canvas import Canvas, Patch, Points, rectangle
from app.demonstration.crowns import Kind
from app.demonstration.farming import Farm
from app.demonstration.layout import Parcel, Warp, area, densify, long_axis, split
from app.demonstration.materials import Material
from app.demonstration.noise import Noise
from app.demonstration.palette import Palette
from app.demonstration.vegetation import Woodland, scatter


class Settlement:
    """Paints built parcels; `warp` bends the plan, buildings stay straight."""

    def __init__(
        self,
        canvas: Canvas,
        palette: Palette,
        noise: Noise,
        woodland: Woodland,
        builder: Builder,
        farm: Farm,
        warp: Warp,
    ) -> None:
        self._canvas = canvas
        self._palette = palette
        self._noise = noise
        self._woodland = woodland
        self._build = builder
        self._farm = farm
        self._warp = warp

    def surface(self, patch: Patch, material: Material, rng: np.random.Generator) -> None:
        """Even ground over a whole parcel."""
        patch.paint(material, self._palette.colour(material, rng), height=0.0)

    def _plots(self, outline: Points, target_m2: float, rng: np.random.Generator) -> list[Points]:
        return [piece for piece, _ in split(outline, target_m2, rng, 0.04) if len(piece) >= 3]

    def _bent(self, point: Points, angle: float) -> tuple[Points, float]:
        """Place and direction after warping."""
        ahead = point + np.array([np.cos(angle), np.sin(angle)])
        pair = self._warp.points(np.stack([point, ahead]))
        across = pair[1] - pair[0]
        return pair[0], float(np.arctan2(across[1], across[0]))

    def old_town(self, parcel: Parcel, rng: np.random.Generator) -> None:
        """Terraced houses along the streets around courtyards of gravel, paving and a few trees."""
        patch = self._canvas.patch(self._warp.outline(parcel.outline))
        if patch is None:
            return
        court = Material.GRAVEL if rng.random() < 0.45 else Material.PAVING
        self.surface(patch, court, rng)
        green = patch.mask & (self._noise.fractal(500, 60, 3, patch.window) > 0.45)
        patch.paint(Material.LAWN, self._palette.colour(Material.LAWN, rng), where=green)
        corners = parcel.outline
        middle = corners.mean(0)
        depth = rng.uniform(8.5, 12.5)
        storey = rng.uniform(5.5, 8.5)
        for start, end in zip(corners, np.roll(corners, -1, 0), strict=True):
            side = float(np.hypot(*(end - start)))
            direction = (end - start) / max(side, 1e-6)
            inward = np.array([-direction[1], direction[0]])
            inward = inward if (middle - start) @ inward > 0 else -inward
            along = depth * 0.5 + 2
            while along < side - depth * 0.45:
                front = rng.uniform(6, 14)
                deep = depth * rng.uniform(0.8, 1.25)
                turned = float(np.arctan2(direction[1], direction[0]))
                on_street = start + direction * (along + front / 2)
                along += front
                if rng.random() < 0.06:
                    continue
                eave, slope = storey * rng.uniform(0.75, 1.3), rng.uniform(0.25, 0.5)
                for setback in (3.6, 6.6):  # behind the pavement, or behind the verge of a main road
                    at, angle = self._bent(on_street + inward * (setback + deep / 2), turned)
                    house = rectangle(at, front - 0.6, deep * 0.9, angle)
                    if self._build.is_off_lines(house) and self._within(patch, at):
                        self._build.pitched(at, front + 0.1, deep, angle, eave, rng, hipped=False, slope=slope)
                        break
        self._courtyard(patch, long_axis(corners)[0], rng)

    def _courtyard(self, patch: Patch, angle: float, rng: np.random.Generator) -> None:
        """Back buildings and trees in the free middle of an old block."""
        for at in scatter(patch, 11.5, rng, 0.3, angle):
            turned = angle + rng.choice([0, np.pi / 2]) + rng.normal(0, 0.04)
            long, wide = rng.uniform(5, 13), rng.uniform(4, 9)
            if rng.random() < 0.5 and self._build.is_free(rectangle(at, long, wide, turned)):
                self._build.pitched(at, long, wide, turned, rng.uniform(2.6, 7), rng)
        for at in scatter(patch, 11, rng, 0.45):
            if rng.random() < 0.45 and self._build.is_free(rectangle(at, 2, 2, 0)):
                self._woodland.garden_tree(at, rng)

    def _within(self, patch: Patch, at: Points) -> bool:
        x, y = np.floor(at * 5).astype(int) - (patch.window.left, patch.window.top)
        rows, columns = patch.mask.shape
        return not (0 <= x < columns and 0 <= y < rows) or bool(patch.mask[y, x])

    def estate(self, parcel: Parcel, rng: np.random.Generator, newest: bool) -> None:
        """Plots of single houses with lawn, terrace, drive, pool, trees and hedges.

        newest: plots still empty in the first vintage are built upon."""
        grain = rng.uniform(340, 700)
        for number, plot in enumerate(self._plots(parcel.outline, grain, rng)):
            own = np.random.default_rng([parcel.index, number, int(rng.integers(1 << 31))])
            vacant = own.random() < 0.12
            self._plot(plot, own, built=not vacant or newest)

    def _plot(self, plot: Points, rng: np.random.Generator, built: bool) -> None:
        patch = self._canvas.patch(self._warp.outline(plot))
        if patch is None or not patch.mask.any():
            return
        angle, length, _ = long_axis(plot)
        self._farm.meadow(patch, angle, rng, Material.LAWN)
        if not built:
            bare = patch.mask & (self._noise.fractal(510, 60, 3, patch.window) > rng.uniform(-0.6, 0.6))
            patch.paint(Material.SOIL, self._palette.colour(Material.SOIL, rng), where=bare)
            return
        worn = patch.mask & (self._noise.fractal(511, 40, 2, patch.window) > rng.uniform(0.7, 1.3))
        patch.paint(Material.SOIL, self._palette.colour(Material.SOIL, rng), where=worn)
        side = rng.choice([-1, 1]) * length * rng.uniform(0.02, 0.16)
        middle = plot.mean(0)
        along = np.array([np.cos(angle), np.sin(angle)])
        at, turned = self._bent(middle + along * side, angle)
        turned += rng.choice([0, np.pi / 2]) + rng.normal(0, 0.05)
        size = np.sqrt(area(plot))
        house, deep = min(rng.uniform(9.5, 16.5), size * 0.66), min(rng.uniform(8, 11), size * 0.52)
        self._drive(middle, along, side, length, rng)
        terrace = self._canvas.patch(rectangle(at, house + rng.uniform(1, 4), deep + rng.uniform(2, 7), turned))
        if terrace is not None and rng.random() < 0.85:
            paved = rng.choice([Material.PAVING, Material.CONCRETE, Material.GRAVEL])
            over = terrace.mask & (terrace.material != Material.ASPHALT)
            terrace.paint(Material(paved), self._palette.colour(Material(paved), rng), where=over)
        if self._build.is_free(rectangle(at, house, deep, turned)):
            self._house(at, house, deep, turned, rng)
        if rng.random() < 0.55 and size > 17:
            self._pool(middle - along * np.sign(side) * length * 0.27, angle, rng)
        if rng.random() < 0.3:
            shed, turn = self._bent(middle - along * side * 1.5 + rng.normal(0, 4, 2), angle)
            if self._build.is_free(rectangle(shed, 4, 3.5, turn)):
                self._build.pitched(shed, rng.uniform(2.5, 4), rng.uniform(2, 3), turn, 2.1, rng)
        self._trees(patch, rng)
        if rng.random() < 0.7:
            self._plot_hedge(plot, rng)

    def _house(self, at: Points, length: float, width: float, angle: float, rng: np.random.Generator) -> None:
        if rng.random() < 0.1:
            self._build.flat(at, length, width, angle, rng.uniform(2.9, 6.2), rng)
            return
        colour, eave, slope = self._palette.pitched_roof(rng), rng.uniform(2.5, 5.8), rng.uniform(0.28, 0.75)
        if rng.random() < 0.5:
            wing = at + (rectangle((0, 0), length * 0.6, width * 1.1, angle)[int(rng.integers(4))])
            if self._build.is_free(rectangle(wing, length * 0.45, width * 0.8, angle)):
                self._build.pitched(
                    wing,
                    width * 0.95,
                    length * 0.5,
                    angle + np.pi / 2,
                    eave * 0.92,
                    rng,
                    colour=colour,
                    slope=slope,
                )
        self._build.pitched(at, length, width, angle, eave, rng, colour=colour, slope=slope)

    def _drive(self, middle: Points, along: Points, side: float, length: float, rng: np.random.Generator) -> None:
        ground = Material(
            rng.choice([Material.GRAVEL, Material.CONCRETE, Material.ASPHALT, Material.PAVING, Material.GRAVEL])
        )
        end = middle + along * np.sign(side) * length * 0.5
        centre, angle = self._bent((middle + along * side + end) / 2, float(np.arctan2(along[1], along[0])))
        offset = np.array([-np.sin(angle), np.cos(angle)]) * rng.uniform(-5, 5)
        reach = abs(length * 0.5 - abs(side)) + 4
        drive = self._canvas.patch(rectangle(centre + offset, reach, rng.uniform(3, 5.5), angle))
        if drive is None:
            return
        road = np.isin(drive.material, (Material.ASPHALT, Material.CONCRETE, Material.WATER))
        drive.paint(
            Material.PAVING if ground is Material.ASPHALT else ground,
            self._palette.colour(ground, rng),
            where=drive.mask & ~road,
        )
        if rng.random() < 0.6:
            self._build.car(centre + offset, angle, rng)

    def _pool(self, point: Points, angle: float, rng: np.random.Generator) -> None:
        at, turned = self._bent(point, angle)
        turned += rng.choice([0, np.pi / 2])
        length, width = rng.uniform(6, 11), rng.uniform(3.2, 5)
        if self._build.is_free(rectangle(at, length + 1.5, width + 1.5, turned)):
            self._build.pool(at, length, width, turned, rng)

    def _trees(self, patch: Patch, rng: np.random.Generator) -> None:
        wooded = rng.uniform(0.1, 0.75)
        for at in scatter(patch, 6.5, rng, 0.5):
            if rng.random() < wooded and self._build.is_free(rectangle(at, 2.5, 2.5, 0)):
                if rng.random() < 0.3:
                    radius = rng.uniform(0.5, 1.2)
                    colour = self._woodland.colour(Kind.SHRUB, rng)
                    self._woodland.tree(at, radius, radius * 1.4, Kind.SHRUB, colour, rng)
                else:
                    self._woodland.garden_tree(at, rng)

    def _plot_hedge(self, plot: Points, rng: np.random.Generator) -> None:
        kind = Kind.CONIFER if rng.random() < 0.4 else Kind.DECIDUOUS
        inner = plot.mean(0) + (plot - plot.mean(0)) * 0.95
        for index in range(len(inner)):
            if rng.random() < 0.55:
                line = self._warp.points(densify(inner[[index, (index + 1) % len(inner)]]))
                open_line = [at for at in line if self._build.is_free(rectangle(at, 1.2, 1.2, 0))]
                if len(open_line) > 1:
                    self._woodland.hedge(np.array(open_line), rng, kind, rng.uniform(0.5, 0.9), rng.uniform(1.4, 2.6))

    def farmstead(self, parcel: Parcel, patch: Patch, angle: float, rng: np.random.Generator) -> None:
        """A farm: house, barns around a gravel yard, meadow behind."""
        self._farm.meadow(patch, angle, rng)
        middle = self._warp.points(parcel.outline.mean(0)[None])[0]
        yard = patch.mask & (self._noise.fractal(520, 60, 3, patch.window) * 6 + _far(patch, middle) < 24)
        patch.paint(Material.GRAVEL, self._palette.colour(Material.GRAVEL, rng), where=yard)
        for number in range(int(rng.integers(2, 5))):
            bearing = angle + number * np.pi / 2 + rng.normal(0, 0.15)
            at = middle + np.array([np.cos(bearing), np.sin(bearing)]) * rng.uniform(12, 20)
            long, wide = rng.uniform(12, 30), rng.uniform(8, 13)
            if not self._build.is_free(rectangle(at, long, wide, bearing + np.pi / 2)) or not self._within(patch, at):
                continue
            if number and rng.random() < 0.4:
                self._build.flat(at, long, wide, bearing + np.pi / 2, rng.uniform(4.5, 7), rng, metal=True)
            else:
                self._build.pitched(at, long, wide, bearing + np.pi / 2, rng.uniform(3.5, 6), rng, hipped=False)
        for at in scatter(patch, 12, rng, 0.5):
            if rng.random() < 0.35 and self._build.is_free(rectangle(at, 3, 3, 0)):
                self._woodland.garden_tree(at, rng)

    def works(self, parcel: Parcel, patch: Patch, rng: np.random.Generator) -> None:
        """Large flat or metal roofs on asphalt or concrete, with lawn strips and parked vehicles."""
        ground = Material.ASPHALT if rng.random() < 0.6 else Material.CONCRETE
        self.surface(patch, ground, rng)
        strip = patch.mask & (patch.inside_m < rng.uniform(6.5, 10))
        patch.paint(Material.LAWN, self._palette.colour(Material.LAWN, rng), where=strip)
        angle, _, _ = long_axis(parcel.outline)
        for plot in self._plots(parcel.outline, rng.uniform(2500, 6000), rng):
            plot_angle, length, width = long_axis(plot)
            at, turned = self._bent(plot.mean(0), plot_angle)
            long, wide = length * rng.uniform(0.52, 0.76), width * rng.uniform(0.48, 0.7)
            free = self._build.is_free(rectangle(at, long, wide, turned))
            if min(long, wide) > 8 and free and self._within(patch, at):
                self._build.flat(at, long, wide, turned, rng.uniform(5, 12), rng, metal=rng.random() < 0.6)
        self._parked(patch, angle, rng, 0.3)

    def car_park(self, patch: Patch, angle: float, rng: np.random.Generator) -> None:
        """Asphalt with painted bays, cars and rows of young trees."""
        self.surface(patch, Material.ASPHALT if rng.random() < 0.8 else Material.GRAVEL, rng)
        edge = patch.mask & (patch.inside_m < 6.2)
        patch.paint(Material.LAWN, self._palette.colour(Material.LAWN, rng), where=edge)
        self._parked(patch, angle, rng, 0.7, bays=True)

    def _parked(self, patch: Patch, angle: float, rng: np.random.Generator, filled: float, bays: bool = False) -> None:
        along_axis, across_axis = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        along, across = patch.axes(_middle(patch), angle)
        inner = patch.mask & (patch.inside_m > 8)
        if bays:
            lines = inner & (np.mod(along, np.float32(2.5)) < 0.15) & (np.abs(np.mod(across, np.float32(16)) - 8) < 5)
            lines &= np.isin(patch.material, (Material.ASPHALT,))
            patch.albedo[lines] = np.array((214, 214, 212, 180), np.uint8)
        if not inner.any():
            return
        low_x, high_x = float(along[inner].min()), float(along[inner].max())
        low_y, high_y = float(across[inner].min()), float(across[inner].max())
        for row in np.arange(np.floor(low_y / 16) * 16 + 8, high_y, 16.0):
            for lane in (-2.6, 2.6):
                for x in np.arange(np.floor(low_x / 2.5) * 2.5 + 1.3, high_x, 2.5):
                    if rng.random() > filled:
                        continue
                    at = _middle(patch) + along_axis * x + across_axis * (row + lane)
                    px, py = np.floor(at * 5).astype(int) - (patch.window.left, patch.window.top)
                    if 0 <= px < inner.shape[1] and 0 <= py < inner.shape[0] and inner[py, px]:
                        self._build.car(at, angle + np.pi / 2 + rng.normal(0, 0.03), rng)
        if bays:
            for at in scatter(patch, 13, rng, 0.1, angle):
                if rng.random() < 0.4:
                    radius = rng.uniform(1.0, 2.4)
                    colour = self._woodland.colour(Kind.DECIDUOUS, rng)
                    self._woodland.tree(at, radius, radius * 2 + 2, Kind.DECIDUOUS, colour, rng)

    def yard(self, patch: Patch, rng: np.random.Generator) -> None:
        """Open storage ground: gravel against bare soil, weeds, a few heaps and vehicles."""
        self.surface(patch, Material.GRAVEL, rng)
        bare = patch.mask & (self._noise.fractal(530, 110, 3, patch.window) > rng.uniform(-0.2, 0.6))
        patch.paint(Material.SOIL, self._palette.colour(Material.SOIL, rng), where=bare)
        weeds = patch.mask & ((self._noise.fractal(533, 46, 3, patch.window) > 0.6) | (patch.inside_m < 5.5))
        patch.paint(Material.DRY_GRASS, self._palette.colour(Material.DRY_GRASS, rng), where=weeds)
        self._parked(patch, float(rng.uniform(0, 3)), rng, 0.12)

    def square(self, patch: Patch, angle: float, rng: np.random.Generator) -> None:
        """A paved or gravelled square with planes in rows and a low building or none."""
        ground = rng.choice([Material.PAVING, Material.CONCRETE, Material.GRAVEL])
        self.surface(patch, Material(ground), rng)
        along, across = patch.axes(_middle(patch), angle)
        joints = patch.mask & ((np.mod(along, np.float32(5)) < 0.2) | (np.mod(across, np.float32(5)) < 0.2))
        patch.albedo[joints] = (patch.albedo[joints] * 0.92).astype(np.uint8)
        planted = patch.inside_m > 5.5
        for at in scatter(patch, 8.5, rng, 0.06, angle):
            x, y = np.floor(at * 5).astype(int) - (patch.window.left, patch.window.top)
            if planted[y, x] and rng.random() < 0.6:
                radius = rng.uniform(2, 4.2)
                colour = self._woodland.colour(Kind.DECIDUOUS, rng)
                self._woodland.tree(at, radius, radius * 2.4 + 2, Kind.DECIDUOUS, colour, rng)

    def park(self, patch: Patch, angle: float, rng: np.random.Generator) -> None:
        """Lawn with gravel walks, trees of all sizes, at times a sports court."""
        self._farm.meadow(patch, angle, rng, Material.LAWN)
        walk = np.abs(self._noise.smooth(540, 130, patch.window)) < 0.035
        patch.paint(Material.GRAVEL, self._palette.colour(Material.GRAVEL, rng), where=patch.mask & walk)
        middle = _middle(patch)
        court = rectangle(middle, 24, 13, angle)
        if rng.random() < 0.4 and self._build.is_free(court):
            field = self._canvas.patch(court)
            if field is not None:
                tint = [(70, 120, 100, 90), (160, 90, 70, 120), (90, 110, 160, 100)][int(rng.integers(3))]
                field.paint(Material.CONCRETE, self._palette.vary(tint, rng), height=0.0)
        for at in scatter(patch, 9, rng, 0.5):
            if rng.random() < 0.5 and np.hypot(*(at - middle)) > 14:
                self._woodland.garden_tree(at, rng)


def _middle(patch: Patch) -> Points:
    window = patch.window
    return np.array([window.left + window.right, window.top + window.bottom]) / 10.0


def _far(patch: Patch, point: Points) -> np.ndarray:
    along, across = patch.axes(point, 0.0)
    return np.hypot(along, across)
