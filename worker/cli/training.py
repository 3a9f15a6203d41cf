"""`cosia train`."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import click
import torch

from app import models
from app.database import sessions
from app.database.migrate import migrate
from app.definitions import ModelCard, nomenclature, require_extra_inputs
from app.errors import ParameterInvalid
from app.settings import settings
from app.storage import storage
from worker import weights
from worker.cli.reports import write_report
from worker.devices import select_device
from worker.evaluation import table
from worker.flair import FlairPatch, Split, find_patches, of_domains
from worker.flair_extras import FlairExtras
from worker.memory import share_one_arena
from worker.training.recipe import Recipe, Variation
from worker.training.run import begin, export_of_patches, export_of_scenes, train_on_patches, train_on_scenes
from worker.training.scenes import HELD_OUT_SEEDS

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("card")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the results.")
@click.option("--id", "new_id", help="Id of the card that comes out. [default: that of CARD]")
@click.option("--flair", type=_FOLDER, help="Learn from the IMG_ and MSK_ patches of this folder, not from scenes.")
@click.option(
    "--validation",
    multiple=True,
    metavar="DOMAIN",
    help="Domain (D004_2021) kept for figures; repeatable. [default: the published split of FLAIR]",
)
@click.option("--from", "start", metavar="MODEL", help="Begin with the weights of a model here, or of a file.")
@click.option("--class-weight", multiple=True, metavar="CODE=NUMBER", help="As neige=0; others count 1. Repeatable.")
@click.option(
    "--variation",
    type=click.Choice([each.value for each in Variation]),
    default=Recipe.variation.value,
    show_default=True,
    help="How patches are varied; scenes always are in every way.",
)
@click.option("--minutes", default=Recipe.minutes, show_default=True, help="Time of training, all runs together.")
@click.option("--steps", type=click.IntRange(1), help="Steps of training in place of its time: the same everywhere.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in the folder.")
@click.option("--batch", default=Recipe.batch, show_default=True, help="Crops per step.")
@click.option("--crop-px", default=Recipe.crop_px, show_default=True, help="Side of a crop, pixels.")
@click.option("--pool", default=Recipe.pool, show_default=True, help="Scenes kept in memory (6 MB each).")
@click.option("--peak-rate", default=Recipe.peak_rate, show_default=True, help="Highest learning rate.")
@click.option("--seed", default=Recipe.seed, show_default=True, help="Seed of weights and samples.")
@click.option("--bf16/--fp32", default=False, help="Forward pass in bfloat16, for processors that have it.")
@click.option("--replicas", default=Recipe.replicas, show_default=True, help="Parts of a batch learnt in parallel.")
@click.option("--threads", type=int, help="Threads of torch for each replica. [default: cores / replicas]")
@click.option("--validate-every", default=10.0, show_default=True, help="Minutes between validations.")
@click.option(
    "--held-out",
    type=click.IntRange(1, len(HELD_OUT_SEEDS)),
    default=40,
    show_default=True,
    help="Held-out scenes for the figures in the card.",
)
def train(
    card: str,
    out: Path,
    new_id: str | None,
    flair: Path | None,
    validation: tuple[str, ...],
    start: str | None,
    class_weight: tuple[str, ...],
    variation: str,
    minutes: float,
    steps: int | None,
    resume: bool,
    batch: int,
    crop_px: int,
    pool: int,
    peak_rate: float,
    seed: int,
    bf16: bool,
    replicas: int,
    threads: int | None,
    validate_every: float,
    held_out: int,
) -> None:
    """Train the network of CARD (id or JSON file) on demonstration scenes, or on FLAIR patches.

    Writes weights, a completed card with figures on what was not learnt from, the report of these figures and the
    learning curves into the folder. `cosia model add CARD.json --weights FILE` makes the model ready.
    """
    share_one_arena()  # before there are threads
    definition = weights.read_card(card)
    if new_id is not None:
        definition = _renamed(definition, new_id)
    recipe = Recipe(
        minutes=minutes,
        steps=steps,
        batch=batch,
        crop_px=crop_px,
        peak_rate=peak_rate,
        seed=seed,
        bf16=bf16,
        replicas=replicas,
        class_weights=_class_weights(class_weight, definition),
        validation_s=60 * validate_every,
        pool=pool,
        variation=Variation(variation),
    )
    torch.set_num_threads(threads or max(1, torch.get_num_threads() // replicas))
    device = select_device(settings().device)
    if flair is None:
        require_extra_inputs(definition, (), "the scenes of the demonstration", "card")
    parts = None if flair is None else (*_parts(find_patches(flair), validation), FlairExtras(flair))
    with _weights(start) as file:
        trainer = begin(definition, out, recipe, device, resume=resume, start=file)
    if parts is None:
        train_on_scenes(trainer, out, recipe)
        completed, report = export_of_scenes(trainer, out, recipe, held_out)
    else:
        train_on_patches(trainer, out, recipe, *parts)
        completed, report = export_of_patches(trainer, out, recipe, *parts)
    write_report(report, out)
    click.echo(table(report))
    click.echo(f"card and weights are in {out}: {completed.id}.json, {completed.weights}; curves.html, report.html")


def _renamed(card: ModelCard, card_id: str) -> ModelCard:
    try:
        return ModelCard.model_validate(card.model_dump() | {"id": card_id})
    except ValueError as error:
        raise ParameterInvalid(
            f"{card_id!r} is no id of a card: allowed are small letters, digits, '.', '_' and '-', 64 at most", "id"
        ) from error


def _parts(patches: list[FlairPatch], validation: tuple[str, ...]) -> tuple[list[FlairPatch], list[FlairPatch]]:
    """Patches to learn from, and those to be scored on. Of the published split, test patches are neither."""
    if validation:
        kept = of_domains(patches, validation)
        learnt = [patch for patch in patches if patch.domain not in validation]
    else:
        kept = [patch for patch in patches if patch.split is Split.VAL]
        learnt = [patch for patch in patches if patch.split is Split.TRAIN]
        left_out = len(patches) - len(kept) - len(learnt)
        if left_out:
            click.echo(f"{left_out} patches of FLAIR's test domains are left alone", err=True)
    if not kept or not learnt:
        domains = ", ".join(sorted({patch.domain or "(none)" for patch in patches})[:8])
        raise ParameterInvalid(
            f"{len(learnt)} patches to learn from and {len(kept)} to be scored on: name domains for the latter with "
            f"--validation; there are {domains}",
            "validation",
        )
    return learnt, kept


def _class_weights(given: tuple[str, ...], card: ModelCard) -> dict[int, float]:
    """Class value -> weight. Raises ParameterInvalid for what is no class of the card, or no weight."""
    by_code = {each.code: each.value for each in nomenclature(card.nomenclature).classes if each.value in card.values}
    found = {}
    for each in given:
        code, _, number = each.partition("=")
        try:
            weight = float(number)
        except ValueError:
            weight = -1.0
        if code not in by_code or not 0 <= weight < float("inf"):
            raise ParameterInvalid(
                f"{each!r} is no class weight: expected CODE=NUMBER, the number 0 or more, as neige=0; codes are "
                f"{', '.join(by_code)}",
                "class-weight",
            )
        found[by_code[code]] = weight
    return found


def _weights(start: str | None) -> AbstractContextManager[Path | None]:
    """A context with the weights' file to begin with."""
    if start is None:
        return nullcontext(None)
    if Path(start).is_file():
        return nullcontext(Path(start))
    migrate(sessions().engine)
    with sessions().read() as session:
        return models.find_model(session, storage(), start).weights()
