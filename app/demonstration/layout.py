"""The plan of a scene in metres: roads, parcels and their uses, before anything is painted."""

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from app.demonstration.canvas import Points
from app.demonstration.themes import MOSAICS, Theme, Use


class Edge(StrEnum):
    MAIN_ROAD = "main road"
    STREET = "street"
    TRACK = "track"
    HEDGE = "hedge"
    VERGE = "verge"
    OPEN = "open"  # nothing marks it


@dataclass(frozen=True)
class Zone:
    """A point whose surroundings (nearest zone) follow one theme."""

    centre: tuple[float, float]
    theme: Theme


@dataclass(frozen=True)
class Parcel:
    """outline: (n, 2) metres, convex before warping. fresh: newly built since the first vintage."""

    index: int
    outline: Points
    theme: Theme
    use: Use
    fresh: bool = False

    def with_use(self, use: Use) -> "Parcel":
        return replace(self, use=use)


@dataclass(frozen=True)
class Boundary:
    start: tuple[float, float]
    end: tuple[float, float]
    edge: Edge


_UNFENCED = {Theme.QUARRY, Theme.MOUNTAIN, Theme.FOREST}


class Warp:
    """A smooth bending of the plan, so that no road or field is ruled."""

    def __init__(self, rng: np.random.Generator, strength: float) -> None:
        self._waves = rng.uniform(-1, 1, (4, 2)) * (2 * np.pi / rng.uniform(110, 420, (4, 1)))
        self._phases = rng.uniform(0, 2 * np.pi, 4)
        self._moves = rng.normal(0, 1, (4, 2)) * strength

    def points(self, points: npt.ArrayLike) -> Points:
        at = np.asarray(points, np.float64)
        return np.asarray(at + np.sin(at @ self._waves.T + self._phases) @ self._moves, np.float64)

    def outline(self, corners: Points) -> Points:
        """A closed polygon with points every few metres, bent."""
        return self.points(densify(np.vstack([corners, corners[:1]]))[:-1])


@dataclass(frozen=True)
class Plan:
    parcels: list[Parcel]
    boundaries: list[Boundary]
    warp: Warp
    zones: list[Zone]


