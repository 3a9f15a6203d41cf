"""Blocks of imagery in one file, and networks with random weights to predict them by."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
import torch
from rasterio.transform import from_origin

from app.definitions import Band, BlockCell, Grid, ImagerySource, ModelCard, Role, prediction_grid
from app.demonstration.scene import compose
from app.imagery import Bounds, ImageryFile
from worker.architectures import build
from worker.architectures.network import Network
from worker.member import Imagery, normalise
from worker.readers import FileReader

_SCENE_PX = 1024
_FIRST = BlockCell(1800, 14000)
_LOOKS, _LOOK_PX, _STEP_PX = 6, 256, 128


class Place(NamedTuple):
    """Blocks side by side, and how they are read. pixels: (bands, height, width) uint8 of the file, all bands."""

    path: Path
    pixels: np.ndarray
    grids: list[Grid]
    reader: FileReader


def place(folder: Path, blocks: int) -> Place:
    """Demonstration scenes, mirrored from one to the next so that no seam is seen, as a DEFLATE COG."""
    scene = compose(3, _SCENE_PX).imagery
    wide = np.concatenate([scene, scene[..., ::-1]], axis=2)
    square = np.concatenate([wide, wide[:, ::-1]], axis=1)
    pixels = np.ascontiguousarray(np.tile(square, (1, 1, blocks)))
    territory = prediction_grid(2154)
    grids = [territory.block(_FIRST._replace(column=_FIRST.column + number)) for number in range(blocks)]
    first, last = grids[0], grids[-1]
    path = folder / "imagery.tif"
    profile = {"count": len(pixels), "height": pixels.shape[1], "width": pixels.shape[2], "dtype": "uint8"}
    tiles = {"blocksize": 512, "compress": "DEFLATE", "overview_resampling": "average", "num_threads": "ALL_CPUS"}
    transform = from_origin(first.left, first.top, first.resolution_m, first.resolution_m)
    with rasterio.open(path, "w", driver="COG", crs="EPSG:2154", transform=transform, **profile, **tiles) as raster:
        raster.write(pixels)
    bounds = Bounds(first.bounds[0], first.bounds[1], last.bounds[2], first.bounds[3])
    source = ImagerySource(
        id="benchmark", title="Benchmark", version="1", epsg=2154, bands=tuple(Band), bbox=(3, 43, 4, 44)
    )
    return Place(path, pixels, grids, FileReader([ImageryFile(Role.STACK, str(path), bounds)], source))


def random_network(card: ModelCard, pixels: np.ndarray) -> Network:
    """Random weights whose batch norms have seen imagery, so that classes vary."""
    network = build(card)
    bands = [list(Band).index(band) for band in card.bands]
    with torch.no_grad():
        for number in range(_LOOKS):
            first = number * _STEP_PX
            seen = torch.from_numpy(np.ascontiguousarray(pixels[bands, :_LOOK_PX, first : first + _LOOK_PX]))
            x = normalise(Imagery(seen, None), card)
            network.train()(torch.cat([x, x.flip(-1)]))  # two: a norm of one number per channel has no variance
    return network.eval()
