"""`cosia check`: what is configured and whether each component answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import NamedTuple

from app import broker, models
from app.database import sessions
from app.database.engine import database_url
from app.database.migrate import require_head
from app.errors import CosiaError
from app.settings import Settings
from app.storage import storage


class Line(NamedTuple):
    component: str
    ok: bool
    message: str


def check_components(settings: Settings) -> Iterator[Line]:
    """One line per component; nothing secret is in any of them."""
    yield Line("settings", True, f"public address {settings.public_url}, data in {settings.data}")
    yield _line("storage", lambda: _storage(settings))
    yield _line("database", lambda: _database(settings))
    yield _broker(settings)
    yield _line("models", _models)
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
    if broker.is_reachable():
        return Line("broker", True, f"{which} answers")
    hint = "check COSIA_REDIS_URL" if settings.redis_url is not None else "start `cosia up`, or set COSIA_REDIS_URL"
    return Line("broker", False, f"{which} does not answer: {hint}")


def _models() -> str:
    with sessions().read() as session:
        ready = sorted(models.trained_models(session, storage()))
    return f"ready to use: {', '.join(ready) or 'none'}"
