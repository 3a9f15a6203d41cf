"""Commands for API keys: add, list, revoke."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from app import access
from app.cli.progress import say
from app.database import ApiKeyRow, sessions
from app.database.migrate import migrate as migrate_database


@click.group("keys")
def keys_() -> None:
    """API keys: add, list, revoke."""


@keys_.command("add")
@click.argument("owner", metavar="OWNER")
@click.option("--operator", is_flag=True, help="No limits; may see, dismiss and publish the jobs of all.")
@click.option("--active-jobs", type=click.IntRange(1), default=None, help="Instead of COSIA_ACTIVE_JOBS.")
@click.option(
    "--km2-per-day", type=click.FloatRange(0, min_open=True), default=None, help="Instead of COSIA_KM2_PER_DAY."
)
@click.option("--expires-days", type=click.FloatRange(0, min_open=True), default=None, help="Never when left out.")
def keys_add(
    owner: str, operator: bool, active_jobs: int | None, km2_per_day: float | None, expires_days: float | None
) -> None:
    """Make a key for OWNER and show it, this once. Keys of the same owner share jobs and limits."""
    migrate_database(sessions().engine)
    with sessions().write() as session:
        key = access.add(
            session,
            owner,
            operator=operator,
            active_jobs=active_jobs,
            km2_per_day=km2_per_day,
            expires_days=expires_days,
        )
    click.echo(f"key {key.id} of {owner}: keep it now, it is not kept here", err=True)
    say(key.text)


@keys_.command("list")
def keys_list() -> None:
    """List the keys, never their secrets."""
    with sessions().read() as session:
        for row in access.list_keys(session):
            say("\t".join((row.id, row.owner, *_allowed(row), f"made {_day(row.created_at)}", _state(row))))


@keys_.command("revoke")
@click.argument("key_id", metavar="ID")
def keys_revoke(key_id: str) -> None:
    """Refuse the key ID from now on; every process does within five seconds."""
    with sessions().write() as session:
        access.revoke(session, key_id)
    say(f"key {key_id} is revoked")


def _allowed(row: ApiKeyRow) -> tuple[str, str]:
    if row.operator:
        return "operator", "no limits"
    active_jobs = "usual jobs" if row.active_jobs is None else f"{row.active_jobs} jobs"
    return active_jobs, "usual area" if row.km2_per_day is None else f"{row.km2_per_day:g} km² a day"


def _state(row: ApiKeyRow) -> str:
    if row.revoked_at is not None:
        return f"revoked {_day(row.revoked_at)}"
    return "never expires" if row.expires_at is None else f"expires {_day(row.expires_at)}"


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}Z"
