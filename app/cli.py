"""`cosia`: the command line. Commands that need torch live in `worker` and join by name, imported when called."""

from __future__ import annotations

import http.client
import signal
import sys
from contextlib import closing
from importlib.metadata import entry_points
from pathlib import Path
from types import FrameType
from typing import Never

import click
from tqdm import tqdm

from app import demo, imagery
from app.checks import check_components
from app.database import sessions
from app.database.migrate import migrate as migrate_database
from app.database.migrate import require_head
from app.errors import CosiaError, Unavailable
from app.launcher import Launcher
from app.logs import configure_logs
from app.settings import settings
from app.storage import storage

_COMMANDS = "cosia.commands"


class _Group(click.Group):
    """A group that also has the commands of other packages, under their entry point's name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *(point.name for point in entry_points(group=_COMMANDS))})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            return command
        for point in entry_points(group=_COMMANDS, name=cmd_name):
            loaded = point.load()
            if isinstance(loaded, click.Command):
                return loaded
        return None

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except CosiaError as error:
            raise click.ClickException(error.message) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """CoSIA Map: the land cover of France, served as tiles and predicted on demand."""


@main.command()
def up() -> None:
    """Start everything in this terminal: broker, worker, demonstration, web."""
    configure_logs("ERROR")
    launcher = Launcher(settings(), _say)
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _interrupt)
    launcher.lock()
    launcher.require_free_port()
    try:
        migrate_database(sessions().engine)
        launcher.start_broker()
        launcher.start_worker()
        launcher.watch_in_background()
        if settings().demonstration_blocks and not demo.is_published(sessions()):
            _say("making the demonstration territory (once, one to two minutes)")
            with _Bars() as bars:
                demo.set_up(sessions(), storage(), settings(), bars.show)
        launcher.start_web(_web_is_ready)
        _say(f"\n  CoSIA Map is ready: open {settings().public_url}")
        _say(f"  Ctrl-C stops it; the data stay in {settings().data}\n")
        signal.pause()
    except KeyboardInterrupt:
        _say("\nstopping…")
    finally:
        launcher.stop()
    _say("stopped")


@main.command()
@click.option("--workers", default=1, show_default=True, help="Processes that answer requests.")
def web(workers: int) -> None:
    """Serve the page, the tiles and the API."""
    import uvicorn

    try:
        require_head(sessions().engine)
    except Unavailable as error:
        # Not a reason to stay down: the layers are read as soon as the database is back.
        _say(error.message)
    uvicorn.run(
        "app.main:create_app",
        factory=True,
        host=settings().host,
        port=settings().port,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=8,
    )


@main.command()
def migrate() -> None:
    """Bring the database to the schema of this version."""
    migrate_database(sessions().engine)
    _say("the database is up to date")


@main.command("demo")
def demo_() -> None:
    """Make and publish the demonstration territory; a worker must be running."""
    with _Bars() as bars:
        demo.set_up(sessions(), storage(), settings(), bars.show)
    _say(f"layer {demo.LAYER} is published")


@main.command()
def check() -> None:
    """Check the configuration and each component, one line each; exit code 1 if one is missing."""
    lines = list(check_components(settings()))
    for line in lines:
        click.secho(f"{'ok  ' if line.ok else 'FAIL'} {line.component}: {line.message}", fg=None if line.ok else "red")
    if not all(line.ok for line in lines):
        sys.exit(1)


@main.group("imagery")
def imagery_() -> None:
    """Imagery sources: add, list."""


_FILES = click.Path(exists=True, path_type=Path)


@imagery_.command("add")
@click.argument("source_id", metavar="ID")
@click.option("--title", default=None, help="What people read; the id when left out.")
@click.option("--rgb", multiple=True, type=_FILES, help="File or folder with bands R, G, B. Repeatable.")
@click.option("--irc", multiple=True, type=_FILES, help="File or folder with bands NIR, R, G. Repeatable.")
@click.option(
    "--height", multiple=True, type=_FILES, help="File or folder, one count = 0.2 m above ground. Repeatable."
)
@click.option("--stack", multiple=True, type=_FILES, help="File or folder with bands R, G, B, NIR, E. Repeatable.")
@click.option("--year", type=click.IntRange(1900, 2200), default=None, help="Year of the flight.")
@click.option("--attribution", default="IGN", show_default=True)
@click.option("--replace", is_flag=True, help="Let other files take the place of those under this id.")
def imagery_add(
    source_id: str,
    title: str | None,
    rgb: tuple[Path, ...],
    irc: tuple[Path, ...],
    height: tuple[Path, ...],
    stack: tuple[Path, ...],
    year: int | None,
    attribution: str,
    replace: bool,
) -> None:
    """Register files as the imagery source ID."""
    migrate_database(sessions().engine)
    source = imagery.register(
        sessions(),
        source_id=source_id,
        title=title or source_id,
        rgb=rgb,
        irc=irc,
        height=height,
        stack=stack,
        year=year,
        attribution=attribution,
        replace=replace,
    )
    note = "; its pixels are resampled to the prediction grid" if source.resampled else ""
    _say(f"{source.id}: bands {', '.join(source.bands)}, EPSG:{source.epsg}, version {source.version}{note}")


@imagery_.command("list")
def imagery_list() -> None:
    """List the imagery sources."""
    with sessions().read() as session:
        for source in imagery.list_sources(session):
            _say(f"{source.id}\t{source.year or '-'}\t{','.join(source.bands)}\t{source.title}")


class _Bars:
    """One progress bar per stage, on standard error."""

    def __init__(self) -> None:
        self._stage: str | None = None
        self._bar: tqdm[Never] | None = None

    def __enter__(self) -> _Bars:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def show(self, stage: str, fraction: float) -> None:
        if stage != self._stage:
            self._close()
            self._stage = stage
            self._bar = tqdm(total=100, desc=stage, bar_format="{desc:32} |{bar:30}| {n:.0f} % {elapsed}")
        if self._bar is not None:
            self._bar.update(round(100 * fraction) - self._bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _say(message: str) -> None:
    tqdm.write(message)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _web_is_ready() -> bool:
    with closing(http.client.HTTPConnection(settings().host, settings().port, timeout=2)) as connection:
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False


if __name__ == "__main__":
    main()
