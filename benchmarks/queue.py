"""What jobs ask of the database: statements for a POST, a block, a status, a preview tile; and a full queue.

Statements are counted by PostgreSQL itself. Blocks are computed by a simulated worker; imagery is none.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median, quantiles

import numpy as np

from app import blocks, jobs
from app.database import Sessions
from app.definitions import prediction_grid
from app.jobs import ended_blocks
from app.outputs import write_block
from app.storage import FolderStorage
from benchmarks import imagery, servers
from benchmarks.asking import UNLIMITED, Client
from benchmarks.figures import Figure
from benchmarks.imagery import FIRST, Square
from benchmarks.observed import ComponentMissing, Servers
from benchmarks.observed import servers as database_and_broker
from benchmarks.simulated_workers import simulated_workers

_SIDE = 60
_SIZES = {1: Square(0, 0), 64: Square(1, 0, 8, 8), 3481: Square(1, 1, 59, 59)}
"""Number of blocks -> where. The largest holds the one before, of which it computes nothing again."""
_QUEUED = 1000
_ASKED = 100


def measure() -> list[Figure]:
    """Per job of each size: POST, blocks, status, tile. Then a thousand jobs wait, and more are asked for."""
    try:
        with database_and_broker() as both, tempfile.TemporaryDirectory() as name:
            return _measured(both, Path(name))
    except ComponentMissing as missing:
        print(f"  {missing}")
        return []


def _measured(both: Servers, folder: Path) -> list[Figure]:
    data = folder / "data"
    environment = {**both.settings, **UNLIMITED, "COSIA_DATA": str(data), "COSIA_LOG_LEVEL": "WARNING"}
    os.environ |= environment
    imagery.pretend(both.sessions, "ground", _SIDE)
    with (
        servers.ours(data, "none", **environment) as web,
        closing(Client(web.address, both.sessions, web.pids)) as client,
    ):
        client.ask(Square(0, 59), "ground")  # modules and connections
        figures = [figure for size in _SIZES for figure in _of_size(both, client, environment, data, size)]
        return [*figures, *_full_queue(client)]


def _of_size(both: Servers, client: Client, environment: dict[str, str], data: Path, size: int) -> list[Figure]:
    """A job from POST to its last block: database statements of each step, and what looking at it costs."""
    square = _SIZES[size]
    with both.observed() as posting:
        job_id = client.ask(square, "ground")
    with simulated_workers(environment, 1, 0.0), both.observed() as computing:
        _wait_for_blocks(both.sessions, job_id)
    _give_files(both.sessions, data, job_id)
    middle = square.polygon.centroid
    status, tile = f"/api/jobs/{job_id}", client.tile(job_id, middle.x, middle.y, 17)
    with both.observed() as looking:
        looking_ms = [_milliseconds(lambda: client.get(status)) for _ in range(_ASKED)]
    with both.observed() as drawing:
        drawing_ms = [_milliseconds(lambda: client.get(tile)) for _ in range(_ASKED)]
    computed = size - (64 if size > 64 else 0)
    print(
        f"  {size} blocks: POST {posting.seconds:.2f} s, {posting.statements} statements; per block"
        f" {computing.statements / computed:.1f} statements, {computing.transactions / computed:.1f} transactions;"
        f" status {median(looking_ms):.1f} ms, preview tile {median(drawing_ms):.1f} ms",
        flush=True,
    )
    return [
        Figure(f"database statements of a POST, {size} blocks", f"{posting.statements} in {posting.seconds:.2f} s"),
        Figure(f"database statements per block, job of {size}", f"{computing.statements / computed:.1f}"),
        Figure(f"database statements per look at the status, job of {size}", f"{looking.statements / _ASKED:.1f}"),
        Figure(f"database statements per preview tile, job of {size}", f"{drawing.statements / _ASKED:.1f}"),
    ]


def _full_queue(client: Client) -> list[Figure]:
    """POSTs of one block each while a thousand such jobs wait and nobody works."""
    cells = iter(range(_SIDE * _SIDE))

    def post() -> None:
        cell = next(cells)
        client.ask(Square(cell % _SIDE, cell // _SIDE), "ground", model="cosia-demo", outputs=["areas"])

    empty = [_milliseconds(post) for _ in range(_ASKED)]
    for _ in range(_QUEUED - _ASKED):
        post()
    full = [_milliseconds(post) for _ in range(_ASKED)]
    print(f"  POST of one block: {_spread(empty)} at first, {_spread(full)} behind {_QUEUED} jobs", flush=True)
    ratio = median(full) / median(empty)
    return [
        Figure(
            f"POST behind {_QUEUED} queued jobs, p50 and p95, beside the first", _spread(full), _spread(empty), ratio
        )
    ]


def _wait_for_blocks(sessions: Sessions, job_id: str) -> None:
    while True:
        with sessions.read() as session:
            if jobs.progress(session, job_id).finished:
                return
        time.sleep(0.2)


def _give_files(sessions: Sessions, data: Path, job_id: str) -> None:
    """The same picture for every block: where it lies, its row says."""
    storage = FolderStorage(data)
    grid = prediction_grid().block(FIRST)
    classes = np.random.default_rng(1).integers(1, 16, (grid.height // 64, grid.width // 64), np.uint8)
    picture = np.kron(classes, np.ones((64, 64), np.uint8))
    with storage.writing("picture.tif") as path:
        write_block(path, picture, picture, grid)
    with sessions.read() as session:
        hrefs = [blocks.block_href(row.key) for row in ended_blocks(session, job_id)]
    for href in hrefs:
        link = storage.path(href)
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            os.link(storage.path("picture.tif"), link)


def _milliseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)


def _spread(milliseconds: Sequence[float]) -> str:
    return f"{median(milliseconds):.0f} and {quantiles(milliseconds, n=20)[-1]:.0f} ms"
