"""The bodies of the tasks that `app.broker` knows by name, and the sweeper that each worker carries."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache

import structlog
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down
from celery.worker.consumer import Consumer

from app import broker, jobs
from app.broker import CPU, FINALIZE, GPU, PREDICT, celery
from app.catalogue import Catalogue
from app.database import sessions
from app.errors import CosiaError, Unavailable
from app.expiry import Expiry
from app.settings import settings
from app.storage import storage
from worker.batch import Batch
from worker.duty import Duty
from worker.finalize import finalize
from worker.fitness import device_fault, device_fault_in_a_fresh_process, weights_fault
from worker.presence import Presence
from worker.sweeper import Sweeper
from worker.watchdog import Watchdog

log = structlog.get_logger(__name__)

_PAUSE_S = 1.0
_LOOK_AGAIN_S = 30.0
# Docker and systemd are told to wait 30 s before they kill.
_STOP_WITHIN_S = 25.0

application = celery()
stopping = threading.Event()
presence = Presence(sessions(), device=settings().device, queues=(GPU, CPU))
watchdog = Watchdog(
    stopping, stall_s=settings().stall_s, stop_within_s=_STOP_WITHIN_S, last_word=lambda reason: presence.stop(reason)
)


@application.task(name=PREDICT)
def predict_blocks(job_id: str, rung_at: float, queue: str, priority: int) -> None:
    """Predicts one batch of a job's blocks, then rings for the next: so a long job takes turns with others."""
    with _of_job(job_id):
        if presence.out_of_service is not None:  # came before the queue was left: for others to hear
            broker.ring(PREDICT, job_id, rung_at, queue, priority)
            return
        if not _hear(job_id, rung_at, queue, priority):
            return
        try:
            complete = Batch(sessions(), storage(), settings(), job_id, presence, stopping, watchdog).run()
            for each in (job_id, *complete):
                jobs.ring(sessions(), each)
        except CosiaError as error:  # the sweeper rings again
            log.warning("batch_given_up", reason=error.message)


@application.task(name=FINALIZE)
def finalize_job(job_id: str, rung_at: float, queue: str, priority: int) -> None:
    """Makes the results of a job that waits for no block, or has a turn at it; harmless however often it is rung."""
    with _of_job(job_id):
        if not _hear(job_id, rung_at, queue, priority):
            return
        try:
            if finalize(
                sessions(), storage(), settings(), job_id, catalogue=_catalogue(), stop=stopping, watchdog=watchdog
            ):
                jobs.ring(sessions(), job_id)
        except CosiaError as error:  # the sweeper rings again
            log.warning("finalizing_given_up", reason=error.message)


@contextmanager
def _of_job(job_id: str) -> Iterator[None]:
    """Lets log lines name the job, and the request that asked for it."""
    request_id = None
    with suppress(Unavailable), sessions().read() as session:
        request_id = jobs.request_id(session, job_id)
    with structlog.contextvars.bound_contextvars(job_id=job_id, **({"request_id": request_id} if request_id else {})):
        yield


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
def _start(sender: Consumer, **_: object) -> None:
    """The threads beside the work; predictions are heard once the device and the weights have been tested."""
    config = settings()
    watchdog.start()
    Sweeper(sessions(), presence, Expiry(sessions(), storage(), config), every_s=config.sweep_s).start(stopping)
    predicting = [queue for queue in presence.queues if queue != CPU]
    if not predicting:
        presence.come_back()
        return
    presence.on_change(lambda in_service: _listen(sender, predicting, in_service))
    Duty(
        presence,
        watchdog,
        device=lambda: device_fault(config.device),
        device_again=lambda: device_fault_in_a_fresh_process(config.device),
        weights=lambda: weights_fault(sessions(), storage(), predicting),
        every_s=_LOOK_AGAIN_S,
    ).start(stopping)


def _listen(consumer: Consumer, queues: Sequence[str], in_service: bool) -> None:
    for queue in queues:
        consumer.call_soon(consumer.add_task_queue if in_service else consumer.cancel_task_queue, queue)


@worker_shutting_down.connect
def _stop(**_: object) -> None:
    stopping.set()


@worker_shutdown.connect
def _say_goodbye(**_: object) -> None:
    # Who asks again has been heard. Python's own end would put the default back, and that is no good end.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        presence.stop()
    except Unavailable as error:
        log.warning("worker_row_not_closed", reason=error.message)
