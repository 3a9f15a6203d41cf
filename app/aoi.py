"""The area of interest: a polygon in lon/lat (OGC:CRS84), checked, measured and cut into blocks.

Nothing is repaired behind the user's back: an invalid ring is refused with the place of its fault.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
import pyproj
import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from app.definitions import BlockCell, PredictionGrid
from app.errors import AoiInvalid, AoiTooLarge

Aoi = Polygon | MultiPolygon

_GEOD = pyproj.Geod(ellps="GRS80")
_EXPECTED = "a GeoJSON Polygon or MultiPolygon, or a Feature or FeatureCollection of them, in longitude/latitude"
_MOST_OUTLINE_KM = 5000
_MOST_NUMBER = 1e12
"""Of a coordinate, whatever its unit: what is larger is none."""
_EDGE_STEP_DEG = 0.001
"""Edges are straight in lon/lat; cut this fine they bend by less than a millimetre when reprojected."""


def parse(geojson: object, *, most_vertices: int) -> Aoi:
    """The polygon of a GeoJSON object.

    Z and M coordinates are dropped (RFC 7946, 3.1.1 lets a reader ignore them). Vertices are counted before anything
    else is done with them. Raises AoiInvalid, saying what is wrong and where.
    """
    rings = list(_rings(geojson))
    vertices = sum(len(ring) for polygon in rings for ring in polygon)
    if vertices > most_vertices:
        raise AoiInvalid(f"the area has {vertices} vertices, the limit is {most_vertices}: simplify it")
    polygons = []
    for number, polygon in enumerate(rings, 1):
        places = [_place(number, ring, len(rings)) for ring in range(1, len(polygon) + 1)]
        shell, *holes = [_ring(ring, place) for ring, place in zip(polygon, places, strict=True)]
        polygons.append(Polygon(shell, holes))
        _require_valid(polygons[-1])
    if len(polygons) == 1:
        return polygons[0]
    together = MultiPolygon(polygons)
    _require_valid(together)
    return together


def _place(polygon: int, ring: int, polygons: int) -> str:
    """Names a ring in messages; all are counted from 1."""
    return f"ring {ring}" if polygons == 1 else f"ring {ring} of polygon {polygon}"


def _rings(geojson: object) -> Iterator[list[Any]]:
    """Coordinates of each polygon in a GeoJSON object."""
    if not isinstance(geojson, dict):
        raise AoiInvalid(f"aoi must be {_EXPECTED}")
    if "crs" in geojson:
        raise AoiInvalid(
            "aoi has a `crs` member: GeoJSON (RFC 7946) is always longitude/latitude in degrees; convert it"
        )
    if geojson.get("type") != "FeatureCollection":
        yield from _geometry_rings(geojson.get("geometry") if geojson.get("type") == "Feature" else geojson)
        return
    features = geojson.get("features")
    if not isinstance(features, list) or not features:
        raise AoiInvalid("the FeatureCollection has no features: draw or give one polygon at least")
    for feature in features:
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            raise AoiInvalid("a FeatureCollection holds Features only")
        yield from _geometry_rings(feature.get("geometry"))


def _geometry_rings(geometry: object) -> Iterator[list[Any]]:
    if not isinstance(geometry, dict):
        raise AoiInvalid(f"the geometry is missing; expected is {_EXPECTED}")
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind == "Polygon":
        yield _polygon(coordinates)
    elif kind == "MultiPolygon":
        if not isinstance(coordinates, list) or not coordinates:
            raise AoiInvalid("the MultiPolygon has no polygons")
        for polygon in coordinates:
            yield _polygon(polygon)
    else:
        raise AoiInvalid(f"aoi is of type {json.dumps(kind)[:60]}; allowed is {_EXPECTED}")


def _polygon(coordinates: object) -> list[Any]:
    if not isinstance(coordinates, list) or not coordinates:
        raise AoiInvalid("a polygon needs one ring at least, of four positions or more")
    for ring in coordinates:
        if not isinstance(ring, list) or len(ring) < 4:
            raise AoiInvalid("a ring needs four positions or more, the last equal to the first")
    return coordinates


def _ring(positions: list[Any], place: str) -> np.ndarray:
    """(n, 2) float64 lon, lat of a ring. `place` names it."""
    ring = _numbers(positions, place)
    lon, lat = ring[:, 0], ring[:, 1]
    far = np.flatnonzero((np.abs(lat) > 90) | (np.abs(lon) > 180))
    if far.size:
        x, y = ring[far[0]]
        hint = (
            "they look like metres: convert them"
            if max(abs(x), abs(y)) > 1000
            else "the order is [longitude, latitude]"
        )
        if 180 < abs(x) <= 540 and abs(y) <= 90:
            hint = "cut the polygon at the antimeridian (RFC 7946, 3.1.9)"
        raise AoiInvalid(
            f"position {far[0] + 1} of {place}, ({x:g}, {y:g}), is no longitude/latitude in degrees: {hint}"
        )
    if (ring[0] != ring[-1]).any():
        raise AoiInvalid(f"{place} is not closed: its last position must equal its first")
    if np.ptp(lon) > 180:
        raise AoiInvalid(
            f"{place} spans more than 180° of longitude: cut the polygon at the antimeridian (RFC 7946, 3.1.9)"
        )
    return ring


def _numbers(positions: list[Any], place: str) -> np.ndarray:
    """(n, 2) float64. Positions are looked at one by one only to name the one that is none."""
    if set(map(type, positions)) == {list} and len(lengths := set(map(len, positions))) == 1 and min(lengths) >= 2:
        numbers = list(chain.from_iterable(positions))
        if set(map(type, numbers)) <= {int, float} and max(map(abs, numbers)) <= _MOST_NUMBER:
            ring = np.array(numbers, np.float64).reshape(len(positions), -1)[:, :2]
            if not np.isnan(ring).any():
                return ring
    return np.array([_position(position, i, place) for i, position in enumerate(positions, 1)], np.float64)


def _position(position: object, number: int, place: str) -> list[float]:
    if not isinstance(position, list) or len(position) < 2:
        raise AoiInvalid(f"position {number} of {place} is not [longitude, latitude]")
    for coordinate in position[:2]:
        if type(coordinate) not in (int, float) or not abs(coordinate) <= _MOST_NUMBER:
            raise AoiInvalid(f"position {number} of {place} holds something that is not a finite number in degrees")
    return [float(coordinate) for coordinate in position[:2]]


def _require_valid(shape: Aoi) -> None:
    if shapely.is_valid(shape) and shape.area > 0:
        return
    reason = str(shapely.is_valid_reason(shape))
    if reason == "Valid Geometry":
        raise AoiInvalid("the polygon has no area")
    fault, _, place = reason.partition("[")
    lon, _, lat = place.rstrip("]").partition(" ")
    where = f" at longitude, latitude {lon}, {lat}" if place else ""
    raise AoiInvalid(f"the polygon is not valid: {fault.strip().lower()}{where}; edges must not cross or overlap")


@lru_cache
def _transformer(from_epsg: int, to_epsg: int) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(from_epsg, to_epsg, always_xy=True)


def _transform(shape: BaseGeometry, from_epsg: int, to_epsg: int) -> BaseGeometry:
    transformer = _transformer(from_epsg, to_epsg)
    return shapely.transform(shape, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])))


def to_grid_crs(aoi: BaseGeometry, epsg: int) -> BaseGeometry:
    """The AOI in the CRS of a prediction grid, metres."""
    return _transform(shapely.segmentize(aoi, _EDGE_STEP_DEG), 4326, epsg)


def from_grid_crs(shape: BaseGeometry, epsg: int, *, step_m: float = 100.0) -> BaseGeometry:
    """A shape of a grid's CRS in lon/lat, its edges cut every `step_m`."""
    return _transform(shapely.segmentize(shape, step_m), epsg, 4326)


