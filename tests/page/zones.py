"""A zone of the demonstration territory, put on the page, and what it holds by an independent count."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import rasterio
from pyproj import Transformer
from rasterio.features import geometry_mask

from app.demo import LAYER
from tests.page.visit import Visit

# Within the territory that tests are run on; small, so that edges are straight in Lambert-93 too.
ZONE = [(3.2602, 43.5608), (3.2634, 43.5603), (3.2629, 43.5589), (3.2599, 43.5592), (3.2602, 43.5608)]


def wkt(ring: list[tuple[float, float]]) -> str:
    return f"POLYGON (({', '.join(f'{lon} {lat}' for lon, lat in ring)}))"


def choose_zone(visit: Visit, text: str) -> None:
    visit.page.get_by_role("tab", name=re.compile("Area|Zone")).click()
    visit.page.locator("#paste-zone summary").click()
    visit.page.locator("#pasted").fill(text)
    visit.page.locator("#use-pasted").click()


def square_metres(folder: Path) -> dict[int, float]:
    """Area per value in the zone, counted by rasterio in the published GeoTIFF."""
    path = next(path for path in (folder / "layers" / LAYER).glob("*.tif") if "confidence" not in path.name)
    to_grid = Transformer.from_crs(4326, 2154, always_xy=True)
    polygon = {"type": "Polygon", "coordinates": [[to_grid.transform(*place) for place in ZONE]]}
    with rasterio.open(path) as file:
        inside = geometry_mask([polygon], file.shape, file.transform, invert=True)
        counts = np.bincount(file.read(1)[inside], minlength=256)
        pixel_m2 = file.res[0] * file.res[1]
    return {value: float(count * pixel_m2) for value, count in enumerate(counts.tolist()) if value and count}
