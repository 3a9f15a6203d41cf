"""The group of all commands, and how a refusal is shown."""

from __future__ import annotations

from importlib.metadata import entry_points

import click
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.errors import CosiaError
from app.settings import Settings

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
        except ValidationError as error:
            if error.title != Settings.__name__:
                raise
            raise click.ClickException("; ".join(map(_words, error.errors()))) from error


def _words(fault: ErrorDetails) -> str:
    """Without the value: it may be a secret."""
    name = "_".join(map(str, fault["loc"])).upper()
    return f"the setting COSIA_{name}: {fault['msg']}" if name else f"the settings: {fault['msg']}"


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """CoSIA Map: the land cover of France, served as tiles and predicted on demand."""
