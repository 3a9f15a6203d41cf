"""Figures that hang on a device, kept with their date: `benchmarks/results/`, one file per measurement and device."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch

from benchmarks.figures import Figure, table

_FOLDER = Path(__file__).parent / "results"


def name_of(device: torch.device) -> str:
    """What the device calls itself."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    named = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return f"{named[1] if named else platform.machine()}, {torch.get_num_threads()} threads"


def record(measurement: str, device: torch.device, figures: Sequence[Figure]) -> Path:
    """The file written; a new run on the same device replaces it."""
    name = name_of(device)
    path = _FOLDER / f"{measurement}-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.txt"
    _FOLDER.mkdir(exist_ok=True)
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    head = f"python -m benchmarks {measurement}: {when}; {name}; torch {torch.__version__}"
    path.write_text(f"{head}\n\n{table(figures)}\n", encoding="utf-8")
    return path
