"""A job whose map server goes away: its blocks wait without an attempt, and it ends as if nothing had been."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import safetensors.torch
import torch
from sqlalchemy import select, update

from app import gate, imagery, jobs, models
from app.catalogue import Catalogue
from app.database import BlockRow, JobRow, Sessions, connect
from app.definitions import ImagerySource, ModelCard, prediction_grid
from app.imagery.remote import client
from app.settings import Settings
from app.storage import FolderStorage, sha256
from tests import samples
from tests.conftest import forget_settings
from tests.imagery_files import write_raster
from tests.map_servers import Answer, Door, Reply, door_to, mapserver
from tests.worker.watched import Watched
from worker.architectures import build
from worker.batch import Batch
from worker.finalize import finalize
from worker.presence import Presence

CELLS = 4  # of a block: 2048 pixels, 1024 of them at a time
SERVER = "the map server of imagery source remote: "
MEANWHILE = "; it is asked again without your doing"


def fault(code: str, text: str) -> Reply:
    said = (
        f'<ServiceException code="{code}">{text}</ServiceException>'
        if code
        else f"<ServiceException>{text}</ServiceException>"
    )
    return Reply(200, {"Content-Type": "text/xml"}, f"<ServiceExceptionReport>{said}</ServiceExceptionReport>".encode())


class Server:
    """A map server that cuts its answers off after so many whole ones; given: the queries answered whole."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self.left = 1 << 30
        self.given: list[str] = []

    def __call__(self, query: str) -> Reply:
        with self._lock:
            self.left -= 1
            if self.left < 0:
                return Reply(200, {"Content-Type": "image/png"}, b"half a picture", short=7)
            self.given.append(query)
        return self._answer(query)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_FIRST_WAIT_S", 0.001)
    monkeypatch.setattr(client, "_UNSTATED_WAIT_S", 0.001)
    monkeypatch.setenv("COSIA_STALL_S", "40")  # a block is given half of it
    forget_settings()


@pytest.fixture
def sessions(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sessions]:
    monkeypatch.setattr("app.broker.ring", lambda *_: True)
    engine = connect(sqlite_url)
    yield Sessions(engine)
    engine.dispose()


@pytest.fixture
def model(sessions: Sessions, storage: FolderStorage, card: ModelCard, tmp_path: Path) -> models.TrainedModel:
    torch.manual_seed(3)
    content = safetensors.torch.save(build(card).state_dict())
    path = tmp_path / "new.safetensors"
    path.write_bytes(content)
    completed = card.model_copy(update={"weights": path.name, "sha256": sha256(path)})
    with sessions.write() as session:
        models.add_model(session, storage, completed, content, sha256(path))
        return models.find_model(session, storage, card.id)


