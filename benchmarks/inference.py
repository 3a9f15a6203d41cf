"""Our pipeline beside `flair-detect` on the same raster with the same random weights, and against its own limits."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
import torch
from torch import Tensor

from app.definitions import BLOCK_PX, Augmentation, ModelCard, shipped_model_cards
from app.outputs import write_block
from benchmarks import recorded
from benchmarks.blocks import Place, place, random_network
from benchmarks.figures import Figure, share
from benchmarks.flair_detect import detect
from worker.architectures.network import Network
from worker.devices import select_device, select_precision
from worker.forward import Forward
from worker.pipeline import Predictor
from worker.writing import Writer

_CARD = "flair-inc-rvbie"
_FLOP_PER_PX = 64.5e9 / 512**2  # of that network, multiplications and additions counted apart
_EDGE_PX = 128  # the peer sees black beyond the raster, where we see nothing
_AHEAD = 2


class _Run(NamedTuple):
    """Seconds on the clock, and of processors: this process and the children that have ended."""

    wall_s: float
    cpu_s: float


def measure() -> list[Figure]:
    """On the GPU where there is one; the results are kept in `benchmarks/results`."""
    torch.manual_seed(0)
    device = select_device("auto")
    precision = select_precision("auto", device)
    card = shipped_model_cards()[_CARD]
    # All channels count: the peer lets those win that were never trained.
    card = card.model_copy(update={"values": tuple(range(1, len(card.values) + 1))})
    print(f"  {recorded.name_of(device)}, {precision}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        blocks = place(Path(name), 2 if device.type == "cpu" else 16)
        figures = _speed(Path(name), blocks, random_network(card, blocks.pixels), card, device, precision)
    recorded.record("inference", device, figures)
    return figures


def _speed(
    folder: Path, blocks: Place, network: Network, card: ModelCard, device: torch.device, precision: torch.dtype
) -> list[Figure]:
    ours = Predictor([(card, network)], Augmentation.NONE, device, precision)
    forward = Forward(network, device, precision)
    side, number = BLOCK_PX + 2 * card.margin_px, len(blocks.grids)
    x = torch.rand((1, len(card.bands), side, side), device=device).contiguous(memory_format=torch.channels_last)
    with _bytes_to_the_cpu() as came_back:  # libraries choose and caches fill meanwhile
        predicted = _end_to_end(folder, blocks, ours)
    _forwards(forward, x, 1)
    # Twice around the peer: a machine that slows down, or serves others, does so to both.
    end_to_end, forwards = [], []
    end_to_end.append(_timed(lambda: _end_to_end(folder, blocks, ours)))
    forwards.append(_timed(lambda: _forwards(forward, x, number)))
    peer_bytes: list[int] = []
    peer = _timed(lambda: peer_bytes.append(detect(blocks.path, folder / "peer.tif", network, card, device)))
    forwards.append(_timed(lambda: _forwards(forward, x, number)))
    end_to_end.append(_timed(lambda: _end_to_end(folder, blocks, ours)))
    reading = _timed(lambda: _read(blocks, ours))

    ours_s, ours_cpu_s = (sum(each) / 2 for each in zip(*end_to_end, strict=True))
    forward_s, forward_cpu_s = (sum(each) / 2 for each in zip(*forwards, strict=True))
    with rasterio.open(folder / "peer.tif") as raster:
        channels = raster.read(1)
    inner = np.s_[_EDGE_PX:-_EDGE_PX, _EDGE_PX:-_EDGE_PX]
    mpx, rate = predicted.size / 1e6, _matrix_rate(device, precision)
    ratio, target = peer.wall_s / ours_s, 4.0 if device.type == "cpu" else 30.0
    per_px = came_back[0] / predicted.size
    return [
        Figure(
            f"{card.id} from file to file beside flair-detect", f"{mpx / ours_s:.3f} Mpx/s",
            f"{mpx / peer.wall_s:.3f} Mpx/s", ratio, f">= {target:g}x", ratio >= target,
        ),
        Figure(
            "the same in time of processors, which others do not take away", f"{ours_cpu_s / mpx:.2f} s/Mpx",
            f"{peer.cpu_s / mpx:.2f} s/Mpx", peer.cpu_s / ours_cpu_s,
        ),
        share("classes as flair-detect's, from 128 px inside", float((predicted == channels + 1)[inner].mean()), 0.999),
        share("from file to file over its own forward time", forward_s / ours_s, 0.9),
        share("the same in time of processors", forward_cpu_s / ours_cpu_s, None),
        share(
            "from file to file over min(forward, decode)", max(forward_s, reading.wall_s) / ours_s, 0.8,
            f"decode {mpx / reading.wall_s:.1f} Mpx/s",
        ),
        share(
            f"forward over the measured {str(precision).removeprefix('torch.')} matrix rate",
            _FLOP_PER_PX * number * side**2 / forward_s / rate, 0.25 if device.type == "cuda" else None,
            f"{rate / 1e12:.2f} TFLOP/s",
        ),
        Figure(
            "bytes a pixel back from the device", f"{per_px:g}", f"{peer_bytes[0] / predicted.size:g}",
            None, "2", per_px == 2,
        ),
    ]  # fmt: skip


def _end_to_end(folder: Path, blocks: Place, predictor: Predictor) -> np.ndarray:
    """From the files of imagery to those of blocks, as a worker does; classes of all blocks, side by side."""
    classes = np.zeros((BLOCK_PX, BLOCK_PX * len(blocks.grids)), np.uint8)

    def write(number: int, found: np.ndarray, confidence: np.ndarray) -> None:
        write_block(folder / f"{number}.tif", found, confidence, blocks.grids[number])
        classes[:, number * BLOCK_PX : (number + 1) * BLOCK_PX] = found

    with Writer(write) as writer, ThreadPoolExecutor(1) as reading:
        around = [block.grown(predictor.margin_px) for block in blocks.grids]
        ahead = [reading.submit(blocks.reader.read, grid, predictor.bands) for grid in around[:_AHEAD]]
        for number in range(len(around)):
            pixels, valid = ahead.pop(0).result()
            if number + _AHEAD < len(around):
                ahead.append(reading.submit(blocks.reader.read, around[number + _AHEAD], predictor.bands))
            writer.put(number, *predictor.predict(pixels, valid))
    return classes


def _read(blocks: Place, predictor: Predictor) -> None:
    """Reading and decoding alone, in one thread as in a batch."""
    for grid in blocks.grids:
        blocks.reader.read(grid.grown(predictor.margin_px), predictor.bands)


def _forwards(forward: Forward, x: Tensor, times: int) -> None:
    """So many forward passes alone."""
    with torch.inference_mode():
        for _ in range(times):
            forward(x, often=True)
        _wait(x.device)


def _timed(run: Callable[[], object]) -> _Run:
    wall_s, cpu_s = time.perf_counter(), _cpu_s()
    run()
    return _Run(time.perf_counter() - wall_s, _cpu_s() - cpu_s)


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _matrix_rate(device: torch.device, precision: torch.dtype) -> float:
    """Operations a second of a large product of matrices."""
    side = 8192 if device.type == "cuda" else 2048
    left, right = (torch.rand((side, side), device=device, dtype=precision) for _ in range(2))
    left @ right
    times = 10
    _wait(device)
    began = time.perf_counter()
    for _ in range(times):
        left @ right
    _wait(device)
    return times * 2 * side**3 / (time.perf_counter() - began)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


@contextmanager
def _bytes_to_the_cpu() -> Iterator[list[int]]:
    """Counts what tensors hand over by `cpu`, the one way in which anything comes back; the one item is their bytes."""
    counted, real = [0], Tensor.cpu

    def counting(tensor: Tensor) -> Tensor:
        counted[0] += tensor.nbytes
        return real(tensor)

    Tensor.cpu = counting  # type: ignore[assignment, method-assign]
    try:
        yield counted
    finally:
        Tensor.cpu = real  # type: ignore[method-assign]
