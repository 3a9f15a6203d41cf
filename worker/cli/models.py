"""`cosia model`."""

from __future__ import annotations

import re
from pathlib import Path

import click
from tqdm import tqdm

from app import models
from app.database import sessions
from app.database.migrate import migrate
from app.definitions import ModelCard, shipped_model_cards
from app.definitions.model_card import FILE, REPOSITORY, REVISION
from app.errors import ParameterInvalid
from app.settings import settings
from app.storage import storage
from worker import weights
from worker.hub import Hub, HubFile, downloaded


@click.group()
def model() -> None:
    """Models: add, list."""


@model.command("add")
@click.argument("card")
@click.option(
    "--weights",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the weights: .pth, .ckpt or .safetensors.",
)
@click.option("--from", "name", help="Hub repository OWNER/NAME[@REVISION]. [default: the one the card states]")
@click.option("--file", "file_on_hub", help="File in that repository. [default: the one the card states]")
@click.option("--sha256", help="Of the file; any other is refused.")
def model_add(card: str, file: Path | None, name: str | None, file_on_hub: str | None, sha256: str | None) -> None:
    """Complete CARD (the id of a shipped card, or a JSON file) with weights, checked tensor by tensor.

    The weights come from a file, or from the hub at COSIA_HUB_URL.
    """
    if file is not None and (name or file_on_hub):
        raise click.UsageError("give --weights for a file that is here, or --from for one on the hub, not both")
    if sha256 is not None and not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise click.UsageError("--sha256 must be 64 hexadecimal digits, in small letters")
    definition = weights.read_card(card)
    if file is not None:
        weights.require_sha256(file, sha256, "--sha256")
        installed = weights.install(definition, file)
    else:
        installed = _fetched(definition, _wanted(definition, name, file_on_hub), sha256)
    migrate(sessions().engine)
    with sessions().write() as session:
        models.add_model(session, storage(), installed.card, installed.content, installed.sha256)
    origin = installed.card.origin
    if origin is not None:
        place = f" of {origin.repository}@{origin.revision or 'unknown'}" if origin.repository else ""
        click.echo(f"made from {origin.file}{place}, sha256 {origin.sha256}")
    if installed.left_out:
        listed = ", ".join(f"{part} ({number})" for part, number in sorted(installed.left_out.items()))
        click.echo(f"tensors beside the network, left out: {listed}")
    click.echo(f"model {installed.card.id} is ready; sha256 {installed.sha256}")


def _wanted(card: ModelCard, name: str | None, file: str | None) -> HubFile:
    """The file of a hub that a call names, with what the card states where it is silent. Raises ParameterInvalid."""
    stated = card.published
    repository, _, revision = name.partition("@") if name is not None else ("", "", "")
    if name is None and stated is not None:
        repository, revision = stated.repository, stated.revision
    elif name is None:
        raise ParameterInvalid(
            f"model card {card.id} states no hub repository: give --weights FILE, or --from OWNER/NAME --file FILE",
            "from",
        )
    if file is None and stated is None:
        raise ParameterInvalid(f"model card {card.id} states no file of a repository: give --file", "file")
    named = file if file is not None else stated.file if stated else ""
    for value, form, what in (
        (repository, REPOSITORY, "a repository: expected OWNER/NAME[@REVISION]"),
        (revision or "main", REVISION, "a revision: expected a branch, a tag or a commit"),
        (named, FILE, "a file: expected its path in the repository"),
    ):
        if not re.fullmatch(form, value):
            raise ParameterInvalid(f"{value!r} is no name of {what}", "file" if form == FILE else "from")
    return HubFile(repository, revision or "main", named)


def _fetched(card: ModelCard, wanted: HubFile, sha256: str | None) -> weights.Installed:
    config = settings()
    token = config.hub_token.get_secret_value() if config.hub_token else None
    published = card.published
    pinned = published.sha256 if published and wanted[:2] == (published.repository, published.revision) else None
    folder = config.local_folder / "downloads"
    with tqdm(desc=wanted.file, unit="B", unit_scale=True, unit_divisor=1000) as bar:

        def show(arrived: int, size: int | None) -> None:
            bar.total = size
            bar.update(arrived - bar.n)

        with downloaded(Hub(config.hub_url, token), wanted, folder, show, sha256 or pinned) as (path, origin):
            return weights.install(card, path, origin)


@model.command("list")
def model_list() -> None:
    """List the model cards, those that can predict first, with the figure that each one states."""
    migrate(sessions().engine)
    with sessions().read() as session:
        trained = models.trained_models(session, storage())
    cards = shipped_model_cards() | {name: each.card for name, each in trained.items()}
    for name, card in sorted(cards.items(), key=lambda item: (item[0] not in trained, item[0])):
        state = "ready" if name in trained else "without weights: cosia model add"
        click.echo(f"{name}\t{','.join(card.bands)}\t{state}\t{_figure(card)}\t{card.title}")


def _figure(card: ModelCard) -> str:
    """Mean IoU on the first test set of the card that has one. Test sets differ: cards say which."""
    figure = next((score.mean_iou for score in card.scores if score.mean_iou is not None), None)
    return "mIoU unknown" if figure is None else f"mIoU {figure:.1%}"
