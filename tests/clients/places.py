"""Places well inside the squares of the layer `town`, and the colours that are drawn there."""

from __future__ import annotations

from pyproj import Transformer

from tests import published as layers

SETS = [("PM_6_19", 3857), ("2154_10cm_7_20", 2154)]
"""Tile matrix sets that every client is tried with, and their CRS."""

PLACES = {
    (40.0, 40.0): (*layers.BUILDING_RGB, 255),
    (160.0, 40.0): (*layers.DECIDUOUS_RGB, 255),
    (40.0, 160.0): (*layers.WATER_RGB, 255),
}
"""(metres right, metres down) from the corner of the town -> RGBA."""


def place_in(epsg: int, right_m: float, down_m: float) -> tuple[float, float]:
    """The place in that CRS, x or longitude first."""
    x, y = Transformer.from_crs(2154, epsg, always_xy=True).transform(layers.LEFT + right_m, layers.TOP - down_m)
    return x, y


def frame_in(epsg: int) -> tuple[float, float, float, float]:
    """(left, bottom, right, top) of a square around the town, in that CRS."""
    corners = [place_in(epsg, right, down) for right in (0.0, 204.8) for down in (0.0, 204.8)]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    side = max(max(xs) - min(xs), max(ys) - min(ys))
    return (min(xs), max(ys) - side, min(xs) + side, max(ys))
