"""The bodies of the tasks that `app.broker` knows by name, and the sweeper that each worker carries."""

from __future__ import annotations

import threading
from functools import lru_cache

import structlog
from celery.signals import worker_ready, worker_shutting_down

from app import broker, jobs
from app.broker import CPU, FINALIZE, GPU, PREDICT, celery
from app.catalogue import Catalogue
from app.database import sessions
from app.errors import CosiaError, Unavailable
from app.expiry import Expiry
from app.settings import settings
from app.storage import storage
from worker.batch import Batch
from worker.finalize import finalize
from worker.presence import Presence
from worker.sweeper import Sweeper

log = structlog.get_logger(__name__)

application = celery()
stopping = threading.Event()
presence = Presence(sessions(), device=settings().device, queues=(GPU, CPU))

_PAUSE_S = 1.0


@application.task(name=PREDICT)
def predict_blocks(job_id: str, rung_at: float, queue: str, priority: int) -> None:
    """Predicts one batch of a job's blocks, then rings for the next: so a long job takes turns with others."""
    with structlog.contextvars.bound_contextvars(job_id=job_id):
        if not _hear(job_id, rung_at, queue, priority):
            return
        try:
            complete = Batch(sessions(), storage(), settings(), job_id, presence, stopping).run()
            for each in (job_id, *complete):
                jobs.ring(sessions(), each)
        except CosiaError as error:  # the sweeper rings again
            log.warning("batch_given_up", reason=error.message)


@application.task(name=FINALIZE)
def finalize_job(job_id: str, rung_at: float, queue: str, priority: int) -> None:
    """Makes the results of a job that waits for no block, or has a turn at it; harmless however often it is rung."""
    with structlog.contextvars.bound_contextvars(job_id=job_id):
        if not _hear(job_id, rung_at, queue, priority):
            return
        try:
            if finalize(sessions(), storage(), settings(), job_id, catalogue=_catalogue(), stop=stopping):
                jobs.ring(sessions(), job_id)
        except CosiaError as error:  # the sweeper rings again
            log.warning("finalizing_given_up", reason=error.message)


def _hear(job_id: str, rung_at: float, queue: str, priority: int) -> bool:
    """Whether there is something to do; while the database is away the bell waits with us, and others in the queue."""
    while not stopping.is_set():
        try:
            return jobs.hear(sessions(), job_id, rung_at, queue, priority)
        except Unavailable as error:
            log.warning("bell_waits", reason=error.message)
            stopping.wait(_PAUSE_S)
    broker.ring(PREDICT if queue != CPU else FINALIZE, job_id, rung_at, queue, priority)  # for others to hear
    return False


@lru_cache
def _catalogue() -> Catalogue:
    """Kept, so that a turn at counting reads only layers that changed since the last one."""
    return Catalogue(sessions(), storage(), settings().refresh_s)


@worker_ready.connect
def _start_sweeper(**_: object) -> None:
    expiry = Expiry(sessions(), storage(), settings())
    Sweeper(sessions(), presence, expiry, every_s=settings().sweep_s).start(stopping)


@worker_shutting_down.connect
def _stop(**_: object) -> None:
    stopping.set()
