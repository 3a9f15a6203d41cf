"""A batch: some blocks of one job, claimed together, predicted one after another while the next is read."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import structlog

from app import blocks, imagery, jobs, models
from app.blocks import Claim
from app.database import JobRow, Sessions
from app.definitions import prediction_grid
from app.errors import CosiaError, Invalid, Unavailable
from app.outputs import write_block
from app.settings import Settings
from app.storage import Storage, sha256
from worker.leases import Leases
from worker.pipeline import Predictor, predictor
from worker.presence import Presence
from worker.readers import FileReader

log = structlog.get_logger(__name__)

_MOST_SECONDS_PER_BLOCK = 900.0
_NEUTRAL = "this block could not be predicted because of an internal error"

Imagery = tuple[np.ndarray, np.ndarray]


class Batch:
    """Predicts claimed blocks and publishes each as soon as its file is whole.

    `stop` ends the batch after the block at hand; what is untouched goes back without an attempt burned.
    """

    def __init__(
        self,
        sessions: Sessions,
        storage: Storage,
        settings: Settings,
        job_id: str,
        presence: Presence,
        stop: threading.Event,
    ) -> None:
        self._sessions = sessions
        self._storage = storage
        self._settings = settings
        self._job_id = job_id
        self._presence = presence
        self._stop = stop

    def run(self) -> list[str]:
        """Claims, predicts, publishes. Returns the jobs (this one or others) that wait for no block any more."""
        with self._sessions.write() as session:
            claims = jobs.claim_blocks(
                session,
                self._job_id,
                owner=self._presence.id,
                limit=self._settings.batch_blocks,
                lease_s=self._settings.lease_s,
                most_attempts=self._settings.attempts,
            )
        complete: list[str] = []
        leases = Leases(self._sessions, claims, lease_s=self._settings.lease_s, most_s=_MOST_SECONDS_PER_BLOCK)
        with leases, ThreadPoolExecutor(1, "read-ahead") as reading:
            pending = [(claim, reading.submit(self._read, claim)) for claim in claims]
            for claim, imagery_read in pending:
                if self._stop.is_set() or not self._still_wanted():
                    imagery_read.cancel()
                    self._hand_back(claim)
                else:
                    complete += self._predict(claim, imagery_read)
                leases.drop(claim)
        return complete

    def _still_wanted(self) -> bool:
        with self._sessions.read() as session:
            job = session.get(JobRow, self._job_id)
            return job is not None and job.status in jobs.ACTIVE

    def _hand_back(self, claim: Claim) -> None:
        with self._sessions.write() as session:
            blocks.hand_back(session, claim)

    def _read(self, claim: Claim) -> Imagery:
        """(bands, height, width) uint8 with the card's margin, and where it is imagery."""
        grid = prediction_grid(claim.epsg).block(claim.cell)
        with self._sessions.read() as session:
            card = models.find_model(session, self._storage, claim.model_id).card
            source = imagery.find(session, claim.source_id)
            if source.version != claim.source_version:
                raise Invalid(f"imagery source {source.id} was replaced since the job was asked: ask again")
            around = grid.grown(card.margin_px)
            files = imagery.files_for(session, claim.source_id, around.bounds)
        return FileReader(files, source).read(around, card.bands)

    def _predict(self, claim: Claim, imagery_read: Future[Imagery]) -> list[str]:
        """Predicts one block and publishes it, or ends the attempt with its reason."""
        started = time.monotonic()
        with structlog.contextvars.bound_contextvars(job_id=self._job_id, block=claim.key):
            try:
                pixels, valid = imagery_read.result()
                prediction = self._network(claim).predict(pixels, valid)
                return self._publish(claim, *prediction, seconds=time.monotonic() - started)
            except Invalid as error:
                return self._fail(claim, error.message, final=True)
            except Unavailable as error:
                log.warning("block_postponed", reason=error.message, attempt=claim.attempts)
                return self._fail(claim, error.message)
            except CosiaError as error:
                return self._fail(claim, error.message)
            except Exception:
                log.exception("block_failed", attempt=claim.attempts)
                return self._fail(claim, _NEUTRAL)

    def _network(self, claim: Claim) -> Predictor:
        with self._sessions.read() as session:
            model = models.find_model(session, self._storage, claim.model_id)
        if model.sha256 != claim.model_sha256:
            raise Invalid(f"the weights of model {claim.model_id} were replaced since the job was asked: ask again")
        return predictor(model.card, model.weights)

    def _publish(self, claim: Claim, classes: np.ndarray, confidence: np.ndarray, *, seconds: float) -> list[str]:
        href = blocks.block_href(claim.key)
        grid = prediction_grid(claim.epsg).block(claim.cell)
        with self._storage.writing(href) as path:
            write_block(path, classes, confidence, grid)
            digest = sha256(path)
        counts = np.bincount(classes.ravel(), minlength=256)
        histogram = {str(value): int(counts[value]) for value in np.flatnonzero(counts)}
        with self._sessions.write() as session:
            published = blocks.complete(session, claim, href=href, sha256=digest, histogram=histogram, seconds=seconds)
            if not published:
                log.warning("write_fenced", fence=claim.fence)
                return []
            log.info("block_done", seconds=round(seconds, 2))
            return jobs.block_ended(session, claim.key, jobs.block_bbox(claim.epsg, claim.cell))

    def _fail(self, claim: Claim, reason: str, *, final: bool = False) -> list[str]:
        final = final or claim.attempts >= self._settings.attempts
        with self._sessions.write() as session:
            ended = blocks.fail_attempt(session, claim, reason, final=final)
            if not (ended and final):
                return []
            log.warning("block_given_up", reason=reason)
            return jobs.block_ended(session, claim.key, jobs.block_bbox(claim.epsg, claim.cell), failed=True)
