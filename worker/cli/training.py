"""`cosia train`."""

from __future__ import annotations

from pathlib import Path

import click
import torch

from app.settings import settings
from worker import weights
from worker.cli.evaluation import class_names
from worker.devices import select_device
from worker.evaluation import table
from worker.training.run import Recipe, export
from worker.training.run import train as run_training


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
    click.echo(table(matrix, result, class_names(completed)))
    click.echo(f"card and weights are in {out}: {completed.id}.json, {completed.weights}")