def densify(line: Points, step_m: float = 6.0) -> Points:
    """The same polyline (n, 2) with a point at least every `step_m`."""
    pieces = []
    for start, end in pairwise(line):
        count = max(1, int(np.hypot(*(end - start)) // step_m))
        pieces.append(start + (end - start) * np.linspace(0, 1, count, endpoint=False)[:, None])
    return np.vstack([*pieces, line[-1:]])


def area(polygon: Points) -> float:
    x, y = polygon[:, 0], polygon[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def cut(polygon: Points, through: Points, direction: float) -> tuple[list[Points], Points | None]:
    """A convex polygon cut by a line; returns the pieces and the two ends of the cut."""
    normal = np.array([-np.sin(direction), np.cos(direction)])
    side = (polygon - through) @ normal
    left: list[Points] = []
    right: list[Points] = []
    ends: list[Points] = []
    for index in range(len(polygon)):
        after = (index + 1) % len(polygon)
        (left if side[index] >= 0 else right).append(polygon[index])
        if (side[index] >= 0) != (side[after] >= 0):
            share = side[index] / (side[index] - side[after])
            point = polygon[index] + share * (polygon[after] - polygon[index])
            left.append(point)
            right.append(point)
            ends.append(point)
    if len(ends) != 2:
        return [polygon], None
    return [np.array(left), np.array(right)], np.array(ends)


def long_axis(polygon: Points) -> tuple[float, float, float]:
    """(angle in radians, length, width) of the smallest rectangle around a polygon."""
    _, (first, second), degrees = cv2.minAreaRect(polygon.astype(np.float32))
    angle = np.deg2rad(degrees)
    return (angle, first, second) if first >= second else (angle + np.pi / 2, second, first)


def split(
    polygon: Points, target_m2: float, rng: np.random.Generator, jitter: float = 0.08
) -> list[tuple[Points, Points | None]]:
    """Recursive halving across the long side until pieces are under about `target_m2`; each with its last cut."""
    if area(polygon) < target_m2 * rng.uniform(0.9, 1.7):
        return [(polygon, None)]
    pieces, ends = halve(polygon, rng, jitter)
    found: list[tuple[Points, Points | None]] = []
    for piece in pieces:
        found += split(piece, target_m2, rng, jitter) if ends is not None else [(piece, None)]
    if ends is not None:
        found.append((np.empty((0, 2)), ends))
    return found


def halve(polygon: Points, rng: np.random.Generator, jitter: float) -> tuple[list[Points], Points | None]:
    angle, length, _ = long_axis(polygon)
    shift = rng.uniform(-0.12, 0.12) * length
    through = polygon.mean(0) + shift * np.array([np.cos(angle), np.sin(angle)])
    return cut(polygon, through, angle + np.pi / 2 + rng.normal(0, jitter))


def make_plan(rng: np.random.Generator, size_m: float, zones: list[Zone], grain: float) -> Plan:
    """Blocks between roads, parcels within blocks, one use each, over a square a little larger than the scene.

    grain: factor on the size of parcels in open country.
    """
    built_share = sum(MOSAICS[zone.theme].built for zone in zones) / len(zones)
    warp = Warp(rng, 3.0 + 4.0 * (1 - built_share))
    turn, half = rng.uniform(0, np.pi / 2), size_m * 0.78 + 25
    square = np.array([[-half, -half], [half, -half], [half, half], [-half, half]])
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    parcels: list[Parcel] = []
    boundaries: list[Boundary] = []

    def theme_at(point: Points) -> Theme:
        wobble = warp.points(point) * 1.0
        return min(zones, key=lambda zone: float(np.hypot(*(wobble - zone.centre)))).theme

    def outside(polygon: Points) -> bool:
        low, high = polygon.min(0), polygon.max(0)
        return bool((high < -30).any() or (low > size_m + 30).any())

    dealt: dict[tuple[Theme, Use], float] = {}

    def deal(theme: Theme) -> Use:
        # The use furthest behind its share comes next: rare uses turn up in small scenes too.
        uses = MOSAICS[theme].uses
        use = min(uses, key=lambda each: (dealt.get((theme, each), 0) + rng.uniform(0.15, 1.15)) / uses[each])
        dealt[theme, use] = dealt.get((theme, use), 0) + 1
        return use

    def divide(polygon: Points, depth: int) -> None:
        if outside(polygon):
            return
        theme = theme_at(polygon.mean(0))
        mosaic = MOSAICS[theme]
        surface = area(polygon)
        if surface < mosaic.parcel_m2 * (1 if mosaic.built else grain) * rng.uniform(0.8, 1.8):
            parcels.append(Parcel(len(parcels), polygon, theme, deal(theme)))
            return
        pieces, ends = halve(polygon, rng, 0.05 if mosaic.built else 0.17)
        if ends is None:
            return
        boundaries.append(
            Boundary(
                tuple(ends[0]),
                tuple(ends[1]),
                _edge(mosaic_theme=theme, surface=surface, depth=depth, rng=rng),
            )
        )
        for piece in pieces:
            divide(piece, depth + 1)

    divide(square @ rotation + size_m / 2, 0)
    return Plan(parcels, boundaries, warp, zones)


def _edge(mosaic_theme: Theme, surface: float, depth: int, rng: np.random.Generator) -> Edge:
    mosaic = MOSAICS[mosaic_theme]
    if depth == 0 or (surface > 250_000 and depth < 3):
        return Edge.MAIN_ROAD if mosaic_theme is not Theme.MOUNTAIN else Edge.TRACK
    if surface > mosaic.block_m2:
        if mosaic.built:
            return Edge.STREET
        return Edge.STREET if rng.random() < 0.25 and mosaic_theme is not Theme.MOUNTAIN else Edge.TRACK
    draw = rng.random()
    if draw < mosaic.hedges:
        return Edge.HEDGE
    if not mosaic.built and draw > 0.88:
        return Edge.TRACK
    return Edge.OPEN if mosaic_theme in _UNFENCED else Edge.VERGE
