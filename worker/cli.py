"""Commands that need torch; `app.cli` finds them through the entry points `cosia.commands`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import click
import torch
from tqdm import tqdm

from app import models
from app.broker_policy import require_no_eviction
from app.database import sessions
from app.database.migrate import migrate, require_head
from app.definitions import ModelCard, nomenclature, shipped_model_cards
from app.errors import Unavailable
from app.imagery.sources import all_files, find
from app.logs import configure_logs
from app.settings import settings
from app.storage import storage
from worker import weights
from worker.evaluation import table
from worker.pipeline import predictor, select_device
from worker.source_map import write_source_map
from worker.training.run import Recipe, evaluate_scenes, export
from worker.training.run import train as run_training
from worker.training.scenes import HELD_OUT_SEEDS


@click.command()
@click.option("--source", "source_id", required=True, help="Imagery source, as `cosia imagery list` names it.")
@click.option("--model", "model_id", default="cosia-demo", show_default=True, help="Model, as `cosia model list`.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="GeoTIFF to write.")
def predict(source_id: str, model_id: str, out: Path) -> None:
    """Predict all of an imagery source, here and now, into one cloud-optimised GeoTIFF."""
    migrate(sessions().engine)
    with sessions().read() as session:
        source = find(session, source_id)
        files = all_files(session, source_id)
        found = models.find_model(session, storage(), model_id)
    with tqdm(total=100, unit="%", desc=source.title) as bar:

        def show(done: float) -> None:
            bar.update(round(done * 100) - bar.n)

        write_source_map(out, source, files, predictor(found.card, found.weights), show)
    click.echo(f"{out} holds the classes, {out.name}.aux.xml their names")


@click.command()
@click.option("--model", "model_id", default="cosia-demo", show_default=True, help="Model to evaluate.")
@click.option("--scenes", default=40, show_default=True, help="Number of held-out scenes.")
@click.option("--scene-px", default=Recipe.scene_px, show_default=True, help="Side of a scene, pixels.")
def evaluate(model_id: str, scenes: int, scene_px: int) -> None:
    """Figures of a model on scenes of the demonstration generator that no training has seen."""
    migrate(sessions().engine)
    with sessions().read() as session:
        found = models.find_model(session, storage(), model_id)
    with found.weights() as file:
        network = weights.network_of(found.card, file)
    device = select_device(settings().device)
    with click.progressbar(HELD_OUT_SEEDS[:scenes], label="held-out scenes") as seeds:
        matrix, result = evaluate_scenes(found.card, network, seeds, scene_px, device)
    click.echo(table(matrix, result, _names(found.card)))


def _names(card: ModelCard) -> dict[int, str]:
    return {each.value: each.title_en for each in nomenclature(card.nomenclature).classes}


@click.command()
@click.argument("card")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the results.")
@click.option("--minutes", default=Recipe.minutes, show_default=True, help="Time of training, all runs together.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in the folder.")
@click.option("--batch", default=Recipe.batch, show_default=True, help="Crops per step.")
@click.option("--crop-px", default=Recipe.crop_px, show_default=True, help="Side of a crop, pixels.")
@click.option("--pool", default=Recipe.pool, show_default=True, help="Scenes kept in memory (6 MB each).")
@click.option("--peak-rate", default=Recipe.peak_rate, show_default=True, help="Highest learning rate.")
@click.option("--seed", default=Recipe.seed, show_default=True, help="Seed of weights and samples.")
@click.option("--bf16/--fp32", default=False, help="Forward pass in bfloat16, for processors that have it.")
@click.option("--replicas", default=Recipe.replicas, show_default=True, help="Parts of a batch learnt in parallel.")
@click.option("--threads", type=int, help="Threads of torch for each replica. [default: cores / replicas]")
@click.option("--held-out", default=40, show_default=True, help="Held-out scenes for the figures in the card.")
def train(
    card: str,
    out: Path,
    minutes: float,
    resume: bool,
    batch: int,
    crop_px: int,
    pool: int,
    peak_rate: float,
    seed: int,
    bf16: bool,
    replicas: int,
    threads: int | None,
    held_out: int,
) -> None:
    """Train the network of CARD (id or JSON file) on scenes of the demonstration generator.

    Writes weights and a completed card with figures on held-out scenes into the folder.
    """
    recipe = Recipe(
        minutes=minutes,
        batch=batch,
        crop_px=crop_px,
        pool=pool,
        peak_rate=peak_rate,
        seed=seed,
        bf16=bf16,
        replicas=replicas,
    )
    torch.set_num_threads(threads or max(1, torch.get_num_threads() // replicas))
    definition = weights.read_card(card)
    trainer = run_training(definition, out, recipe, resume, select_device(settings().device))
    completed, matrix, result = export(trainer, recipe, out, held_out)
    click.echo(table(matrix, result, _names(completed)))
    click.echo(f"card and weights are in {out}: {completed.id}.json, {completed.weights}")


@click.command()
@click.option("--queues", default="gpu,cpu", show_default=True, help="Queues to take from: gpu predicts, cpu finishes.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="Device of the networks. [COSIA_DEVICE]")
def worker(queues: str, device: str | None) -> None:
    """Predict blocks and finish jobs until told to stop; one per GPU, on any number of hosts."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until Celery listens: nothing is in hand yet
    if device is not None:
        os.environ["COSIA_DEVICE"] = device
        settings.cache_clear()
    from worker import tasks  # connects to the broker's settings on import

    configure_logs(settings().log_level)
    require_no_eviction(settings())
    try:
        require_head(sessions().engine)
    except Unavailable as error:
        click.echo(error.message, err=True)  # no reason to stay down: bells wait until the database is back
    tasks.presence.queues = tuple(name.strip() for name in queues.split(","))
    # Celery talks to people on standard output; the log, one JSON object a line, is on standard error.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    # Threads: a prefork child cannot use CUDA, and the solo pool is deaf while it works.
    tasks.application.Worker(
        pool="threads",
        concurrency=1,
        queues=tasks.presence.queues,
        loglevel=settings().log_level,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    ).start()


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