def area_m2(aoi: BaseGeometry, epsg: int) -> float:
    """Planar area in the grid's CRS, m²: the figure that pixels add up to (0.04 m² each).

    Lambert-93 areas differ from ellipsoidal ones by up to 0.3 % in mainland France.
    """
    return float(to_grid_crs(aoi, epsg).area)


def ellipsoidal_m2(aoi: BaseGeometry) -> float:
    """Area on the ellipsoid of GRS80, m²."""
    return float(abs(_GEOD.geometry_area_perimeter(shapely.orient_polygons(aoi))[0]))


def require_measurable(aoi: Aoi, limit_km2: float) -> None:
    """Raises AoiTooLarge where area or outline are far too large, before anything is done that takes longer for it.

    A few vertices can span the world in a polygon of hardly any area: its edges, cut as `to_grid_crs` does, would
    fill the memory.
    """
    area_m2, outline_m = _GEOD.geometry_area_perimeter(shapely.orient_polygons(aoi))
    if abs(area_m2) > 2e6 * limit_km2:  # twice: planar and ellipsoidal areas differ
        raise _too_large(abs(area_m2), limit_km2)
    if not outline_m <= _MOST_OUTLINE_KM * 1000:
        raise AoiTooLarge(
            f"the area's outline is {outline_m / 1000:.0f} km long, the limit is {_MOST_OUTLINE_KM} km: simplify it",
            abs(area_m2),
        )


def require_within_limit(aoi: Aoi, epsg: int, limit_km2: float) -> float:
    """The area in m². Raises AoiTooLarge above the limit."""
    # Ellipsoidal first: far from the grid's territory the planar figure means nothing.
    require_measurable(aoi, limit_km2)
    area = area_m2(aoi, epsg)
    if not area <= limit_km2 * 1e6:
        raise _too_large(area, limit_km2)
    return area


def _too_large(area_m2: float, limit_km2: float) -> AoiTooLarge:
    return AoiTooLarge(
        f"the area is {area_m2 / 1e6:.2f} km², the limit is {limit_km2:g} km²: draw a smaller one or split it",
        area_m2,
    )


def covering_cells(aoi: BaseGeometry, grid: PredictionGrid) -> list[BlockCell]:
    """Cells of the grid that the AOI (lon/lat) shares area with, nearest to its middle first."""
    shape = to_grid_crs(aoi, grid.epsg)
    cells = list(grid.cells(shape.bounds))
    # A hundredth of a pixel less on each side: a shared edge is not shared area.
    inset = 0.01 * grid.resolution_m
    bounds = np.array([grid.block(cell).bounds for cell in cells])
    boxes = shapely.box(*(bounds + np.array([inset, inset, -inset, -inset])).T)
    shapely.prepare(shape)
    kept = np.flatnonzero(shapely.intersects(shape, boxes))
    middle = shape.centroid if shape.contains(shape.centroid) else shape.representative_point()
    distances = shapely.distance(middle, shapely.centroid(boxes[kept]))
    return [cells[kept[i]] for i in np.argsort(distances, kind="stable")]
