"""The bodies of the tasks that `app.broker` knows by name, and the sweeper that each worker carries."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from functools import lru_cache

import structlog
from celery.signals import worker_ready, worker_shutting_down

from app import broker, jobs
from app.broker import FINALIZE, PREDICT, celery
from app.catalogue import Catalogue
from app.database import sessions
from app.errors import CosiaError
from app.settings import settings
from app.storage import storage
from worker.batch import Batch
from worker.finalize import finalize

log = structlog.get_logger(__name__)

application = celery()
stopping = threading.Event()
OWNER = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


@application.task(name=PREDICT)
def predict_blocks(job_id: str) -> None:
    """Predicts one batch of a job's blocks, then rings for the next: so a long job takes turns with others."""
    with structlog.contextvars.bound_contextvars(job_id=job_id):
        complete = Batch(sessions(), storage(), settings(), job_id, OWNER, stopping).run()
        for finished in complete:
            broker.ring(FINALIZE, finished)
        if job_id not in complete:
            # Looked at anew: two workers that end the last two blocks together see each other's as unfinished.
            jobs.ring(sessions(), job_id)


@application.task(name=FINALIZE)
def finalize_job(job_id: str) -> None:
    """Makes the results of a job that waits for no block, or has a turn at it; harmless however often it is rung."""
    with structlog.contextvars.bound_contextvars(job_id=job_id):
        if finalize(sessions(), storage(), settings(), job_id, catalogue=_catalogue(), stop=stopping):
            jobs.ring(sessions(), job_id)


@lru_cache
def _catalogue() -> Catalogue:
    """Kept, so that a turn at counting reads only layers that changed since the last one."""
    return Catalogue(sessions(), storage(), settings().refresh_s)


def sweep_once() -> None:
    """One round: rings again for what the broker lost, fails what was lost too often."""
    try:
        for job_id in jobs.sweep(sessions(), most_attempts=settings().attempts, silence_s=settings().sweep_s * 2):
            log.info("job_rung_again", job_id=job_id)
    except CosiaError as error:
        log.warning("sweep_postponed", reason=error.message)


def _sweep_until_stopped() -> None:
    while not stopping.wait(settings().sweep_s):
        try:
            sweep_once()
        except Exception:
            # The sweeper is what everything else relies on to recover: it outlives its own surprises.
            log.exception("sweep_failed")


@worker_ready.connect
def _start_sweeper(**_: object) -> None:
    threading.Thread(target=_sweep_until_stopped, name="sweeper", daemon=True).start()


@worker_shutting_down.connect
def _stop(**_: object) -> None:
    stopping.set()
