"""`cosia check`: what is configured and whether each component answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import NamedTuple

from app import imagery, models
from app.broker_policy import eviction_policy, fault_of, is_safe
from app.database import sessions
from app.database.engine import database_url
from app.database.migrate import require_head
from app.definitions import ImagerySource, shipped_imagery_sources
from app.errors import CosiaError, Misconfigured, Unavailable
from app.settings import Settings
from app.standing import Worker, standing
from app.storage import storage

_MAP_SERVER_PATIENCE_S = 10.0


class Line(NamedTuple):
    """needed: whether the service cannot do without the component."""

    component: str
    ok: bool
    message: str
    needed: bool = True

    @property
    def mark(self) -> str:
        """Four letters for the beginning of a printed line."""
        if self.ok:
            return "ok  "
        return "FAIL" if self.needed else "away"


def check_components(settings: Settings) -> Iterator[Line]:
    """One line per component; nothing secret is in any of them."""
    yield Line("settings", True, f"public address {settings.public_url}, data in {settings.data}")
    yield _line("storage", lambda: _storage(settings))
    database = _line("database", lambda: _database(settings))
    yield database
    yield _broker(settings)
    if database.ok:
        yield from _at_work(settings)
    yield _line("models", _models)
    if database.ok:
        yield from _map_servers()
    has_torch = find_spec("torch") is not None
    yield Line("worker", has_torch, "torch is installed" if has_torch else "torch is missing: install the worker extra")


def _line(component: str, probe: Callable[[], str]) -> Line:
    try:
        return Line(component, True, probe())
    except CosiaError as error:
        return Line(component, False, error.message)


def _storage(settings: Settings) -> str:
    with storage().writing("check/probe") as path:
        path.write_bytes(b"probe")
    storage().remove("check")
    free_bytes = storage().free_bytes()
    room = "" if free_bytes is None else f", {free_bytes / 1e9:.1f} GB free"
    return f"{settings.data} can be written{room}"


def _database(settings: Settings) -> str:
    kind = "SQLite" if database_url(settings).startswith("sqlite") else "PostgreSQL with PostGIS"
    require_head(sessions().engine)
    return f"{kind}, at the schema of this version"


def _broker(settings: Settings) -> Line:
    which = "the configured Redis" if settings.redis_url is not None else "the embedded broker"
    try:
        policy = eviction_policy(settings)
    except Unavailable:
        hint = "check COSIA_REDIS_URL" if settings.redis_url is not None else "start `cosia up`, or set COSIA_REDIS_URL"
        return Line("broker", False, f"{which} does not answer: {hint}")
    except Misconfigured as error:
        return Line("broker", False, error.message)
    if policy is None:
        return Line("broker", True, f"{which} answers; whether it evicts messages, this account may not ask")
    if not is_safe(policy):
        return Line("broker", False, fault_of(policy))
    return Line("broker", True, f"{which} answers and evicts nothing")


def _at_work(settings: Settings) -> Iterator[Line]:
    """The queue, and a line for each worker that is alive or was lost lately; who was lost may have been replaced."""
    with sessions().read() as session:
        now = standing(session, settings)
    waiting = sum(queue.blocks for queue in now.queues.values())
    bells = sum(queue.bells for queue in now.queues.values())
    yield Line(
        "queue",
        True,
        f"{now.jobs['accepted']} jobs accepted, {now.jobs['running']} running; {waiting} blocks to compute, "
        f"{now.blocks_claimed} of them in hand; {bells} messages on their way",
    )
    for worker in now.workers:
        if worker.state != "stopped":
            yield Line(f"worker {worker.id}", worker.state != "out of service", _of_worker(worker))
    if not now.ready():
        yield Line("workers", False, "nobody computes: start `cosia worker`, or `cosia up`")


def _of_worker(worker: Worker) -> str:
    state = worker.state if worker.reason is None else f"{worker.state}: {worker.reason}"
    paces = ", ".join(f"{model} {pace / 1e6:.2f} Mpx/s" for model, pace in sorted(worker.px_per_s.items()))
    return (
        f"{worker.device}, queues {worker.queues}, {state}, seen {worker.seen_s_ago:.0f} s ago{paces and ', ' + paces}"
    )


def _map_servers() -> Iterator[Line]:
    """Whether the servers of imagery answer. One that is shipped need not: there may be no way out from here."""
    with sessions().read() as session:
        sources = [source for source in imagery.list_sources(session) if source.service is not None]
    for source in sources:
        yield _map_server(source, is_shipped=source == shipped_imagery_sources().get(source.id))


def _map_server(source: ImagerySource, *, is_shipped: bool) -> Line:
    from app.imagery.remote import check_service  # with its HTTP client: other commands start without it

    component = f"imagery {source.id}"
    if source.service is None:
        return Line(component, True, "read from files")
    try:
        check_service(source, source.service, patience_s=_MAP_SERVER_PATIENCE_S, tries=1)
    except Unavailable as error:
        message = f"{error.message}; predictions from it wait until it answers"
        return Line(component, False, message, needed=not is_shipped)
    except CosiaError as error:
        return Line(component, False, error.message)
    return Line(component, True, "its map server answers")


def _models() -> str:
    with sessions().read() as session:
        ready = sorted(models.trained_models(session, storage()))
    return f"ready to use: {', '.join(ready) or 'none'}"
