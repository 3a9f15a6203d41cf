"""`cosia evaluate`."""

from __future__ import annotations

import click

from app import models
from app.database import sessions
from app.database.migrate import migrate
from app.definitions import ModelCard, nomenclature
from app.settings import settings
from app.storage import storage
from worker import weights
from worker.devices import select_device
from worker.evaluation import table
from worker.training.run import Recipe, evaluate_scenes
from worker.training.scenes import HELD_OUT_SEEDS


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
    click.echo(table(matrix, result, class_names(found.card)))


def class_names(card: ModelCard) -> dict[int, str]:
    """Class value -> English title, for tables."""
    return {each.value: each.title_en for each in nomenclature(card.nomenclature).classes}
