"""Sentinel-2 images and masks as an operator lays them out, made on the fly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.imagery_files import write_raster

LEFT, TOP = 720300.0, 6274500.0
"""Corner of the images that `ground` makes: half a kilometre north-west of that of `tests.imagery_files`."""


def ground(height: int = 120, width: int = 120, seed: int = 0) -> np.ndarray:
    """(10, height, width) uint16: smooth reflectance times 10 000, another in each band and never 0."""
    rows, columns = np.mgrid[:height, :width]
    bands = np.arange(10)[:, None, None]
    waves = 1500 + 40 * bands + 900 * np.sin(rows / (7 + bands)) * np.cos(columns / (9 + bands + seed))
    return waves.astype(np.uint16)


def write_image(
    folder: Path,
    day: str,
    pixels: np.ndarray,
    covers: np.ndarray | None = None,
    *,
    name: str = "S2_{day}",
    left: float = LEFT,
    top: float = TOP,
    crs: str = "EPSG:2154",
    pixel_m: float = 10.0,
    **options: Any,
) -> Path:
    """An image and the mask beside it, clear where none is given; the image's path."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = name.format(day=day)
    if covers is None:
        covers = np.zeros((2, *pixels.shape[1:]), np.uint8)
    placed: dict[str, Any] = {"left": left, "top": top, "crs": crs}
    mask_m = pixel_m * pixels.shape[2] / covers.shape[2]
    write_raster(folder / f"{stem}_mask.tif", covers, pixel_m=(mask_m, mask_m), **placed)
    return write_raster(folder / f"{stem}.tif", pixels, pixel_m=(pixel_m, pixel_m), **placed, **options)
