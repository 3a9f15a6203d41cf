"""A training from start to shipped weights: scenes in, steps, checkpoints, figures on held-out scenes, model card."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from app.definitions import Augmentation, ModelCard, nomenclature
from app.definitions.model_card import Score
from app.demonstration.scene import compose
from worker.architectures.network import Network
from worker.evaluation import MEAN_RULE, Figures, confusion_matrix, figures
from worker.pipeline import Predictor
from worker.training.samples import Sampler
from worker.training.scenes import FIRST_TRAINING_SEED, HELD_OUT_SEEDS, VALIDATION_SEEDS, scene_pool
from worker.training.trainer import Trainer
from worker.weights import card_json, half_precision, network_of

_REFRESH_STEPS = 6
_FIRST_SCENES = 16
_CHECKPOINT_S = 120.0
_VALIDATION_S = 600.0
_VALIDATION_SCENES = 8


@dataclass(frozen=True)
class Recipe:
    """What decides a training besides the card. The learning rate falls to its end over `minutes`, of which a resumed
    training has spent some already."""

    minutes: float = 60.0
    batch: int = 8
    crop_px: int = 384
    scene_px: int = 1024
    pool: int = 200
    peak_rate: float = 2e-3
    seed: int = 0
    bf16: bool = False
    replicas: int = 1

    def __str__(self) -> str:
        return (
            f"{self.batch} crops of {self.crop_px} px per step from a pool of {self.pool} scenes of {self.scene_px} px "
            f"that are replaced all the time, AdamW with peak rate {self.peak_rate:g} and a cosine down to 1 %, "
            "cross entropy weighted by the inverse square root of class frequency plus half a Dice loss, "
            f"averaged weights, {'bfloat16' if self.bf16 else 'float32'} forward pass, seed {self.seed}"
        )


def train(card: ModelCard, folder: Path, recipe: Recipe, resume: bool, device: torch.device) -> Trainer:
    """Train a card's network until the recipe's time is spent.

    The folder gets `checkpoint.pt` every two minutes and a line of `log.jsonl` every 50 steps.
    Raises WeightsUnreadable if the checkpoint to resume from is missing or of another network.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint.pt"
    trainer = Trainer(card, recipe.peak_rate, recipe.seed, device, bf16=recipe.bf16, replicas=recipe.replicas)
    if resume:
        trainer.resume(checkpoint)
    before = trainer.progress.elapsed_s
    # A resumed training goes on with scenes it has not seen.
    first_seed = FIRST_TRAINING_SEED + trainer.progress.scenes
    with scene_pool(first_seed, recipe.scene_px, recipe.pool) as pool, (folder / "log.jsonl").open("a") as log:
        seen_before = trainer.progress.scenes
        for _ in tqdm(pool.wait_for(_FIRST_SCENES), total=min(_FIRST_SCENES, recipe.pool), desc="first scenes"):
            pass
        sampler = Sampler(recipe.batch, recipe.crop_px, recipe.seed)
        started = saved = validated = time.monotonic()
        losses: list[float] = []
        bar = tqdm(total=100, unit="%", desc="training")
        for batch in sampler.batches(pool.scenes, trainer.progress.step):
            share = trainer.progress.elapsed_s / (recipe.minutes * 60)
            bar.update(min(100, int(share * 100)) - bar.n)
            if share >= 1:
                break
            losses.append(trainer.step(batch, share))
            if len(pool.scenes) < recipe.pool or trainer.progress.step % _REFRESH_STEPS == 0:
                pool.refresh()
            now = time.monotonic()
            trainer.progress.elapsed_s = before + now - started
            trainer.progress.scenes = seen_before + pool.arrived
            if trainer.progress.step % 50 == 0:
                loss = float(np.mean(losses[-50:]))
                bar.set_postfix(step=trainer.progress.step, loss=f"{loss:.3f}")
                _write(log, {**vars(trainer.progress), "loss": loss, "pool": len(pool.scenes)})
            if now - saved > _CHECKPOINT_S:
                trainer.save(checkpoint)
                saved = now
            if now - validated > _VALIDATION_S:
                seeds = VALIDATION_SEEDS[:_VALIDATION_SCENES]
                _, result = evaluate_scenes(card, trainer.averaged.network, seeds, recipe.scene_px, device)
                _write(log, {**vars(trainer.progress), "mean_iou": result.mean_iou, "iou": result.iou})
                validated = now
        bar.close()
    trainer.save(checkpoint)
    return trainer


def _write(log: Iterable[str], line: dict[str, object]) -> None:
    print(json.dumps(line), file=log, flush=True)  # type: ignore[call-overload]


def evaluate_scenes(
    card: ModelCard, network: Network, seeds: Iterable[int], scene_px: int, device: torch.device
) -> tuple[np.ndarray, Figures]:
    """Confusion matrix and figures over scenes of these seeds, predicted as in production, margin left out."""
    values = sorted(value for value in card.values if value)
    largest = max(values)
    ready = Predictor([(card, network)], Augmentation.NONE, device)
    matrix = np.zeros((largest + 1, largest + 1), np.int64)
    inside = slice(card.margin_px, scene_px - card.margin_px)
    for seed in seeds:
        scene = compose(seed, scene_px)
        predicted = ready.predict(scene.imagery).classes
        matrix += confusion_matrix(scene.truth[inside, inside], predicted, largest)
    return matrix, figures(matrix, values)


def export(trainer: Trainer, recipe: Recipe, folder: Path, held_out: int) -> tuple[ModelCard, np.ndarray, Figures]:
    """Write the averaged weights (float16 safetensors) and their card, whose figures are those of the written file."""
    content = half_precision(trainer.averaged.network.state_dict())
    card = trainer.card.model_copy(
        update={"weights": f"{trainer.card.id}.safetensors", "sha256": hashlib.sha256(content).hexdigest()}
    )
    path = folder / f"{card.id}.safetensors"
    path.write_bytes(content)
    network = network_of(card, path)
    seeds = HELD_OUT_SEEDS[:held_out]
    shown = tqdm(seeds, desc="held-out scenes")
    matrix, result = evaluate_scenes(card, network, shown, recipe.scene_px, torch.device("cpu"))
    completed = card.model_copy(
        update={
            "training": _told(trainer, recipe),
            "scores": (_score(card, result, seeds, recipe.scene_px),),
            "french": None,  # it told of the training before
        }
    )
    (folder / f"{card.id}.json").write_bytes(card_json(completed))
    return completed, matrix, result


def _score(card: ModelCard, result: Figures, seeds: range, scene_px: int) -> Score:
    codes = {each.value: each.code for each in nomenclature(card.nomenclature).classes}
    return Score(
        test_set=f"{len(seeds)} procedural scenes of {scene_px} px, seeds {seeds.start}-{seeds.stop - 1}, "
        f"{result.pixels} pixels, never trained on; no real imagery",
        source="cosia train",
        rule=MEAN_RULE,
        overall_accuracy=round(result.overall_accuracy, 4),
        mean_iou=round(result.mean_iou, 4),
        iou={codes[value]: round(iou, 4) for value, iou in result.iou.items()},
    )


def _told(trainer: Trainer, recipe: Recipe) -> str:
    progress = trainer.progress
    return (
        f"Trained on {datetime.now(UTC):%Y-%m-%d} by `cosia train {trainer.card.id}` on procedural scenes of the "
        f"demonstration generator only (seeds from {FIRST_TRAINING_SEED}; {progress.scenes} scenes), never on real "
        f"imagery: {progress.step} steps in {progress.elapsed_s / 60:.0f} minutes; {recipe}."
    )
