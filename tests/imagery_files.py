"""Imagery files as IGN delivers them, made on the fly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine

LEFT, TOP = 720896.0, 6273792.0
"""A corner of the prediction grid, EPSG:2154."""

# What delivered BD ORTHO files carry: no codes, an unknown datum, the ellipsoid of another system, a name.
UNNAMED_LAMBERT_93 = (
    'PROJCS["unnamed",GEOGCS["unknown",DATUM["unnamed",SPHEROID["unretrievable - using WGS84",6378137,298.257223563]],'
    'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Lambert_Conformal_Conic_2SP"],'
    'PARAMETER["latitude_of_origin",46.5],PARAMETER["central_meridian",3],PARAMETER["standard_parallel_1",49],'
    'PARAMETER["standard_parallel_2",44],PARAMETER["false_easting",700000],PARAMETER["false_northing",6600000],'
    'UNIT["metre",1],AXIS["Easting",EAST],AXIS["Northing",NORTH]]'
)


def random_bytes(bands: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    """(bands, height, width) uint8, 1 to 254: neither of the usual nodata values."""
    return np.random.default_rng(seed).integers(1, 255, (bands, height, width), dtype=np.uint8)


def write_raster(
    path: Path,
    pixels: np.ndarray,
    *,
    left: float = LEFT,
    top: float = TOP,
    pixel_m: tuple[float, float] = (0.2, 0.2),
    crs: str = "EPSG:2154",
    driver: str = "GTiff",
    mask: np.ndarray | None = None,
    **options: Any,
) -> Path:
    """Writes (bands, height, width); pixel_m: (width, height) of a pixel. mask: written inside the file."""
    bands, height, width = pixels.shape
    transform = Affine(pixel_m[0], 0, left, 0, -pixel_m[1], top)
    layout = {"width": width, "height": height, "count": bands, "dtype": pixels.dtype, "transform": transform}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", driver=driver, crs=crs, **layout, **options) as raster,
    ):
        raster.write(pixels)
        if mask is not None:
            raster.write_mask(mask)
    return path
