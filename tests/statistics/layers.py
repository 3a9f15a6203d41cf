"""Layers made of files, without a database."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from app import aoi
from app.catalogue import Layer
from app.definitions import Grid, nomenclature
from app.tiling import RasterRef

LEFT, TOP = 720896.0, 6273792.0


def layer(*rasters: RasterRef, **changes: Any) -> Layer:
    fields: dict[str, Any] = {
        "id": "y2021",
        "title": "2021",
        "description": "",
        "nomenclature": nomenclature(),
        "vintage": 2021,
        "imagery_source": "ortho-2021",
        "model": "tiny",
        "attribution": "IGN",
        "demonstration": False,
        "version": "v1",
        "published_at": 0.0,
        "rasters": rasters,
    }
    return Layer(**(fields | changes))


def lonlat(polygon: shapely.Geometry, epsg: int = 2154) -> aoi.Aoi:
    """A polygon of a projected CRS in longitude/latitude, its edges cut every metre."""
    return aoi.from_grid_crs(polygon, epsg, step_m=1.0)  # type: ignore[return-value]  # a polygon stays one


def centres_inside(polygon: shapely.Geometry, grid: Grid) -> np.ndarray:
    """(height, width) bool: every pixel centre asked of shapely."""
    xs = grid.left + (np.arange(grid.width) + 0.5) * grid.resolution_m
    ys = grid.top - (np.arange(grid.height) + 0.5) * grid.resolution_m
    held: np.ndarray = shapely.contains_xy(polygon, *np.meshgrid(xs, ys))
    return held
