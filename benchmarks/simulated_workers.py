"""Workers that compute nothing: all that a worker asks of database and broker, by the product's own functions.

They hear bells from Redis, claim, publish and count blocks, ring, give signs of life and sweep. Instead of reading,
predicting and writing a block they wait for a while. Many share a process, each with a thread and connections.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.synchronize import Event
from queue import Empty
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from app import blocks, broker, jobs
from app.blocks import Claim
from app.database import Sessions, connect
from app.database.engine import database_url
from app.errors import Unavailable
from app.expiry import Expiry
from app.logs import configure_logs
from app.settings import settings
from app.storage import storage
from worker.presence import Presence
from worker.sweeper import Sweeper

MODEL = "cosia-demo"
_HISTOGRAM = {"1": 1_500_000, "6": 1_200_000, "9": 900_000, "12": 594_304}
_PROCESSES = 4
_LEAST_PACE_S = 0.001
_PAUSE_S = 0.2

_T = TypeVar("_T")


@contextmanager
def simulated_workers(environment: dict[str, str], count: int, seconds_per_block: float) -> Iterator[None]:
    """`count` workers until the end of the `with`. environment: the `COSIA_` variables they live by."""
    context = multiprocessing.get_context("spawn")
    stop, ready = context.Event(), context.Semaphore(0)
    shares = [count // _PROCESSES + (number < count % _PROCESSES) for number in range(_PROCESSES)]
    processes = [
        context.Process(target=_work, args=(environment, share, seconds_per_block, ready, stop))
        for share in shares
        if share
    ]
    for process in processes:
        process.start()
    for _ in range(count):
        if not ready.acquire(timeout=120):
            raise RuntimeError("a simulated worker did not start")
    try:
        yield
    finally:
        stop.set()
        for process in processes:
            process.join(30)
            process.kill()


def _work(environment: dict[str, str], count: int, seconds_per_block: float, ready: Any, stop: Event) -> None:
    os.environ |= environment
    configure_logs("WARNING")
    threads = [threading.Thread(target=_Worker(seconds_per_block).run, args=(ready, stop)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class _Worker:
    """`worker.tasks` and `worker.batch` without what is between claim and publication."""

    def __init__(self, seconds_per_block: float) -> None:
        self._sessions = Sessions(connect(database_url(settings())))
        self._presence = Presence(self._sessions, device="none", queues=(broker.GPU,))
        self._seconds = seconds_per_block

    def run(self, ready: Any, stop: Event) -> None:
        ended = threading.Event()
        expiry = Expiry(self._sessions, storage(), settings())
        self._presence.come_back()
        self._presence.beat()
        Sweeper(self._sessions, self._presence, expiry, every_s=settings().sweep_s).start(ended)
        with broker.celery().connection_for_read() as connection, connection.SimpleQueue(broker.GPU) as bells:
            ready.release()
            while not stop.is_set():
                try:
                    message = bells.get(timeout=0.5)
                except Empty:
                    continue
                job_id, rung_at, queue, priority = message.payload[0]
                # A database that is too busy is waited for, as real workers do.
                if _patiently(partial(jobs.hear, self._sessions, job_id, rung_at, queue, priority)):
                    for each in (job_id, *self._batch(job_id)):
                        _patiently(partial(jobs.ring, self._sessions, each))
                message.ack()
        ended.set()
        self._presence.stop()

    def _batch(self, job_id: str) -> list[str]:
        claims = _patiently(partial(self._claim, job_id))
        complete: list[str] = []
        renewed_at = time.monotonic()
        for number, claim in enumerate(claims):
            time.sleep(self._seconds)
            if time.monotonic() - renewed_at > settings().lease_s / 3:
                renewed_at = time.monotonic()
                with self._sessions.write() as session:
                    for each in claims[number:]:
                        blocks.renew(session, each, lease_s=settings().lease_s)
            complete += _patiently(partial(self._publish, job_id, claim))
        return complete

    def _claim(self, job_id: str) -> list[Claim]:
        with self._sessions.write() as session:
            limit = jobs.batch_size(
                session,
                job_id,
                seconds_per_block={MODEL: max(self._seconds, _LEAST_PACE_S)},
                batch_s=settings().batch_s,
                lease_s=settings().lease_s,
            )
            return jobs.claim_blocks(
                session,
                job_id,
                owner=self._presence.id,
                limit=limit,
                lease_s=settings().lease_s,
                most_attempts=settings().attempts,
            )

    def _publish(self, job_id: str, claim: Claim) -> list[str]:
        with self._sessions.read() as session:
            jobs.progress(session, job_id)  # whether the job is still wanted
        with self._sessions.write() as session:
            return publish(session, claim, self._seconds)


def _patiently(call: Callable[[], _T]) -> _T:
    while True:
        try:
            return call()
        except Unavailable:
            time.sleep(_PAUSE_S)


def publish(session: Session, claim: Claim, seconds: float) -> list[str]:
    """The end of a block, as `worker.batch` tells it; the jobs that wait for no block any more."""
    published = blocks.complete(
        session,
        claim,
        href=blocks.block_href(claim.key),
        sha256=claim.key * 2,
        histogram=_HISTOGRAM,
        seconds=seconds,
    )
    return jobs.block_ended(session, claim.key, jobs.block_bbox(claim.epsg, claim.cell)) if published else []
