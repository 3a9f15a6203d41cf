"""The pipeline alone: what a batch does to blocks, without database, broker and web, in a process of its own."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from app import imagery, models
from app.database import Sessions, connect
from app.database.engine import database_url
from app.definitions import BlockCell, Grid, ImagerySource, prediction_grid
from app.imagery.sources import all_files
from app.outputs import write_block
from app.settings import settings
from app.storage import sha256, storage
from worker.pipeline import Prediction, Predictor, predictor
from worker.readers import FileReader
from worker.reading import ReadAhead
from worker.writing import Writer


class Run(NamedTuple):
    """Seconds on the clock, of CPU, and (on the clock) of writing block files, while the next ones are predicted."""

    wall_s: float
    cpu_s: float
    writing_s: float


class _Loaded(NamedTuple):
    source: ImagerySource
    reader: FileReader
    predictor: Predictor


_loaded: list[_Loaded] = []


class Pipeline:
    """`run` predicts blocks; threads read the next ones and write the files of those before, as in a batch."""

    def __init__(self, process: ProcessPoolExecutor) -> None:
        self._process = process

    def run(self, cells: Sequence[BlockCell]) -> Run:
        return self._process.submit(_run, cells).result()


@contextmanager
def pipeline(data: Path, source_id: str) -> Iterator[Pipeline]:
    """A process with the network loaded, over the imagery of a data folder."""
    with ProcessPoolExecutor(
        1, mp_context=get_context("spawn"), initializer=_load, initargs=(data, source_id)
    ) as process:
        yield Pipeline(process)


def _load(data: Path, source_id: str) -> None:
    os.environ |= {"COSIA_DATA": str(data), "COSIA_DEVICE": "cpu"}
    with Sessions(connect(database_url(settings()))).read() as session:
        source = imagery.find(session, source_id)
        reader = FileReader(all_files(session, source_id), source)
        model = models.find_model(session, storage(), "cosia-demo")
    _loaded.append(_Loaded(source, reader, predictor([(model.card, model.weights)])))


def _run(cells: Sequence[BlockCell]) -> Run:
    source, reader, network = _loaded[0]
    grids = [prediction_grid(source.epsg).block(cell) for cell in cells]
    writing_s: list[float] = []
    wall, cpu = time.perf_counter(), time.process_time()
    with (
        tempfile.TemporaryDirectory() as folder,
        Writer(_write, threads=1) as writer,
        ReadAhead(lambda grid: reader.read(grid.grown(network.margin_px), network.bands), threads=1) as reading,
    ):
        for number, (grid, read) in enumerate(reading.each(grids)):
            writer.put(Path(folder) / f"{number}.tif", network.predict(*read.result()), grid, writing_s)
        writer.finish()
    return Run(time.perf_counter() - wall, time.process_time() - cpu, sum(writing_s))


def _write(path: Path, prediction: Prediction, grid: Grid, seconds: list[float]) -> None:
    started = time.perf_counter()
    write_block(path, prediction.classes, prediction.confidence, grid)
    sha256(path)
    seconds.append(time.perf_counter() - started)
