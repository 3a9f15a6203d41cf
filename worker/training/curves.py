"""The learning curves of a training as a page: what its log says, drawn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from app.definitions import Language
from app.quality.elements import document, figure, table
from app.quality.plots import Line, curves

_SHOWN_ROWS = 20


def write_curves(log: Path, path: Path, title: str) -> None:
    """Write the page of a log (JSON lines with `step` and `loss` or `mean_iou`); a resumed training goes on in it."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    losses = _points(lines, "loss")
    sections = [f"<h1>Training of {escape(title)}</h1>"]
    if losses:
        (first_step, first), (last_step, last) = losses[0], losses[-1]
        words = f"From {first:.3f} at step {first_step:.0f} to {last:.3f} at step {last_step:.0f}."
        drawn = curves("Loss", words, [Line("loss", losses)], ("step", "loss"), Language.ENGLISH)
        sections += ["<h2>Loss on training crops</h2>", figure(drawn)]
    means, accuracies = _points(lines, "mean_iou"), _points(lines, "overall_accuracy")
    if means and accuracies:
        words = f"Mean IoU {means[-1][1]:.4f} and overall accuracy {accuracies[-1][1]:.4f} at the last validation."
        shown = [Line("mean IoU", means), Line("overall accuracy", accuracies)]
        drawn = curves("Validation", words, shown, ("step", "share"), Language.ENGLISH)
        rows = [
            (f"{step:.0f}", f"{mean:.4f}", f"{accuracy:.4f}")
            for (step, mean), (_, accuracy) in list(zip(means, accuracies, strict=True))[-_SHOWN_ROWS:]
        ]
        head = ("Step", "Mean IoU", "Overall accuracy")
        sections += ["<h2>Validation</h2>", figure(drawn), table("Last validations", head, rows)]
    page = document(f"Training of {title}", sections, Language.ENGLISH)
    path.write_text(page, encoding="utf-8")


def _points(lines: Sequence[dict[str, Any]], name: str) -> list[tuple[float, float]]:
    return [(float(line["step"]), float(line[name])) for line in lines if line.get(name) is not None]
