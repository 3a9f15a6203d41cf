"""The value at one place, at full resolution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from app.tiling import handles
from app.tiling.grids import Rectangle
from app.tiling.rasters import Band, RasterRef
from app.tiling.reproject import transformer


class PointValue(NamedTuple):
    """value: 0 where no raster has data. confidence: 1-255, None where the layer tells none."""

    value: int
    confidence: int | None


def value_at(rasters: Sequence[RasterRef], epsg: int, x: float, y: float) -> PointValue:
    """The value of the pixel that holds the point (x or longitude first). Raises RasterUnreadable."""
    for raster in rasters:
        pixel = _pixel(raster, epsg, x, y)
        if pixel is None:
            continue
        value = _read(raster.classes, pixel)
        if value:
            return PointValue(value, _read(raster.confidence, pixel) if raster.confidence else None)
    return PointValue(0, None)


def _pixel(raster: RasterRef, epsg: int, x: float, y: float) -> Rectangle | None:
    if raster.epsg != epsg:
        x, y = transformer(epsg, raster.epsg).transform(x, y)
    if not (math.isfinite(x) and math.isfinite(y)):  # beyond where the raster's projection is defined
        return None
    column = math.floor((x - raster.left) / raster.resolution_m)
    row = math.floor((raster.top - y) / raster.resolution_m)
    return Rectangle(column, row, 1, 1).clipped(raster.width, raster.height)


def _read(band: Band, pixel: Rectangle) -> int:
    return int(handles.read(band, handles.FULL_RESOLUTION, pixel)[0, 0])
