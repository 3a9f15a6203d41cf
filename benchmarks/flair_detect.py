"""The peer of `inference`: what IGN's `flair-detect` does with a raster, written anew from a reading of its source.

IGNF/FLAIR-1 (Apache-2.0) at 5ae35ebd, src/zone_detect: patches of 512 px with a margin of 128, from the bottom up, each
place once; every patch read by rasterio beyond the raster's edges too, bilinear; normalised in float64; a DataLoader of
batches of 4 with 2 processes and pinned memory; float32, batch norms as trained, no channels-last; softmax on the
device; all channels as float32 to the CPU; margins cut, best channel by numpy; LZW in tiles of 512. The values it
writes are channels.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch
from rasterio.enums import Resampling
from rasterio.windows import Window
from torch.utils.data import DataLoader, Dataset

from app.definitions import ModelCard
from worker.architectures.network import Network

_PATCH_PX = 512
_MARGIN_PX = 128
_BATCH = 4
_PROCESSES = 2


class _Patches(Dataset[dict[str, Any]]):
    """The patches of a raster, opened once, before the processes are forked."""

    def __init__(self, path: Path, card: ModelCard) -> None:
        self._raster = rasterio.open(path)
        self._card = card
        self.corners = [
            (column, row) for column, row in product(*map(_starts, (self._raster.width, self._raster.height)))
        ]

    def __len__(self) -> int:
        return len(self.corners)

    def __getitem__(self, number: int) -> dict[str, Any]:
        column, row = self.corners[number]
        pixels = self._raster.read(
            indexes=list(range(1, len(self._card.bands) + 1)),
            window=Window(column, row, _PATCH_PX, _PATCH_PX),
            out_shape=(len(self._card.bands), _PATCH_PX, _PATCH_PX),
            resampling=Resampling.bilinear,
            boundless=True,
        ).astype(np.float64)
        for band, mean, std in zip(pixels, self._card.mean, self._card.std, strict=True):
            band -= mean
            band /= std
        return {"number": number, "image": torch.as_tensor(pixels, dtype=torch.float32)}


def _starts(length_px: int) -> list[int]:
    """Where patches begin along an axis, the last first: moved back so that none ends beyond the margin's end."""
    step = _PATCH_PX - 2 * _MARGIN_PX
    last = length_px + _MARGIN_PX - _PATCH_PX
    return sorted({min(start, last) for start in range(-_MARGIN_PX, length_px, step)}, reverse=True)


def detect(path: Path, out: Path, network: Network, card: ModelCard, device: torch.device) -> int:
    """Bytes that came back from the device.

    path: a raster of the card's bands. out: the channels it writes.
    """
    network = network.eval().to(device)
    came_back = 0
    with rasterio.open(path) as raster:
        profile = raster.profile | {
            "driver": "GTiff", "count": 1, "dtype": "uint8", "compress": "LZW", "BIGTIFF": "YES",
            "tiled": True, "blockxsize": _PATCH_PX, "blockysize": _PATCH_PX,
        }  # fmt: skip
    profile.pop("photometric", None)
    patches = _Patches(path, card)
    loader = DataLoader(
        patches, _BATCH, num_workers=_PROCESSES, pin_memory=device.type == "cuda", multiprocessing_context="fork"
    )
    with rasterio.open(out, "w+", **profile) as written:
        for batch in loader:
            images = batch["image"].to(device)
            if device.type == "cuda":
                torch.cuda.synchronize()
            with torch.no_grad():
                shares = torch.softmax(network(images), dim=1).cpu().numpy()
            came_back += shares.nbytes
            for number, each in zip(batch["number"].tolist(), shares, strict=True):
                column, row = patches.corners[number]
                inner = each[:, _MARGIN_PX:-_MARGIN_PX, _MARGIN_PX:-_MARGIN_PX].argmax(axis=0).astype(np.uint8)
                column, row = column + _MARGIN_PX, row + _MARGIN_PX
                columns = min(inner.shape[1], written.width - column)
                rows = min(inner.shape[0], written.height - row)
                written.write(inner[:rows, :columns], 1, window=Window(column, row, columns, rows))
    return came_back
