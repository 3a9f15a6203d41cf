"""The broker: a doorbell. It carries the names of things to look at; what is true stands in the database.

Every message may be lost, doubled or late without harm: the sweeper rings again.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

import redis
import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from kombu.transport.redis import Channel

from app.settings import Settings, settings

log = structlog.get_logger(__name__)

PREDICT = "cosia.predict_blocks"
FINALIZE = "cosia.finalize_job"

GPU = "gpu"
"""The queue of predictions, unless COSIA_QUEUES says otherwise."""

CPU = "cpu"
"""The queue of all that needs no network: results, areas."""

_SOCKET_TIMEOUT_S = 2.0
_PRIORITIES = [0, 1, 2]

_PAUSE_S = 2.0
_away_until: dict[str, float] = {}
"""Broker -> until when it is not rung, because it did not answer: callers would each wait for it in their turn."""


def embedded_socket(data_folder: Path) -> Path:
    """Unix socket of the embedded broker of one data folder.

    In the temporary folder, because a socket's path has at most 107 bytes and a data folder may lie deep.
    """
    digest = hashlib.sha256(os.fsencode(data_folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"cosia-{os.getuid()}-{digest}" / "valkey.sock"


def broker_url(config: Settings) -> str:
    """The configured Redis, or the embedded one."""
    if config.redis_url is not None:
        return config.redis_url.get_secret_value()
    return f"redis+socket://{embedded_socket(config.local_folder)}"


def queue_of(*model_ids: str) -> str:
    """The queue of the jobs that these models predict: of the first pattern in COSIA_QUEUES that fits one, else `gpu`.

    So who writes the patterns of demanding models first has an ensemble predicted where those are.
    """
    for rule in filter(None, settings().queues.split(",")):
        pattern, _, queue = rule.partition("=")
        if any(fnmatchcase(model_id, pattern.strip()) for model_id in model_ids):
            return queue.strip()
    return GPU


@lru_cache
def celery() -> Celery:
    """The Celery application. Tasks are known here by name only; `worker.tasks` gives them bodies."""
    application = Celery("cosia", broker=broker_url(settings()))
    application.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        # Celery's own default would hang a POST for minutes behind a broker that is away.
        broker_transport_options={
            "visibility_timeout": 3600,
            "socket_timeout": _SOCKET_TIMEOUT_S,
            "socket_connect_timeout": 2.0,
            "retry_on_timeout": False,
            "max_retries": 1,
            "interval_start": 0.0,
            "priority_steps": _PRIORITIES,
        },
        task_default_queue=CPU,
    )
    return application


def ring(task: str, job_id: str, rung_at: float, queue: str, priority: int) -> bool:
    """Sends one message; False when the broker is away (the sweeper rings again later).

    rung_at: now, on the database's clock. queue and priority, where whoever hears it says how far the queue has come.
    """
    url = broker_url(settings())
    if time.monotonic() < _away_until.get(url, 0.0):
        return False
    try:
        celery().send_task(task, args=[job_id, rung_at, queue, priority], queue=queue, priority=priority, retry=False)
    except (OperationalError, redis.RedisError, OSError) as error:
        log.warning("broker_away", task=task, job_id=job_id, error=type(error).__name__)
        _away_until[url] = time.monotonic() + _PAUSE_S
        return False
    return True


def waiting(queue: str) -> int | None:
    """Messages that wait in a queue, of all priorities; None when the broker is away."""
    try:
        with _client() as client:
            return sum(int(client.llen(_list_of(queue, priority))) for priority in _PRIORITIES)
    except (redis.RedisError, OSError):
        return None


def _list_of(queue: str, priority: int) -> str:
    """The Redis list that Kombu keeps a queue's messages of one priority in."""
    return f"{queue}{Channel.sep}{priority}" if priority else queue


def _client() -> redis.Redis:
    url = broker_url(settings()).replace("redis+socket://", "unix://")
    return redis.Redis.from_url(url, socket_timeout=2.0, socket_connect_timeout=2.0)


def is_reachable() -> bool:
    """Whether the broker answers within two seconds."""
    try:
        with _client() as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
