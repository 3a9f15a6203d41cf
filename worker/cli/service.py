"""`cosia worker`."""

from __future__ import annotations

import os
import re
import signal
import sys

import click

from app.broker_policy import require_no_eviction
from app.database import sessions
from app.database.migrate import require_head
from app.errors import Unavailable
from app.logs import configure_logs
from app.settings import DEVICES, settings
from worker.memory import share_one_arena


def _device(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.match(DEVICES, value):
        raise click.BadParameter(f"{value!r} is none; expected auto, cpu, cuda, or cuda:1 for the second GPU")
    return value


@click.command()
@click.option("--queues", default="gpu,cpu", show_default=True, help="Queues to take from: gpu predicts, cpu finishes.")
@click.option("--device", callback=_device, help="Device of the networks: auto, cpu, cuda or cuda:N. [COSIA_DEVICE]")
def worker(queues: str, device: str | None) -> None:
    """Predict blocks and finish jobs until told to stop; one per GPU, on any number of hosts."""
    share_one_arena()  # before there are threads
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until Celery listens: nothing is in hand yet
    if device is not None:
        os.environ["COSIA_DEVICE"] = device
        settings.cache_clear()
    from worker import tasks  # connects to the broker's settings on import

    configure_logs(settings().log_level)
    require_no_eviction(settings())
    try:
        require_head(sessions().engine)
    except Unavailable as error:
        click.echo(error.message, err=True)  # no reason to stay down: bells wait until the database is back
    tasks.presence.queues = tuple(name.strip() for name in queues.split(","))
    # Celery talks to people on standard output; the log, one JSON object a line, is on standard error.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    # Threads: a prefork child cannot use CUDA, and the solo pool is deaf while it works.
    tasks.application.Worker(
        pool="threads",
        concurrency=1,
        queues=tasks.presence.queues,
        loglevel=settings().log_level,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    ).start()
