"""Layers for tests, small enough to check by hand.

`town`: 1024 x 1024 px of 0.2 m from the corner of a block, in squares of 512 px (102.4 m):
north-west building (1, certain), north-east deciduous (9, half certain),
south-west water (6, a quarter certain), south-east nodata.
`field`: 256 x 256 px of agricultural land (13), without confidence.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import rasterio

from app.database import Sessions
from app.definitions import Grid, nomenclature
from app.outputs import write_block
from app.publish import publish
from app.storage import Storage

LEFT, TOP = 720896.0, 6273792.0  # corner of block (1760, 13980)
SIDE_PX = 1024
GRID = Grid(2154, LEFT, TOP, 0.2, SIDE_PX, SIDE_PX)
HALF = SIDE_PX // 2
REUNION_GRID = Grid(2975, 339968.0, 7680000.0, 0.2, SIDE_PX, SIDE_PX)  # corner of a tile of level 20, on land

BUILDING, WATER, DECIDUOUS, AGRICULTURAL = 1, 6, 9, 13
BUILDING_RGB, WATER_RGB, DECIDUOUS_RGB = (206, 112, 121), (51, 117, 161), (76, 145, 41)  # facts: nomenclature


def town_classes() -> np.ndarray:
    values = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    values[:HALF, :HALF] = BUILDING
    values[:HALF, HALF:] = DECIDUOUS
    values[HALF:, :HALF] = WATER
    return values


def town_confidence() -> np.ndarray:
    values = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    values[:HALF, :HALF] = 255
    values[:HALF, HALF:] = 128
    values[HALF:, :HALF] = 64
    return values


def write_classes(path: Path, values: np.ndarray, grid: Grid = GRID, **changes: Any) -> Path:
    """A plain class GeoTIFF, as somebody else might write it."""
    profile = {"crs": f"EPSG:{grid.epsg}", "transform": grid.transform, "dtype": values.dtype, **changes}
    bands = values.reshape((-1, *values.shape[-2:]))
    with rasterio.open(
        path, "w", driver="GTiff", count=len(bands), height=bands.shape[1], width=bands.shape[2], **profile
    ) as dataset:
        dataset.write(bands)
    return path


def publish_layer(sessions: Sessions, storage: Storage, *rasters: Path | str, **changes: Any) -> str:
    fields: dict[str, Any] = {
        "layer_id": "town",
        "title": "Town",
        "nomenclature": nomenclature(),
        "vintage": 2021,
        "imagery_source": "ortho-2021",
        "model": "tiny",
        "attribution": "IGN",
    }
    return publish(sessions, storage, rasters=rasters, **(fields | changes))


def publish_town_and_field(sessions: Sessions, storage: Storage, scratch: Path) -> None:
    write_block(scratch / "town.tif", town_classes(), town_confidence(), GRID)
    publish_layer(sessions, storage, scratch / "town.tif", description="A <town> & its trees")
    field = np.full((256, 256), AGRICULTURAL, np.uint8)
    grid = Grid(2154, LEFT + 4096.0, TOP, 0.2, 256, 256)
    publish_layer(sessions, storage, write_classes(scratch / "field.tif", field, grid), layer_id="field", title="Field")


def publish_reunion(sessions: Sessions, storage: Storage, scratch: Path) -> None:
    """The classes of the town once more, on the grid of La Réunion: layer `reunion`."""
    raster = write_classes(scratch / "reunion.tif", town_classes(), REUNION_GRID)
    publish_layer(sessions, storage, raster, layer_id="reunion", title="La Réunion")


@contextmanager
def web_server(data: Path, **changed: str) -> Iterator[str]:
    """The application as a process of its own, for clients that need a socket. Gives its address.

    changed: `COSIA_` variables.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "COSIA_DATA": str(data), "COSIA_PUBLIC_URL": address, **changed}
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "--factory",
        "app.main:create_app",
        "--port",
        str(port),
        "--log-level",
        "warning",
    ]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as server:
        try:
            _await(address, server)
            yield address
        finally:
            server.terminate()


def _await(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(f"{address}/healthz", timeout=1):  # noqa: S310 - our own address
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError("the server did not start")
