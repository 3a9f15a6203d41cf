"""One textured raster for the whole run."""

from __future__ import annotations

import pytest

from app.tiling import RasterRef
from tests.tiling.blobs import GRID, blobs, write


@pytest.fixture(scope="session")
def raster(tmp_path_factory: pytest.TempPathFactory) -> RasterRef:
    return write(tmp_path_factory.mktemp("tiling") / "blobs.tif", blobs(GRID.height, GRID.width), GRID)
