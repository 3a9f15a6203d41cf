"""Tiles at random over all zooms: official colours only, and the pixels an independent reading finds (T06)."""

from __future__ import annotations

import io
import random
from pathlib import Path

import morecantile
import numpy as np
import rasterio
from PIL import Image
from pyproj import Transformer

from app.definitions import nomenclature
from tests.faults.server import WebProcess
from tests.tiling.blobs import GRID

TILES = 200
ZOOMS = range(5, 21)
STRIDE = 4  # of the pixels that PROJ is asked about
LEAST_EQUAL = 0.999
TMS = morecantile.tms.get("WebMercatorQuad")
TO_LAMBERT = Transformer.from_crs(3857, 2154, always_xy=True)


def _random_tiles() -> list[morecantile.Tile]:
    """Tiles under random places of the layer."""
    rng = random.Random(7)
    to_lonlat = Transformer.from_crs(2154, 4326, always_xy=True)
    left, bottom, right, top = GRID.bounds
    places = [to_lonlat.transform(rng.uniform(left, right), rng.uniform(bottom, top)) for _ in range(TILES)]
    return [TMS.tile(*place, ZOOMS[index % len(ZOOMS)]) for index, place in enumerate(places)]


def _pictures(folder: Path) -> list[tuple[np.ndarray, rasterio.Affine]]:
    """Every file of the layer at full resolution and in each overview, as GDAL reads it."""
    found = []
    for path in sorted(folder.rglob("*.tif")):
        with rasterio.open(path) as dataset:
            levels = len(dataset.overviews(1))
            found.append((dataset.read(1), dataset.transform))
        for level in range(levels):
            with rasterio.open(path, OVERVIEW_LEVEL=level) as dataset:
                found.append((dataset.read(1), dataset.transform))
    return found


def _nearest(picture: np.ndarray, transform: rasterio.Affine, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    columns = np.floor((xs - transform.c) / transform.a).astype(int)
    rows = np.floor((ys - transform.f) / transform.e).astype(int)
    inside = (columns >= 0) & (columns < picture.shape[1]) & (rows >= 0) & (rows < picture.shape[0])
    values = np.zeros(xs.shape, np.uint8)
    values[inside] = picture[rows[inside], columns[inside]]
    return values


def test_random_tiles_hold_official_colours_at_the_nearest_pixels(server: WebProcess) -> None:
    pictures = _pictures(server.data / "layers" / "blobs")
    official = {value: tuple(int(c) for c in rgba[:3]) for value, rgba in enumerate(nomenclature().palette) if rgba[3]}
    compared, equal = 0, 0

    for tile in _random_tiles():
        answer = server.ask(f"/tiles/blobs/{tile.z}/{tile.x}/{tile.y}.png")
        assert answer.status in (200, 204)
        if answer.status == 204:  # from afar the layer is less than half a pixel
            assert tile.z < 10
            continue
        image = Image.open(io.BytesIO(answer.body))
        values, shown = np.asarray(image), np.asarray(image.convert("RGBA"))
        assert set(np.unique(values)) <= {0, *official}
        assert {tuple(pixel) for pixel in np.unique(shown[shown[..., 3] > 0], axis=0)[:, :3]} <= set(official.values())
        left, _, right, top = TMS.xy_bounds(tile)
        centres = (np.arange(STRIDE // 2, 256, STRIDE) + 0.5) * (right - left) / 256
        xs, ys = TO_LAMBERT.transform(*np.meshgrid(left + centres, top - centres))
        sampled = values[STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE]
        # Which overview speaks for a zoom is the engine's choice; that it is one of them, at the nearest pixel, is not.
        equal += max(int((_nearest(*picture, xs, ys) == sampled).sum()) for picture in pictures)
        compared += sampled.size

    assert compared > TILES // 2 * sampled.size
    assert equal / compared >= LEAST_EQUAL
