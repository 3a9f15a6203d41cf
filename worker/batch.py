"""A batch: some blocks of one job, claimed together, predicted one after another while the next are read and those
before are written.

What can go wrong is one of three. The caller's fault: the block fails. The weather (storage or database away, weights
or device unusable, a worker that has to stop): the block goes back, and no attempt is counted. Ours, or unknown: the
attempt counts, and after some of them the block fails with its reason.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext

import numpy as np
import structlog
from sqlalchemy import select

from app import blocks, jobs
from app.blocks import Claim
from app.database import JobRow, Sessions
from app.definitions import prediction_grid
from app.errors import CosiaError, Invalid, RasterUnreadable, Unavailable, WeightsMismatch, WeightsUnreadable
from app.outputs import write_block
from app.settings import Settings
from app.storage import Storage, sha256
from worker.devices import DeviceBroken, pinned, select_device, threads_beside
from worker.endings import BlockFile, Endings
from worker.leases import Leases
from worker.materials import Imagery, Materials
from worker.memory import KeptMemory
from worker.pace import Pace
from worker.persisting import Persistence
from worker.pipeline import Prediction
from worker.presence import Presence
from worker.reading import ReadAhead
from worker.watchdog import Watchdog
from worker.writing import Writer

log = structlog.get_logger(__name__)

_memory = KeptMemory()
"""Of the process: batches follow each other."""

_FINISH_WITHIN_S = 8.0
_NEUTRAL = "this block could not be predicted because of an internal error"


class _Stopped(Exception):
    """The worker has to stop before this block can be finished."""


class Batch:
    """Predicts claimed blocks and publishes each as soon as its file is whole.

    `stop` ends the batch after the block at hand, or within it where that takes long. Raises Misconfigured where the
    device that is set is not there.
    """

    def __init__(
        self,
        sessions: Sessions,
        storage: Storage,
        settings: Settings,
        job_id: str,
        presence: Presence,
        stop: threading.Event,
        watchdog: Watchdog,
    ) -> None:
        self._sessions = sessions
        self._settings = settings
        self._job_id = job_id
        self._presence = presence
        self._stop = stop
        self._watchdog = watchdog
        self._storage = storage
        self._materials = Materials(sessions, storage)
        self._leases = Leases(sessions, lease_s=settings.lease_s, most_s=settings.stall_s)
        database = Persistence(sessions, stop, self._progress)
        self._endings = Endings(database, presence, job_id, settings.attempts)
        self._device = select_device(settings.device)
        self._threads = threads_beside(self._device)
        self._writer = Writer(self._write, self._threads)
        self._pace = Pace()
        self._stop_seen: float | None = None

    def run(self) -> list[str]:
        """Claims, predicts, publishes. Returns the jobs (this one or others) that wait for no block any more."""
        claims = self._claim()
        self._presence.tally("attempts", len(claims))
        with (
            self._watchdog.watching("predicting blocks", self._give_up),
            self._leases.holding(claims),
            _memory if self._device.type == "cpu" else nullcontext(),
            self._writer,
            ReadAhead(self._read, self._readers(claims)) as reading,
        ):
            for claim, imagery_read in reading.each(claims):
                if self._presence.out_of_service or self._stop.is_set() or not self._still_wanted():
                    imagery_read.cancel()
                    self._endings.hand_back(claim)
                    self._ended(claim)
                else:
                    with self._attempt(claim):
                        self._predict(claim, imagery_read)
        if self._pace.seconds_per_block is not None:
            self._presence.measured(claims[0].predicted_by, self._pace.seconds_per_block)
        if self._pace.fetch_seconds is not None:
            self._presence.fetched(claims[0].source_id, self._pace.fetch_seconds)
        return self._endings.complete

    def _claim(self) -> list[Claim]:
        with self._sessions.write() as session:
            limit = jobs.batch_size(
                session,
                self._job_id,
                seconds_per_block=self._presence.paces(),
                fetch_seconds=self._presence.fetch_paces(),
                batch_s=self._settings.batch_s,
                lease_s=self._settings.lease_s,
            )
            return jobs.claim_blocks(
                session,
                self._job_id,
                owner=self._presence.id,
                limit=limit,
                lease_s=self._settings.lease_s,
                most_attempts=self._settings.attempts,
            )

    def _readers(self, claims: list[Claim]) -> int:
        """How many blocks are read at a time: one of a map server, whose pace and patience more would only share."""
        return 1 if claims and self._materials.are_fetched(claims[0]) else self._threads

    def _read(self, claim: Claim) -> Imagery:
        if self._stop.is_set():
            raise _Stopped
        imagery = self._materials.read(claim)
        return imagery._replace(pixels=pinned(imagery.pixels, self._device))

    def _still_wanted(self) -> bool:
        with self._sessions.read() as session:
            return session.scalar(select(JobRow.status).where(JobRow.id == self._job_id)) in jobs.ACTIVE

    def _progress(self) -> None:
        self._leases.progress()
        self._watchdog.progress()

    def _between(self) -> None:
        """Between two patches. Raises _Stopped when the worker has to stop and has had time to finish."""
        self._progress()
        if self._stop.is_set():
            self._stop_seen = self._stop_seen or time.monotonic()
            if time.monotonic() - self._stop_seen > _FINISH_WITHIN_S:
                raise _Stopped

    def _predict(self, claim: Claim, imagery_read: Future[Imagery]) -> None:
        """Predicts one block and lets it be written; what it raises ends the attempt."""
        networks = self._materials.networks(claim)
        began = self._pace.begin()
        imagery = self._awaited(imagery_read)
        prediction = networks.predict(imagery.pixels, imagery.valid, self._between, extras=imagery.extras)
        self._writer.put(claim, prediction, time.monotonic() - began)

    def _awaited(self, imagery_read: Future[Imagery]) -> Imagery:
        """The imagery. Waiting for a map server, or for what fails, is no part of the pace of prediction."""
        began, imagery = time.monotonic(), None
        try:
            imagery = imagery_read.result()
            if imagery.fetch_s is not None:
                self._pace.fetched(imagery.fetch_s)
            return imagery
        finally:
            if imagery is None or imagery.fetch_s is not None:
                self._pace.wait_apart(time.monotonic() - began)

    def _write(self, claim: Claim, prediction: Prediction, predicting_s: float) -> None:
        """Publishes a block that was predicted, in a thread of the writer's."""
        with self._attempt(claim):
            self._publish(claim, prediction, predicting_s)
            self._pace.end()
            self._ended(claim)

    def _ended(self, claim: Claim) -> None:
        self._leases.drop(claim)
        self._progress()

    @contextmanager
    def _attempt(self, claim: Claim) -> Iterator[None]:
        """Ends the attempt with its reason where what is inside fails."""
        with structlog.contextvars.bound_contextvars(job_id=self._job_id, block=claim.key):
            try:
                yield
            except _Stopped:
                self._endings.hand_back(claim)
            except (WeightsUnreadable, WeightsMismatch) as error:
                self._presence.leave(f"the weights of model {claim.predicted_by}: {error.message}")
                self._endings.postpone(claim, error.message)
            except DeviceBroken as error:
                self._presence.leave(error.message)
                self._endings.postpone(claim, error.message)
                self._writer.finish()  # what was predicted before is whole
                self._watchdog.end(error.message)  # the connection to the driver is broken for good
            except RasterUnreadable as error:
                self._endings.fail(claim, error.message)
            except Unavailable as error:
                self._endings.postpone(claim, error.message)
            except Invalid as error:
                self._endings.fail(claim, error.message, final=True)
            except CosiaError as error:
                self._endings.fail(claim, error.message)
            except Exception:
                log.exception("block_failed", attempt=claim.attempts)
                self._endings.fail(claim, _NEUTRAL)
            else:
                return
            self._ended(claim)

    def _publish(self, claim: Claim, prediction: Prediction, predicting_s: float) -> None:
        began = time.monotonic()
        href = blocks.block_href(claim.key)
        grid = prediction_grid(claim.epsg).block(claim.cell)
        with self._storage.writing(href) as path:
            write_block(path, prediction.classes, prediction.confidence, grid)
            digest, size_bytes = sha256(path), path.stat().st_size
        counts = np.bincount(prediction.classes.ravel(), minlength=256)
        histogram = {str(value): int(counts[value]) for value in np.flatnonzero(counts)}
        file = BlockFile(href, digest, size_bytes, histogram)
        self._endings.publish(claim, file, predicting_s + time.monotonic() - began)

    def _give_up(self, reason: str, counts: bool) -> None:
        """The process ends: the block at hand has failed if that `counts`, the others go back."""
        for position, claim in enumerate(self._leases.held()):
            if counts and position == 0:
                self._endings.fail(claim, reason)
            else:
                self._endings.hand_back(claim)
