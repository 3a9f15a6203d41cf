"""`cosia predict`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from tqdm import tqdm

from app import models
from app.database import sessions
from app.database.migrate import migrate
from app.definitions import Augmentation, require_extra_inputs
from app.errors import ParameterInvalid
from app.imagery import series_images
from app.imagery.sources import all_files, find
from app.storage import storage
from worker.pipeline import predictor
from worker.source_map import Lonlat, write_source_map


@click.command()
@click.option("--source", "source_id", required=True, help="Imagery source, as `cosia imagery list` names it.")
@click.option("--model", "model_id", default="cosia-demo", show_default=True, help="Model, as `cosia model list`.")
@click.option("--ensemble", multiple=True, metavar="MODEL", help="A further model to predict with it; repeatable.")
@click.option(
    "--augmentation",
    type=click.Choice([str(each) for each in Augmentation]),
    default=str(Augmentation.NONE),
    show_default=True,
    help="How each model looks at the imagery: once, mirrored too (4 times), or all eight ways.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="GeoTIFF to write.")
@click.option("--bbox", type=float, nargs=4, metavar="WEST SOUTH EAST NORTH", help="A part of the source, degrees.")
def predict(
    source_id: str,
    model_id: str,
    ensemble: Sequence[str],
    augmentation: str,
    out: Path,
    bbox: Lonlat | None,
) -> None:
    """Predict an imagery source, here and now, into one cloud-optimised GeoTIFF: all of it, or a part.

    A map server is asked as workers ask it: as fast as its definition allows, again where it is away for a while, and
    once for what the cache still has.
    """
    if bbox is not None:
        _require_degrees(bbox)
    migrate(sessions().engine)
    with sessions().read() as session:
        source = find(session, source_id)
        files, images = all_files(session, source_id), series_images(session, source_id)
        model = models.find_model(session, storage(), model_id)
        members = models.members_of(models.trained_models(session, storage()), model, list(ensemble))
    # In the order of blocks: a sum of floats depends on it.
    together = [(each.card, each.weights) for each in sorted(members, key=lambda each: each.card.id)]
    for each in members:
        require_extra_inputs(each.card, source.extra_inputs, f"imagery source {source.id!r}")
    with tqdm(total=100, unit="%", desc=source.title) as bar:

        def show(done: float) -> None:
            bar.update(round(done * 100) - bar.n)

        networks = predictor(together, Augmentation(augmentation))
        write_source_map(out, source, files, images, networks, show, bar.write, bbox)
    click.echo(f"{out} holds the classes, {out.name}.aux.xml their names")


def _require_degrees(bbox: Lonlat) -> None:
    west, south, east, north = bbox
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise ParameterInvalid(
            "--bbox is west, south, east and north in degrees, such as 2.33 48.85 2.35 48.86", "bbox"
        )
