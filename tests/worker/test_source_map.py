"""The class map of a whole source, over files that cross a corner of four blocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
import torch
from torch import Tensor

from app.definitions import Augmentation, Band, ImagerySource, ModelCard, Role
from app.imagery import Bounds, ImageryFile
from tests.imagery_files import LEFT, TOP, random_bytes, write_raster
from worker.architectures.network import Network
from worker.pipeline import Predictor
from worker.source_map import write_source_map


class Brightest(Network):
    """A network whose scores are its input's bands: the class of a pixel is its brightest band."""

    stride_px = 32

    def forward(self, x: Tensor) -> Tensor:
        return x.clone()


def test_map_covers_the_files_pixel_by_pixel_and_nothing_else(card: ModelCard, tmp_path: Path) -> None:
    left, top = LEFT - 8.0, TOP + 4.0  # 40 px left and 20 px above the corner of four blocks
    pixels = random_bytes(3, 60, 90)
    path = write_raster(tmp_path / "rgb.tif", pixels, left=left, top=top)
    files = [ImageryFile(Role.RGB, str(path), Bounds(left, top - 12.0, left + 18.0, top))]
    source = ImagerySource(
        id="trial", title="Trial", version="1", epsg=2154, bands=(Band.R, Band.G, Band.B), bbox=(3, 43, 4, 44)
    )
    card = card.model_copy(update={"margin_px": 16})
    told: list[float] = []

    predictor = Predictor([(card, Brightest())], Augmentation.NONE, torch.device("cpu"))
    write_source_map(tmp_path / "map.tif", source, files, [], predictor, told.append, print)

    with rasterio.open(tmp_path / "map.tif") as raster:
        assert raster.crs.to_epsg() == 2154
        assert (raster.transform.c, raster.transform.f) == (left, top)
        assert np.array_equal(raster.read(1), pixels.argmax(axis=0) + 1)
    assert "Bâtiment" in (tmp_path / "map.tif.aux.xml").read_text(encoding="utf-8")
    assert told[-1] == 1.0
