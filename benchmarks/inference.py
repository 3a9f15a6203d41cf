"""Our pipeline beside `flair-detect` on the same raster with the same random weights, and against its own limits."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
import torch
from torch import Tensor

from app.definitions import BLOCK_PX, Augmentation, Grid, ModelCard, shipped_model_cards
from app.outputs import write_block
from benchmarks import recorded
from benchmarks.blocks import Place, place, random_network
from benchmarks.figures import Figure, share, times_faster
from benchmarks.flair_detect import detect
from benchmarks.rates import peak_rate
from worker.architectures.network import Network
from worker.devices import pinned, select_device, select_precision, threads_beside
from worker.forward import Forward
from worker.memory import KeptMemory
from worker.pipeline import Predictor
from worker.reading import ReadAhead
from worker.writing import Writer

_CARD = "flair-inc-rvbie"
# Of that network as published, multiplications and additions counted apart; what our pass leaves out counts as done.
FLOP_PER_PX = 64.5e9 / 512**2
_EDGE_PX = 128  # the peer sees black beyond the raster, where we see nothing
_IN_MEMORY = 8  # blocks that are predicted again and again without files


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
        blocks = place(Path(name), 2 if device.type == "cpu" else 32)
        figures = _speed(Path(name), blocks, random_network(card, blocks.pixels), card, device, precision)
    recorded.record("inference", device, figures)
    return figures


def _speed(
    folder: Path, blocks: Place, network: Network, card: ModelCard, device: torch.device, precision: torch.dtype
) -> list[Figure]:
    ours = Predictor([(card, network)], Augmentation.NONE, device, precision)
    forward = Forward(network, device, precision, card.margin_px)
    side, number = BLOCK_PX + 2 * card.margin_px, len(blocks.grids)
    x = torch.rand((1, len(card.bands), side, side), device=device).contiguous(memory_format=torch.channels_last)
    kept = KeptMemory(idle_s=0) if device.type == "cpu" else nullcontext()  # as in a worker; the peer is no part of it
    # Twice around the peer: a machine that slows down, or serves others, does so to both.
    end_to_end, forwards = [], []
    with kept:
        with _bytes_to_the_cpu() as came_back:  # libraries choose and caches fill meanwhile
            predicted = _end_to_end(folder, blocks, ours)
        _forwards(forward, x, 1)
        end_to_end.append(_timed(lambda: _end_to_end(folder, blocks, ours)))
        forwards.append(_timed(lambda: _forwards(forward, x, number)))
    peer_bytes: list[int] = []
    peer = _timed(lambda: peer_bytes.append(detect(blocks.path, folder / "peer.tif", network, card, device)))
    with kept:
        _forwards(forward, x, 1)
        forwards.append(_timed(lambda: _forwards(forward, x, number)))
        end_to_end.append(_timed(lambda: _end_to_end(folder, blocks, ours)))
        reading = _timed(lambda: _read(blocks, ours))
        imagery = [_reader(blocks, ours)(grid) for grid in blocks.grids[:_IN_MEMORY]]
        in_memory = _timed(lambda: _in_memory(imagery, ours, number))

    ours_s, ours_cpu_s = (sum(each) / 2 for each in zip(*end_to_end, strict=True))
    forward_s, forward_cpu_s = (sum(each) / 2 for each in zip(*forwards, strict=True))
    with rasterio.open(folder / "peer.tif") as raster:
        channels = raster.read(1)
    inner = np.s_[_EDGE_PX:-_EDGE_PX, _EDGE_PX:-_EDGE_PX]
    mpx, rate = predicted.size / 1e6, peak_rate(forward, x, precision)
    # On a GPU it is the networks that are held to the peer, and files to what their decoding allows.
    files_target, memory_target = (4.0, None) if device.type == "cpu" else (None, 30.0)
    per_px = came_back[0] / predicted.size
    return [
        *_as_unrecorded(forward, x),
        times_faster(f"{card.id} from file to file beside flair-detect", mpx, ours_s, peer.wall_s, files_target),
        Figure(
            "the same in time of processors, which others do not take away", f"{ours_cpu_s / mpx:.2f} s/Mpx",
            f"{peer.cpu_s / mpx:.2f} s/Mpx", peer.cpu_s / ours_cpu_s,
        ),
        times_faster("blocks in memory beside flair-detect", mpx, in_memory.wall_s, peer.wall_s, memory_target),
        share(
            "classes as flair-detect's, from 128 px inside", float((predicted == channels + 1)[inner].mean()),
            0.999 if precision == torch.float32 else 0.995,
        ),
        share(
            "from file to file over its own forward time", forward_s / ours_s, 0.9 if device.type == "cpu" else None
        ),
        share("the same in time of processors", forward_cpu_s / ours_cpu_s, None),
        share(
            "from file to file over min(forward, decode)", max(forward_s, reading.wall_s) / ours_s, 0.8,
            f"decode {mpx / reading.wall_s:.1f} Mpx/s",
        ),
        share(
            f"forward over the measured {str(precision).removeprefix('torch.')} "
            + ("matrix rate" if device.type == "cuda" else "rate of its fastest convolution or of a matrix product"),
            FLOP_PER_PX * number * side**2 / forward_s / rate, 0.25 if device.type == "cuda" else None,
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

    with (
        Writer(write, threads_beside(predictor.device)) as writer,
        ReadAhead(_reader(blocks, predictor), threads_beside(predictor.device)) as reading,
    ):
        for number, (_, read) in enumerate(reading.each(blocks.grids)):
            writer.put(number, *predictor.predict(*read.result()))
    return classes


def _reader(blocks: Place, predictor: Predictor) -> Callable[[Grid], tuple[np.ndarray, np.ndarray]]:
    def read(grid: Grid) -> tuple[np.ndarray, np.ndarray]:
        pixels, valid = blocks.reader.read(grid.grown(predictor.margin_px), predictor.bands)
        return pinned(pixels, predictor.device), valid

    return read


def _read(blocks: Place, predictor: Predictor) -> None:
    """Reading and decoding alone, in as many threads as beside the predictions."""
    with ReadAhead(_reader(blocks, predictor), threads_beside(predictor.device)) as reading:
        for _, read in reading.each(blocks.grids):
            read.result()


def _in_memory(imagery: Sequence[tuple[np.ndarray, np.ndarray]], predictor: Predictor, times: int) -> None:
    """From bytes in memory to bytes in memory."""
    for number in range(times):
        predictor.predict(*imagery[number % len(imagery)])


def _as_unrecorded(forward: Forward, x: Tensor) -> list[Figure]:
    """On a GPU: scores of a recorded pass, byte for byte those of a pass that is launched kernel by kernel."""
    if not forward.records:
        return []
    with torch.inference_mode():
        equal = float((forward(x, often=True) == forward(x)).float().mean())
    return [share("scores of a recorded pass as of another", equal, 1.0)]


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
