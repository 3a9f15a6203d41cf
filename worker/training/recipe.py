"""What decides a training besides the card and its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Variation(StrEnum):
    """How crops are varied before a network learns from them."""

    NONE = "none"
    SYMMETRIES = "symmetries"
    """One of the eight symmetries of the square: what IGN's flips and quarter turns add up to."""
    SENSORS = "sensors"
    """Symmetries, and other light, sharpness, noise and heights."""


@dataclass(frozen=True)
class Recipe:
    """The learning rate falls to its end over `steps`, where they are given, else over `minutes`; a resumed training
    has spent some of them already.

    class_weights: class value -> how much it counts in place of its automatic weight, where any is given 1 for all
    others; 0: nothing is learnt from its pixels. scene_px, pool, validation_scenes: of scenes
    only. variation: of patches only.
    """

    minutes: float = 60.0
    steps: int | None = None
    batch: int = 8
    crop_px: int = 384
    peak_rate: float = 2e-3
    seed: int = 0
    bf16: bool = False
    replicas: int = 1
    class_weights: Mapping[int, float] = field(default_factory=dict)
    validation_s: float = 600.0
    scene_px: int = 1024
    pool: int = 200
    validation_scenes: int = 8
    variation: Variation = Variation.SYMMETRIES

    def share(self, step: int, elapsed_s: float) -> float:
        """How much of the training is done after so many steps and seconds; 1 or more: all of it."""
        return elapsed_s / (60 * self.minutes) if self.steps is None else step / self.steps

    def command(self, card_id: str, codes: Mapping[int, str]) -> str:
        """What to type for a training like this, besides its folders. codes: class value -> code of the class."""
        chosen: dict[str, object] = {
            "minutes" if self.steps is None else "steps": self.minutes if self.steps is None else self.steps,
            "batch": self.batch,
            "crop-px": self.crop_px,
            "peak-rate": f"{self.peak_rate:g}",
            "seed": self.seed,
            "pool": self.pool,
            "variation": self.variation,
        }
        words = ["cosia train", card_id, *(f"--{name} {value}" for name, value in chosen.items())]
        words += [f"--class-weight {codes[value]}={weight:g}" for value, weight in self.class_weights.items()]
        return " ".join([*words, *(["--bf16"] if self.bf16 else [])])

    def told(self, crops: str) -> str:
        """All of it in words. crops: where they come from."""
        if self.class_weights:
            given = ", ".join(f"{value}: {weight:g}" for value, weight in sorted(self.class_weights.items()))
            weights = f"with class weights {given} (all others 1)"
        else:
            weights = "weighted by the inverse fourth root of class frequency and by recent misses"
        return (
            f"{self.batch} crops of {self.crop_px} px per step from {crops}, Muon and AdamW with peak "
            f"rate {self.peak_rate:g} and a cosine down to 1 %, cross entropy {weights} plus half a Dice loss, "
            f"averaged weights, {'bfloat16' if self.bf16 else 'float32'} forward pass, seed {self.seed}"
        )
