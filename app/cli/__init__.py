"""`cosia`: the command line. Commands that need torch live in `worker` and join by name, imported when called."""

from __future__ import annotations

from app.cli.content import imagery_, publish, unpublish
from app.cli.group import main
from app.cli.jobs import jobs_
from app.cli.keys import keys_
from app.cli.service import check, demo_, migrate, up, web

for command in (up, web, migrate, demo_, check, imagery_, publish, unpublish, keys_, jobs_):
    main.add_command(command)

__all__ = ["main"]
