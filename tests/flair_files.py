"""Folders of FLAIR patches as IGN lays them out, small and of colours that tell the class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

SIDE_PX = 64
CODES = (1, 5, 7, 16)
"""Building, water, deciduous, and ligneous, which no class of the nomenclature is."""


def write_patch(root: Path, number: int, domain: str = "D004_2021", *, mask: np.ndarray | None = None) -> np.ndarray:
    """Writes `IMG_` and `MSK_` of a number where the published archives have them; gives the mask.

    A pixel's bands are 12 times its code, so that a network can learn the classes.
    """
    rng = np.random.default_rng(number)
    if mask is None:
        coarse = rng.choice(CODES[:3], (SIDE_PX // 16, SIDE_PX // 16))
        mask = np.repeat(np.repeat(coarse, 16, axis=0), 16, axis=1).astype(np.uint8)
    image = np.repeat(12 * mask[np.newaxis], 5, axis=0) + rng.integers(0, 6, (5, *mask.shape))
    area = f"Z{number % 3 + 1}_AU"
    write(root / f"flair_aerial_train/{domain}/{area}/img/IMG_{number:06d}.tif", image.astype(np.uint8))
    write(root / f"flair_labels_train/{domain}/{area}/msk/MSK_{number:06d}.tif", mask[np.newaxis])
    return mask


def write(path: Path, bands: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    place = {"crs": "EPSG:2154", "transform": from_origin(700_000, 6_600_000, 0.2, 0.2)}
    count, height, width = bands.shape
    with rasterio.open(
        path, "w", driver="GTiff", count=count, height=height, width=width, dtype=bands.dtype, **place
    ) as dataset:
        dataset.write(bands)
    return path