def photograph(folder: Path, left_px: int, top_px: int, width_px: int, height_px: int) -> Path:
    """RGB, counted from the corner of the first block, in smooth colours, which are quickly packed."""
    x, y = np.meshgrid(np.arange(width_px // 64), np.arange(height_px // 64))
    small = np.stack([40 + x * 3 % 180, 40 + y * 5 % 180, 40 + (x + y) * 2 % 180]).astype(np.uint8)
    pixels = np.repeat(np.repeat(small, 64, axis=1), 64, axis=2)
    block = prediction_grid().block(samples.CELL)
    left, top = block.left + left_px * 0.2, block.top - top_px * 0.2
    return write_raster(folder / "rgb.tif", pixels, left=left, top=top, compress="DEFLATE", tiled=True)


def mapserver_of(folder: Path, rgb: Path, columns: int, rows: int) -> Server:
    block = prediction_grid().block(samples.CELL)
    right, bottom = block.left + columns * 409.6, block.top - rows * 409.6
    return Server(mapserver(folder, {"rgb": rgb}, (block.left, bottom, right, block.top)))


def register(sessions: Sessions, door: Door) -> ImagerySource:
    layers = [{"role": "rgb", "layer": "rgb", "cell_px": 1024, "fill": 0}]
    service = {"url": door.url, "requests_per_s": 40, "parallel": 4, "layers": layers}
    bbox = list(samples.source().bbox)
    definition = {"id": "remote", "title": "Remote", "epsg": 2154, "bbox": bbox, "service": service}
    source = imagery.define_service(definition)
    imagery.register_service(sessions, source)
    return source


class Worker:
    """Predicts blocks of one job, batch by batch, whenever it is told to."""

    def __init__(self, sessions: Sessions, storage: FolderStorage, job: JobRow) -> None:
        self._sessions = sessions
        self._storage = storage
        self._settings = Settings(data=str(storage.folder))
        self.job_id = job.id
        self.presence = Presence(sessions, device="cpu", queues=("gpu", "cpu"))
        self.presence.come_back()
        self.presence.measured(job.predicted_by or "", 1.0)

    def round(self) -> str:
        """As long after the last one as its waits were; gives what the job says then."""
        with self._sessions.write() as session:
            session.execute(update(BlockRow).values(retry_at=0.0))
        Batch(
            self._sessions, self._storage, self._settings, self.job_id, self.presence, threading.Event(), Watched()
        ).run()
        return self.job().message

    def job(self) -> JobRow:
        with self._sessions.read() as session:
            return jobs.get(session, self.job_id)

    def blocks(self) -> list[tuple[str, int]]:
        """Status of each and how often it has been tried, those that are done first."""
        return sorted((row.status, row.attempts) for row in self.rows())

    def rows(self) -> list[BlockRow]:
        with self._sessions.read() as session:
            order = (BlockRow.source_id, BlockRow.grid_row, BlockRow.grid_column)
            return list(session.scalars(select(BlockRow).order_by(*order)))

    def finish(self) -> JobRow:
        catalogue = Catalogue(self._sessions, self._storage, self._settings.refresh_s)
        finalize(
            self._sessions,
            self._storage,
            self._settings,
            self.job_id,
            catalogue=catalogue,
            stop=threading.Event(),
            watchdog=Watched(),
        )
        return self.job()


def submit(
    sessions: Sessions, source: ImagerySource, model: models.TrainedModel, columns: int, rows: int = 1
) -> JobRow:
    ensemble = models.ensemble_of([model])
    return jobs.submit(
        sessions, samples.request(columns=columns, rows=rows, source=source, ensemble=ensemble), samples.LIMITS
    )


def forget_patience() -> None:
    """As after the time that a server asked for: waiting for it would be most of the test."""
    gate._gates.clear()


@pytest.mark.needs("mapserver")
def test_blocks_wait_while_their_server_is_away_and_the_job_ends_as_if_nothing_had_been(
    sessions: Sessions, storage: FolderStorage, model: models.TrainedModel, tmp_path: Path
) -> None:
    # Over a border of blocks, and over all of their cells: what is predicted is little, what is asked is all.
    server = mapserver_of(tmp_path, photograph(tmp_path, 2048 - 192, 1024 - 192, 384, 384), 2, 1)
    with door_to(server) as door:
        port = urlsplit(door.url).port or 0
        worker = Worker(sessions, storage, submit(sessions, register(sessions, door), model, 2, 1))
        server.left = CELLS + 1
        worker.round()
    reasons = [row.reason for row in worker.rows() if row.status == "waiting"]
    assert reasons == [f"{SERVER}its answer was cut short or is garbled{MEANWHILE}"]
    assert worker.blocks() == [("done", 1), ("waiting", 0)]

    assert worker.round() == f"postponed: {SERVER}it cannot be reached{MEANWHILE}"

    server.left = 1 << 30
    with door_to(server, port) as door:
        door.failing = [Reply(429, {"Retry-After": "60"})]
        assert worker.round().startswith(f"postponed: {SERVER}")
        assert worker.job().message.endswith(MEANWHILE)
        assert len(door.asked) <= 3  # what was under way when one of them was told to wait
        forget_patience()
        door.failing = [fault("", "msDrawMap(): the file is away") for _ in range(100)]
        assert worker.round() == f"postponed: {SERVER}it says 'msDrawMap(): the file is away'{MEANWHILE}"
        assert worker.blocks() == [("done", 1), ("waiting", 0)]
        door.failing = []
        worker.round()

    ended = worker.finish()
    assert worker.blocks() == [("done", 1), ("done", 1)]
    assert (ended.status, ended.message) == ("successful", "")
    assert len(server.given) == len(set(server.given)) == 2 * CELLS  # nothing that had come was asked for again
    assert worker.presence.fetch_paces().keys() == {"remote"}


def test_what_a_server_never_gives_ends_the_job_with_its_words_and_what_to_do(
    sessions: Sessions, storage: FolderStorage, model: models.TrainedModel
) -> None:
    with door_to(lambda _query: fault("LayerNotDefined", "no rgb here")) as door:
        worker = Worker(sessions, storage, submit(sessions, register(sessions, door), model, 1, 1))
        worker.round()

    ended = worker.finish()
    assert ended.status == "failed"
    assert ended.message == (
        "1 of 1 blocks failed: the map server of imagery source remote: it says 'no rgb here' (LayerNotDefined); "
        "choose other imagery, or tell the operator"
    )


@pytest.mark.thorough
@pytest.mark.needs("mapserver")
def test_after_weather_of_all_kinds_every_block_has_the_bytes_of_a_fine_day(
    sessions: Sessions, storage: FolderStorage, model: models.TrainedModel, tmp_path: Path
) -> None:
    rgb = photograph(tmp_path, 0, 0, 3 * 2048, 2 * 2048)
    server = mapserver_of(tmp_path, rgb, 3, 2)
    generator = np.random.default_rng(11)
    weather = [
        Reply(429, {"Retry-After": "1"}),
        Reply(503, {"Retry-After": "1"}),
        Reply(500),
        Reply(200, {"Content-Type": "text/html"}, b"<html>away</html>"),
        Reply(200, {"Content-Type": "image/png"}, b""),
        Reply(200, {"Content-Type": "image/png"}, b"cut", short=1),
        fault("", "msDrawMap(): the file is away"),
    ]
    with door_to(server) as door:
        worker = Worker(sessions, storage, submit(sessions, register(sessions, door), model, 3, 2))
        for _ in range(40):
            door.failing = [weather[kind] for kind in generator.integers(len(weather), size=generator.integers(8))]
            worker.round()
            if all(status == "done" for status, _ in worker.blocks()):
                break
    assert worker.blocks() == [("done", 1)] * 6
    assert worker.finish().status == "successful"
    assert len(server.given) == len(set(server.given)) == 6 * CELLS

    files = imagery.register(sessions, source_id="files", title="Files", rgb=[rgb])
    dry = Worker(sessions, storage, submit(sessions, files, model, 3, 2))
    dry.round()
    by_source = {name: [row.sha256 for row in dry.rows() if row.source_id == name] for name in ("files", "remote")}
    assert len(by_source["files"]) == 6
    assert by_source["files"] == by_source["remote"]
