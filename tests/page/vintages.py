"""A second vintage of the demonstration territory: all of it is water."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import rasterio

from app.database import Sessions
from app.database.engine import connect
from app.definitions import BLOCK_PX, Grid, nomenclature
from app.publish import publish, unpublish
from app.storage import FolderStorage
from tests.service import Service

LATER = "cosia-demo-2024"
TITLE = "All under water 2024"
WATER = 6
_SEEN_WITHIN_S = 20
_LEFT, _TOP, _SIDE_PX = 720896.0, 6273792.0, 2 * BLOCK_PX  # of the territory that tests are run on


@contextmanager
def later_vintage(service: Service, folder: Path) -> Iterator[None]:
    """Published as long as the block lasts. folder: an empty one."""
    grid = Grid(2154, _LEFT, _TOP, 0.2, _SIDE_PX, _SIDE_PX)
    profile = {"driver": "GTiff", "width": _SIDE_PX, "height": _SIDE_PX, "count": 1, "dtype": "uint8", "nodata": 0}
    path = folder / "water.tif"
    with rasterio.open(path, "w", crs="EPSG:2154", transform=grid.transform, compress="deflate", **profile) as file:
        file.write(np.full((_SIDE_PX, _SIDE_PX), WATER, np.uint8), 1)
    engine = connect(f"sqlite:///{service.folder / 'cosia.sqlite'}")
    sessions, storage = Sessions(engine), FolderStorage(service.folder)
    publish(
        sessions,
        storage,
        layer_id=LATER,
        title=TITLE,
        rasters=[path],
        nomenclature=nomenclature(),
        vintage=2024,
        imagery_source="demo-2024",
        model=None,
        attribution="CoSIA Map: procedural territory, no real place",
        demonstration=True,
    )
    _wait(service, there=True)
    yield
    unpublish(sessions, storage, LATER)
    _wait(service, there=False)
    engine.dispose()


def _wait(service: Service, *, there: bool) -> None:
    """Until the service, which looks every two seconds, says what is in its database."""
    deadline = time.monotonic() + _SEEN_WITHIN_S
    while there != (LATER in {layer["id"] for layer in _collections(service)}):
        assert time.monotonic() < deadline, "the service does not see its database"
        time.sleep(0.2)


def _collections(service: Service) -> list[dict[str, str]]:
    with urlopen(f"{service.url}/api/collections") as answer:  # noqa: S310 - our own server
        layers: list[dict[str, str]] = json.load(answer)["collections"]
    return layers
