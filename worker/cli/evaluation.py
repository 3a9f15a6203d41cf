"""`cosia evaluate`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import click
from tqdm import tqdm

from app import models
from app.aoi import Aoi
from app.catalogue import Catalogue
from app.database import sessions
from app.database.migrate import migrate
from app.definitions import Language
from app.definitions.coding import Coding
from app.errors import ParameterInvalid
from app.models import TrainedModel
from app.quality import QualityReport, publish_report
from app.settings import settings
from app.storage import storage
from worker import weights
from worker.cli.reports import write_report
from worker.devices import select_device
from worker.evaluation import (
    MapAgreement,
    ReferenceRaster,
    Scheme,
    evaluate_flair,
    evaluate_map,
    evaluate_scenes,
    evaluated_values,
    job_map,
    layer_subject,
    table,
)
from worker.evaluation.models import BORDER_PX
from worker.flair import Split, find_patches, of_split
from worker.flair_extras import FlairExtras
from worker.training.recipe import Recipe
from worker.training.scenes import HELD_OUT_SEEDS

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.option("--layer", "layer_id", help="Published layer to hold against a reference.")
@click.option("--job", "job_id", help="Successful job to hold against a reference.")
@click.option("--reference", type=_FILE, help="GeoTIFF of classes, a byte a pixel, on any square pixels.")
@click.option(
    "--coding",
    type=click.Choice([coding.value for coding in Coding]),
    default=Coding.VALUES.value,
    show_default=True,
    help="What the numbers in the reference mean.",
)
@click.option("--publish", is_flag=True, help="Show the figures with the layer.")
@click.option("--model", "model_id", help="Model to evaluate on patches or scenes. [default: cosia-demo]")
@click.option("--flair", type=_FOLDER, help="Folder of IMG_ and MSK_ patches for the model; else scenes.")
@click.option(
    "--split",
    type=click.Choice([split.value for split in Split]),
    default=Split.ALL.value,
    show_default=True,
    help="Part of a FLAIR folder, by the published split of départements.",
)
@click.option("--scenes", type=click.IntRange(1, len(HELD_OUT_SEEDS)), default=40, show_default=True)
@click.option("--scene-px", default=Recipe.scene_px, show_default=True, help="Side of a scene, pixels.")
@click.option(
    "--border-px",
    type=click.IntRange(1, 50),
    default=BORDER_PX,
    show_default=True,
    help="How far from an edge between classes a pixel is told of apart.",
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for report.json and report.html.")
@click.option(
    "--language",
    type=click.Choice([language.value for language in Language]),
    default=Language.ENGLISH.value,
    show_default=True,
    help="Of report.html.",
)
def evaluate(
    layer_id: str | None,
    job_id: str | None,
    reference: Path | None,
    coding: str,
    publish: bool,
    model_id: str | None,
    flair: Path | None,
    split: str,
    scenes: int,
    scene_px: int,
    border_px: int,
    out: Path | None,
    language: str,
) -> None:
    """Figures of a layer or a job against a reference raster, or of a model on FLAIR patches or held-out scenes.

    Without --layer and --job a model is evaluated: over a FLAIR folder, or on scenes of the demonstration generator
    that no training has seen.
    """
    asked = [name for name, value in (("layer", layer_id), ("job", job_id), ("model", model_id)) if value]
    if len(asked) > 1:
        raise ParameterInvalid(f"--{asked[0]} and --{asked[1]} do not go together: one thing is evaluated at a time")
    is_map = bool(layer_id or job_id)
    if is_map != (reference is not None):
        raise ParameterInvalid("--reference FILE goes with --layer or --job, and they need one", "reference")
    if flair is not None and is_map:
        raise ParameterInvalid("--flair evaluates a model: leave --layer and --job out", "flair")
    if publish and not layer_id:
        raise ParameterInvalid("--publish shows figures with a layer: give --layer and --reference", "publish")
    migrate(sessions().engine)
    if reference is not None:
        report = _of_map(layer_id, job_id, reference, Coding(coding), border_px)
    elif flair is not None:
        report = _of_patches(_model(model_id), flair, Split(split), border_px)
    else:
        report = _of_scenes(_model(model_id), scenes, scene_px, border_px)
    click.echo(table(report))
    if out is not None:
        write_report(report, out, Language(language))
        click.echo(f"{out / 'report.html'} and {out / 'report.json'} are written")
    if publish:
        publish_report(sessions(), report)
        click.echo(f"the figures are shown with layer {layer_id}")


def _of_map(layer_id: str | None, job_id: str | None, reference: Path, coding: Coding, border_px: int) -> QualityReport:
    with sessions().read() as session:
        if layer_id is not None:
            catalogue = Catalogue(sessions(), storage(), refresh_s=0)
            catalogue.refresh()
            layer = catalogue.layer(layer_id)
            subject = layer_subject(layer)
        else:
            layer, subject = job_map(session, storage(), str(job_id))
        values = evaluated_values(session, storage(), layer.model, layer.nomenclature)
    raster = ReferenceRaster(reference, coding, layer.nomenclature)
    scheme = Scheme(values, max(layer.nomenclature.by_value), border_px)
    measurement = MapAgreement(layer, cast(Aoi, raster.outline), raster, scheme, subject)
    with tqdm(total=100, unit="%", desc=subject.title) as bar:
        return evaluate_map(measurement, settings().statistics_threads, lambda done: _show(bar, done))


def _of_patches(found: TrainedModel, folder: Path, split: Split, border_px: int) -> QualityReport:
    patches = of_split(find_patches(folder), split)
    described = f"{len(patches)} FLAIR patches of folder {folder.name}, split {split}"
    with found.weights() as file:
        network = weights.network_of(found.card, file)
    extras = FlairExtras(folder)
    shown: Iterable[Any] = tqdm(patches, desc="patches")
    return evaluate_flair(found.card, network, shown, described, select_device(settings().device), border_px, extras)


def _of_scenes(found: TrainedModel, scenes: int, scene_px: int, border_px: int) -> QualityReport:
    with found.weights() as file:
        network = weights.network_of(found.card, file)
    device = select_device(settings().device)
    return evaluate_scenes(found.card, network, HELD_OUT_SEEDS[:scenes], scene_px, device, border_px)


def _model(model_id: str | None) -> TrainedModel:
    with sessions().read() as session:
        return models.find_model(session, storage(), model_id or "cosia-demo")


def _show(bar: tqdm[Any], done: float) -> None:
    bar.update(round(done * 100) - bar.n)
