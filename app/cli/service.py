"""Commands that run the service: up, web, migrate, demo, check."""

from __future__ import annotations

import http.client
import os
import resource
import signal
import sys
import threading
from contextlib import closing
from tempfile import TemporaryDirectory
from types import FrameType

import click

from app import demo
from app.broker_policy import require_no_eviction
from app.checks import check_components
from app.cli.progress import Bars, say
from app.database import sessions
from app.database.migrate import migrate as migrate_database
from app.database.migrate import require_head
from app.errors import CosiaError, Unavailable
from app.launcher import Launcher
from app.logs import configure_logs
from app.metrics import SHARED_FOLDER
from app.settings import settings
from app.storage import storage

_MOST_FILES = 65_536


@click.command()
def up() -> None:
    """Start everything in this terminal: broker, worker, demonstration, web."""
    configure_logs("ERROR")
    launcher = Launcher(settings(), say)
    # SIGINT too: a shell that starts this in the background has it ignored.
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _interrupt)
    launcher.lock()
    launcher.require_free_port()
    try:
        migrate_database(sessions().engine)
        launcher.start_broker()
        require_no_eviction(settings())
        launcher.start_worker()
        launcher.watch_in_background()
        if settings().demonstration_blocks and not demo.is_published(sessions()):
            say("making the demonstration territory (once, one to two minutes)")
            with Bars() as bars:
                demo.set_up(sessions(), storage(), settings(), bars.show)
        launcher.start_web(_web_is_ready)
        say(f"\n  CoSIA Map is ready: open {settings().public_url}")
        say(f"  Ctrl-C stops it; the data stay in {settings().data}\n")
        _demonstrate_changes()
        signal.pause()
    except KeyboardInterrupt:
        say("\nstopping…")
    finally:
        launcher.stop()
    say("stopped")


@click.command()
@click.option("--workers", default=1, show_default=True, help="Processes that answer requests.")
def web(workers: int) -> None:
    """Serve the page, the tiles and the API."""
    import uvicorn

    configure_logs(settings().log_level)
    require_no_eviction(settings())
    _allow_many_connections()
    try:
        require_head(sessions().engine)
    except Unavailable as error:
        # Not a reason to stay down: the layers are read as soon as the database is back.
        say(error.message)
    with TemporaryDirectory(prefix="cosia-metrics-") as counts:
        if workers > 1:
            os.environ[SHARED_FOLDER] = counts  # before the processes import what counts
        uvicorn.run(
            "app.main:create_app",
            factory=True,
            host=settings().host,
            port=settings().port,
            workers=workers,
            http="app.api.connections:Connection",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # uvicorn would believe whoever connects from this host; see app.main
            timeout_keep_alive=15,
            timeout_graceful_shutdown=8,
        )


@click.command()
def migrate() -> None:
    """Bring the database to the schema of this version."""
    migrate_database(sessions().engine)
    say("the database is up to date")


@click.command("demo")
def demo_() -> None:
    """Make and publish the demonstration territory; a worker must be running."""
    for year in (demo.YEAR, demo.LATER_YEAR)[: settings().demonstration_vintages]:
        with Bars() as bars:
            demo.set_up(sessions(), storage(), settings(), bars.show, year=year)
        say(f"layer {demo.layer_of(year)} is published")


@click.command()
def check() -> None:
    """Check the configuration and each component, one line each; exit code 1 if one is missing."""
    lines = list(check_components(settings()))
    for line in lines:
        click.secho(f"{line.mark} {line.component}: {line.message}", fg=None if line.ok else "red")
    if any(line.needed and not line.ok for line in lines):
        sys.exit(1)


def _demonstrate_changes() -> None:
    """Begins the later vintage of the demonstration, if it is wanted and missing: nobody waits for it."""
    wanted = settings().demonstration_blocks and settings().demonstration_vintages > 1
    if not wanted or demo.is_published(sessions(), demo.LATER_YEAR):
        return

    def make() -> None:
        try:
            demo.set_up(sessions(), storage(), settings(), lambda _step, _fraction: None, year=demo.LATER_YEAR)
        except CosiaError as error:
            say(error.message)
        else:
            say(f"layer {demo.layer_of(demo.LATER_YEAR)} is published: reload the page to see what changed")

    # Ctrl-C ends it where it is: what it has predicted stays, and the next start goes on from there.
    threading.Thread(target=make, name="demonstration", daemon=True).start()


def _allow_many_connections() -> None:
    """As many open files as this process may have: each connection is one, and a shell begins with 1024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if most == resource.RLIM_INFINITY else min(most, _MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _web_is_ready() -> bool:
    with closing(http.client.HTTPConnection(settings().host, settings().port, timeout=2)) as connection:
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
