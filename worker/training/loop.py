"""Steps, checkpoints, validations and the log of a training, whatever it learns from."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO

import numpy as np
from tqdm import tqdm

from app.quality import QualityReport
from worker.architectures.network import Network
from worker.memory import KeptMemory
from worker.training.curves import write_curves
from worker.training.recipe import Recipe
from worker.training.samples import Batch
from worker.training.trainer import Trainer

CHECKPOINT, LOG, CURVES = "checkpoint.pt", "log.jsonl", "curves.html"
_CHECKPOINT_S = 120.0
_LOG_STEPS = 50

Validate = Callable[[Network], QualityReport]


def learn(
    trainer: Trainer,
    recipe: Recipe,
    folder: Path,
    batches: Iterator[Batch],
    validate: Validate,
    after_step: Callable[[], None],
) -> None:
    """Learn from batches until the recipe is carried out.

    The folder gets `checkpoint.pt` every two minutes, a line of `log.jsonl` every 50 steps and after each validation,
    and `curves.html` with the last. validate: figures of the averaged network on what it never learns from, every
    `recipe.validation_s` and at the end. after_step: called after each step.
    """
    progress, before = trainer.progress, trainer.progress.elapsed_s
    with (
        (folder / LOG).open("a", encoding="utf-8") as log,
        tqdm(total=100, unit="%", desc="training") as bar,
        KeptMemory(idle_s=0) if trainer.device.type == "cpu" else nullcontext(),
    ):
        started = saved = validated = time.monotonic()
        losses: list[float] = []
        for batch in batches:
            share = recipe.share(progress.step, progress.elapsed_s)
            bar.update(min(100, int(share * 100)) - bar.n)
            if share >= 1:
                break
            losses.append(trainer.step(batch, share))
            after_step()
            now = time.monotonic()
            progress.elapsed_s = before + now - started
            if progress.step % _LOG_STEPS == 0:
                loss = float(np.mean(losses))
                losses.clear()
                bar.set_postfix(step=progress.step, loss=f"{loss:.3f}")
                _write(log, {**vars(progress), "loss": loss})
            if now - saved > _CHECKPOINT_S:
                trainer.save(folder / CHECKPOINT)
                saved = now
            if now - validated > recipe.validation_s:
                _write(log, _validated(trainer, validate))
                validated = time.monotonic()
        if losses:
            _write(log, {**vars(progress), "loss": float(np.mean(losses))})
        trainer.save(folder / CHECKPOINT)
        _write(log, _validated(trainer, validate))
    write_curves(folder / LOG, folder / CURVES, trainer.card.title)


def _validated(trainer: Trainer, validate: Validate) -> dict[str, object]:
    report = validate(trainer.averaged.network)
    return {
        **vars(trainer.progress),
        "mean_iou": report.means[0].mean_iou,
        "overall_accuracy": report.overall_accuracy,
        "iou": {each.value: each.iou for each in report.classes},
    }


def _write(log: IO[str], line: dict[str, object]) -> None:
    print(json.dumps(line), file=log, flush=True)
