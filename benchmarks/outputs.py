"""CPU and memory of writing the outputs of a job, for 1, 4 and 64 blocks: each in a process of its own."""

from __future__ import annotations

import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import rasterio

from app.database import BlockRow
from app.definitions import BLOCK_PX, BlockCell, shipped_model_cards
from app.outputs import default_outputs, write_outputs
from app.storage import FolderStorage
from benchmarks import scene
from benchmarks.figures import Figure
from tests import samples
from tests.outputs.predictions import block_row, of_rows

_SIDES = (1, 2, 8)
_PREDICTING_S = 1.3
"""CPU of predicting a block with the shipped network on the machine of the targets: two cores."""
_SHARE = 0.1


class _Cost(NamedTuple):
    cpu_s: float
    peak_mib: float


def measure() -> list[Figure]:
    """What is written when nothing is said of outputs."""
    figures = []
    for side in _SIDES:
        blocks = side * side
        with tempfile.TemporaryDirectory() as folder:
            rows = _rows(FolderStorage(Path(folder)), side)
            usual = _cost(Path(folder), rows, default_outputs(comparing=False))
        print(f"  {blocks} blocks: {usual.cpu_s:.2f} s", flush=True)
        most_s = _SHARE * _PREDICTING_S * blocks
        aimed = side == max(_SIDES)
        figures.append(
            Figure(
                f"outputs of {blocks} blocks, CPU and peak memory",
                f"{usual.cpu_s:.2f} s, {usual.peak_mib:.0f} MiB",
                target=f"<= {most_s:.1f} s" if aimed else "",
                met=usual.cpu_s <= most_s if aimed else None,
            )
        )
    return figures


def _rows(storage: FolderStorage, side: int) -> list[BlockRow]:
    """Blocks of patches with ragged edges, mirrored by turns so that patches go on, and confidence full of noise."""
    path = Path(storage.gdal_path("scene.tif"))
    path.parent.mkdir(parents=True, exist_ok=True)
    scene.write(path, BLOCK_PX)
    with rasterio.open(path, driver="GTiff") as dataset:
        classes = dataset.read(1)
    noise = np.random.default_rng(0).normal(size=classes.shape).astype(np.float32)
    confidence = np.clip(230 - 25 * np.abs(noise + 8 * cv2.GaussianBlur(noise, (0, 0), 8)), 1, 255).astype(np.uint8)
    return [
        block_row(
            storage,
            BlockCell(samples.CELL.column + column, samples.CELL.row + row),
            classes[:: (1, -1)[row % 2], :: (1, -1)[column % 2]],
            confidence,
        )
        for row in range(side)
        for column in range(side)
    ]


def _cost(folder: Path, rows: list[BlockRow], names: tuple[str, ...]) -> _Cost:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_write, folder, rows, names).result()


def _write(folder: Path, rows: list[BlockRow], names: tuple[str, ...]) -> _Cost:
    """As a worker does it: files compared with their digests, pixels counted, outputs written."""
    last = rows[-1]
    area = samples.lonlat_box(samples.CELL, BlockCell(last.grid_column, last.grid_row))
    started = time.process_time()
    card = shipped_model_cards()["cosia-demo"]
    write_outputs(of_rows(FolderStorage(folder), rows, area, card=card, outputs=names), "out")
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return _Cost(time.process_time() - started, peak_mib)
