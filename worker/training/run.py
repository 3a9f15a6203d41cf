"""A training from its start, or from a checkpoint, to shipped weights: on demonstration scenes, or on FLAIR patches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from app.definitions import ModelCard, nomenclature
from app.quality import QualityReport
from worker.evaluation import evaluate_flair, evaluate_scenes
from worker.flair import FlairPatch
from worker.flair_extras import FlairExtras
from worker.training.exports import export
from worker.training.loop import CHECKPOINT, learn
from worker.training.patches import PatchSampler
from worker.training.recipe import Recipe
from worker.training.samples import Sampler
from worker.training.scenes import FIRST_TRAINING_SEED, HELD_OUT_SEEDS, VALIDATION_SEEDS, scene_pool
from worker.training.trainer import Trainer

_REFRESH_STEPS = 6
_FIRST_SCENES = 16
_VALIDATION_PATCHES = 200
"""Of a validation on the way; the figures in the card are of all patches."""


def train_on_scenes(trainer: Trainer, folder: Path, recipe: Recipe) -> None:
    """Learn from scenes of the demonstration generator, replaced all the time, until the recipe is carried out."""
    seen_before = trainer.progress.scenes
    # A resumed training goes on with scenes it has not seen.
    first_seed = FIRST_TRAINING_SEED + seen_before
    with scene_pool(first_seed, recipe.scene_px, recipe.pool) as pool:
        first = min(_FIRST_SCENES, recipe.pool)
        for _ in tqdm(pool.wait_for(_FIRST_SCENES), total=first, desc="first scenes"):
            pass

        def renew() -> None:
            if len(pool.scenes) < recipe.pool or trainer.progress.step % _REFRESH_STEPS == 0:
                pool.refresh()
            trainer.progress.scenes = seen_before + pool.arrived

        sampler = Sampler(recipe.batch, recipe.crop_px, recipe.seed)
        validate = partial(
            evaluate_scenes,
            trainer.card,
            seeds=VALIDATION_SEEDS[: recipe.validation_scenes],
            scene_px=recipe.scene_px,
            device=trainer.device,
        )
        batches = sampler.batches(pool.scenes, trainer.progress.step)
        learn(trainer, recipe, folder, batches, validate, renew)


def export_of_scenes(trainer: Trainer, folder: Path, recipe: Recipe, held_out: int) -> tuple[ModelCard, QualityReport]:
    """Weights and card with figures on held-out scenes."""
    crops = f"a pool of {recipe.pool} scenes of {recipe.scene_px} px that are replaced all the time"
    told = (
        "on procedural scenes of the demonstration generator only, never on real imagery (seeds from "
        f"{FIRST_TRAINING_SEED}; {trainer.progress.scenes} scenes); {recipe.told(crops)}"
    )
    evaluate = partial(
        evaluate_scenes,
        seeds=HELD_OUT_SEEDS[:held_out],
        scene_px=recipe.scene_px,
        device=torch.device("cpu"),
    )
    return export(trainer, folder, recipe, told, evaluate)


def train_on_patches(
    trainer: Trainer,
    folder: Path,
    recipe: Recipe,
    learnt: Sequence[FlairPatch],
    validated: Sequence[FlairPatch],
    extras: FlairExtras | None = None,
) -> None:
    """Learn from FLAIR patches until the recipe is carried out; validated: those that are only looked at.

    extras: of the folder of all these patches; read where the network needs more than imagery.
    """
    sampler = PatchSampler(
        learnt,
        nomenclature(trainer.card.nomenclature),
        recipe.batch,
        recipe.crop_px,
        recipe.variation,
        recipe.seed,
        partial(extras.of, card=trainer.card) if extras is not None and trainer.card.extra_inputs else None,
    )
    places = np.random.default_rng(recipe.seed).permutation(len(validated))[:_VALIDATION_PATCHES]
    validate = partial(
        evaluate_flair,
        trainer.card,
        patches=[validated[place] for place in sorted(places)],
        described="validation on the way",
        device=trainer.device,
        extras=extras,
    )
    learn(trainer, recipe, folder, sampler.batches(trainer.progress.step), validate, lambda: None)


def export_of_patches(
    trainer: Trainer,
    folder: Path,
    recipe: Recipe,
    learnt: Sequence[FlairPatch],
    validated: Sequence[FlairPatch],
    extras: FlairExtras | None = None,
) -> tuple[ModelCard, QualityReport]:
    """Weights and card with figures on all validation patches."""
    crops = f"{len(learnt)} FLAIR patches, variation {recipe.variation}"
    told = f"on FLAIR patches of {_domains(learnt)}; {recipe.told(crops)}"
    evaluate = partial(
        evaluate_flair,
        patches=tqdm(validated, desc="validation patches"),
        described=f"{len(validated)} FLAIR patches of {_domains(validated)}, never trained on",
        device=trainer.device,
        extras=extras,
    )
    return export(trainer, folder, recipe, told, evaluate)


def _domains(patches: Sequence[FlairPatch]) -> str:
    names = sorted({patch.domain or "no domain" for patch in patches})
    return f"{len(names)} domains ({', '.join(names)})"


def begin(
    card: ModelCard, folder: Path, recipe: Recipe, device: torch.device, *, resume: bool, start: Path | None = None
) -> Trainer:
    """The trainer of a card at its start, or at the checkpoint in the folder.

    start: weights to begin with instead of random ones. Raises WeightsUnreadable if the checkpoint to resume from is
    missing or of another network, WeightsMismatch or WeightsUnreadable for weights that do not fit.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(
        card,
        recipe.peak_rate,
        recipe.seed,
        device,
        bf16=recipe.bf16,
        replicas=recipe.replicas,
        class_weights=recipe.class_weights,
    )
    if resume:
        trainer.resume(folder / CHECKPOINT)
    elif start is not None:
        trainer.start_from(start)
    return trainer
