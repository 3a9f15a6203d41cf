"""What a visitor of the demonstration territory may look for: read from the plan that its scene is painted by."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from app.demonstration.layout import Parcel, Plan, area
from app.demonstration.scene import draw_plan
from app.demonstration.territory import LEFT_M, RESOLUTION_M, SEED, TOP_M
from app.demonstration.themes import Theme, Use
from app.demonstration.zones import commune

Bounds = tuple[float, float, float, float]

_QUARTERS = {
    Theme.VILLAGE: ("Village", "Village"),
    Theme.INDUSTRY: ("Zone d’activité", "Business park"),
    Theme.VINEYARDS: ("Vignes", "Vineyards"),
    Theme.FOREST: ("Forêt", "Forest"),
    Theme.QUARRY: ("Carrière", "Quarry"),
    Theme.MOUNTAIN: ("Montagne", "Mountain"),
}
_PARCELS = {
    Use.POND: ("Étang", "Pond"),
    Use.FARMSTEAD: ("Ferme", "Farm"),
    Use.GLASSHOUSES: ("Serres", "Greenhouses"),
    Use.PARK: ("Parc", "Park"),
    Use.SQUARE: ("Place", "Square"),
    Use.ORCHARD: ("Verger", "Orchard"),
    Use.SNOWFIELD: ("Névé", "Snowfield"),
    Use.CLEAR_CUT: ("Coupe forestière", "Clear cut"),
}


class Landmark(NamedTuple):
    """bounds: (left, bottom, right, top), EPSG:2154."""

    name_fr: str
    name_en: str
    bounds: Bounds


@lru_cache(maxsize=2)
def landmarks(size_px: int, seed: int = SEED) -> tuple[Landmark, ...]:
    """Of the territory of that side: the whole, its quarters, and of some uses the largest parcel that it holds whole.

    By the first vintage. A quarter's bounds hold all of its parcels, cut at the edge of the territory.
    """
    size_m = size_px * RESOLUTION_M
    plan = draw_plan(seed, size_px, commune(size_m))
    found = [Landmark("Territoire de démonstration", "Demonstration territory", _on_the_ground((0, 0, size_m, size_m)))]
    for theme, names in _QUARTERS.items():
        extents = [_extent(plan, parcel) for parcel in plan.parcels if parcel.theme is theme]
        inside = [extent for extent in extents if _meets(extent, size_m)]
        if inside:
            found.append(Landmark(*names, _on_the_ground(_cut(_around(inside), size_m))))
    for use, names in _PARCELS.items():
        whole = [each for each in plan.parcels if each.use is use and _lies_in(_extent(plan, each), size_m)]
        if whole:
            largest = max(whole, key=lambda each: area(each.outline))
            found.append(Landmark(*names, _on_the_ground(_extent(plan, largest))))
    return tuple(found)


def _extent(plan: Plan, parcel: Parcel) -> Bounds:
    """(left, upper, right, lower) in metres from the upper left corner, as the parcel is painted."""
    outline = plan.warp.outline(parcel.outline)
    (left, upper), (right, lower) = outline.min(0), outline.max(0)
    return float(left), float(upper), float(right), float(lower)


def _meets(extent: Bounds, size_m: float) -> bool:
    left, upper, right, lower = extent
    return left < size_m and upper < size_m and right > 0 and lower > 0


def _lies_in(extent: Bounds, size_m: float) -> bool:
    return min(extent) >= 0 and max(extent) <= size_m


def _around(extents: Iterable[Bounds]) -> Bounds:
    corners = np.array(list(extents))
    left, upper = corners[:, :2].min(0)
    right, lower = corners[:, 2:].max(0)
    return float(left), float(upper), float(right), float(lower)


def _cut(extent: Bounds, size_m: float) -> Bounds:
    left, upper, right, lower = extent
    return max(left, 0.0), max(upper, 0.0), min(right, size_m), min(lower, size_m)


def _on_the_ground(extent: Bounds) -> Bounds:
    left, upper, right, lower = extent
    return LEFT_M + left, TOP_M - lower, LEFT_M + right, TOP_M - upper
