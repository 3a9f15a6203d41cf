"""`cosia model`."""

from __future__ import annotations

from pathlib import Path

import click

from app import models
from app.database import sessions
from app.database.migrate import migrate
from app.definitions import shipped_model_cards
from app.storage import storage
from worker import weights


@click.group()
def model() -> None:
    """Models: add, list."""


@model.command("add")
@click.argument("card")
@click.option("--weights", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
def model_add(card: str, file: Path) -> None:
    """Complete CARD (the id of a shipped card, or a JSON file) with the weights in a file, checked tensor by tensor."""
    installed = weights.install(card, file)
    migrate(sessions().engine)
    with sessions().write() as session:
        models.add_model(session, storage(), installed.card, installed.content, installed.sha256)
    click.echo(f"model {installed.card.id} is ready; sha256 {installed.sha256}")


@model.command("list")
def model_list() -> None:
    """List the model cards, and whether their weights are here."""
    migrate(sessions().engine)
    with sessions().read() as session:
        trained = models.trained_models(session, storage())
    cards = shipped_model_cards() | {name: each.card for name, each in trained.items()}
    for name, card in sorted(cards.items()):
        state = "ready" if name in trained else "without weights: cosia model add"
        click.echo(f"{name}\t{','.join(card.bands)}\t{state}\t{card.title}")
