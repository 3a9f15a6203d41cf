"""A prediction asked of the whole service beside the same blocks in the pipeline alone, in one run.

The service is `cosia up` as it is shipped: web, worker, SQLite, Valkey, files. The pipeline reads with margin, predicts
and writes block files, with neither database nor broker. Jobs ask for areas alone, so that what is compared is the
machinery; what the usual outputs take is reported apart (see `benchmarks.outputs` for each of them).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from sqlalchemy import func, select

from app.database import BlockRow, Sessions, connect
from benchmarks import imagery
from benchmarks.asking import UNLIMITED, Client, Watched
from benchmarks.figures import Figure
from benchmarks.imagery import Square
from benchmarks.pipeline import Pipeline, Run, pipeline
from tests.service import Service

_TERRITORIES = 3
_OUTPUTS = ["areas"]
_WARM_UP = Square(8, 8)
_SQUARES = {
    1: [Square(8, row) for row in range(5)],
    4: [Square(4 * number, 8, 4, 1) for number in range(2)],
    64: [Square(0, 0, 8, 8)],
}
"""Number of blocks -> places that no other measurement touches, one a round."""


class _Pair(NamedTuple):
    """The same blocks, by the service and by the pipeline alone."""

    service: Watched
    pipeline: Run


def measure() -> list[Figure]:
    """Rounds of one, four and sixty-four blocks; then the same areas again, and two that overlap."""
    with tempfile.TemporaryDirectory() as name, _service(Path(name)) as (client, alone, sessions):
        client.watch(_WARM_UP, "ground", outputs=_OUTPUTS)
        alone.run(_WARM_UP.cells)
        pairs = {blocks: [_pair(client, alone, square) for square in places] for blocks, places in _SQUARES.items()}
        repeats = [figure for blocks, places in _SQUARES.items() for figure in _repeats(client, blocks, places[0])]
        twice = _overlap(client, sessions)
    figures = []
    for blocks, measured in pairs.items():
        _print(blocks, measured)
        figures += _figures(blocks, measured)
    return [*figures, *repeats, twice]


@contextmanager
def _service(folder: Path) -> Iterator[tuple[Client, Pipeline, Sessions]]:
    """The service, the pipeline alone over the same imagery, and the service's database."""
    data = folder / "data"
    placed = imagery.write(folder, _TERRITORIES)
    with Service(data, blocks=0, **UNLIMITED) as service:
        os.environ["COSIA_DATA"] = str(data)  # what registers imagery in this process is of the same folder
        sessions = Sessions(connect(f"sqlite:///{data / 'cosia.sqlite'}"))
        for source_id in ("ground", "overlap"):
            imagery.add(sessions, source_id, placed)
        pids = [pid for process in ("web", "worker", "valkey") for pid in service.processes(process)]
        with closing(Client(service.url, sessions, pids)) as client, pipeline(data, "ground") as alone:
            yield client, alone, sessions


def _pair(client: Client, alone: Pipeline, square: Square) -> _Pair:
    """The service between two halves of the pipeline's blocks: a machine that grows slower slows both."""
    half = len(square.cells) // 2
    before = alone.run(square.cells[:half]) if half else Run(0.0, 0.0, 0.0)
    watched = client.watch(square, "ground", outputs=_OUTPUTS)
    after = alone.run(square.cells[half:])
    return _Pair(watched, Run(*(a + b for a, b in zip(before, after, strict=True))))


def _overlap(client: Client, sessions: Sessions) -> Figure:
    """Two areas of 2 × 2 blocks that share two, asked for at once."""
    squares = [Square(0, 0, 2, 2), Square(1, 0, 2, 2)]
    for job_id in [client.ask(square, "overlap", outputs=_OUTPUTS) for square in squares]:
        client.wait(job_id)
    needed = len({cell for square in squares for cell in square.cells})
    with sessions.read() as session:
        claims = session.scalar(select(func.sum(BlockRow.fence)).where(BlockRow.source_id == "overlap"))
    return Figure(
        "blocks computed for two areas that overlap",
        f"{claims}",
        f"{needed} different",
        None,
        "equal",
        claims == needed,
    )


def _print(blocks: int, pairs: list[_Pair]) -> None:
    of = {name: median(getattr(pair.service, name) for pair in pairs) for name in Watched._fields[1:]}
    alone = {name: median(getattr(pair.pipeline, name) for pair in pairs) for name in Run._fields}
    print(
        f"  {_count(blocks)}: answered {of['answered_s']:.3f} s, claimed {of['claimed_s']:.3f} s, first pixel"
        f" {of['first_pixel_s']:.2f} s, last block {of['predicted_s']:.2f} s, successful {of['successful_s']:.2f} s"
        f" ({of['cpu_s']:.2f} s CPU); pipeline alone {alone['wall_s']:.2f} s ({alone['cpu_s']:.2f} s CPU),"
        f" block files written in {alone['writing_s']:.2f} s beside it",
        flush=True,
    )


def _figures(blocks: int, pairs: list[_Pair]) -> list[Figure]:
    first = median(pair.service.first_pixel_s for pair in pairs)
    ended, alone = (
        median(times) for times in zip(*((p.service.successful_s, p.pipeline.wall_s) for p in pairs), strict=True)
    )
    cpu, alone_cpu = (
        median(times) for times in zip(*((p.service.cpu_s, p.pipeline.cpu_s) for p in pairs), strict=True)
    )
    figure = Figure(
        f"{_count(blocks)}, POST to successful beside the pipeline alone",
        f"{ended:.2f} s ({cpu:.1f} s CPU)",
        f"{alone:.2f} s ({alone_cpu:.1f} s CPU)",
        ended / alone,
    )
    if blocks == 1:
        figure = figure._replace(target="<= 1.5 s more", met=ended - alone <= 1.5)
    if blocks == 64:
        figure = figure._replace(target="<= 1.1x", met=ended / alone <= 1.1)
    return [Figure(f"{_count(blocks)}, POST to first preview pixel", f"{first:.2f} s"), figure]


def _repeats(client: Client, blocks: int, square: Square) -> list[Figure]:
    """The same request again; one for every output that is written by default; that one again."""
    again = client.watch(square, "ground", outputs=_OUTPUTS).successful_s
    more = client.watch(square, "ground").successful_s
    more_again = client.watch(square, "ground").successful_s
    return [
        _repeat(blocks, "the same asked again", again),
        Figure(f"{_count(blocks)} predicted before, the usual outputs asked", f"{more:.2f} s"),
        _repeat(blocks, "the usual outputs asked again", more_again),
    ]


def _repeat(blocks: int, what: str, seconds: float) -> Figure:
    name = f"{_count(blocks)} predicted before, {what}"
    return Figure(name, f"{seconds:.2f} s", target="<= 0.5 s", met=seconds <= 0.5)


def _count(blocks: int) -> str:
    return f"{blocks} block{'s' * (blocks > 1)}"
