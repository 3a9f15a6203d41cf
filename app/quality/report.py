"""The report of an evaluation: exact counts of pixels and the figures that follow from them.

Fractions are 0-1 and None where nothing defines them (a class that never occurs has no recall). Its JSON Schema stands
in the OpenAPI document and beside every report that `cosia evaluate --out` writes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Fraction = float | None
"""0-1; None where its denominator is 0."""


Rule = Literal["absent-as-zero", "occurring", "twelve-classes"]
"""How a mean over classes is made."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Subject(_Part):
    """What was evaluated."""

    kind: Literal["layer", "job", "model"]
    id: str
    title: str
    version: str | None = Field(description="Content of the layer, or sha256 of the model's weights.")
    model: str | None = Field(description="Id of the model card that predicted the classes, where it is known.")
    nomenclature: str


class Reference(_Part):
    """What it was held against."""

    name: str = Field(description="File name, or a sentence about patches or scenes.")
    sha256: str | None = Field(description="Of the reference file.")
    coding: str | None = Field(description="What the numbers in the reference meant.")


class Label(_Part):
    """A row and column of the confusion matrix. Value 0 is no data; None is a class outside the nomenclature."""

    value: int | None
    code: str
    title_fr: str
    title_en: str
    colour: str
    evaluated: bool = Field(description="Whether its pixels enter the figures.")


class ClassFigures(_Part):
    """Figures of one evaluated class, over pixels whose reference and prediction are evaluated classes."""

    value: int
    reference_pixels: int
    predicted_pixels: int
    hits: int
    precision: Fraction
    recall: Fraction
    iou: Fraction
    f1: Fraction
    area_ratio: float | None = Field(description="Area bias: predicted / reference pixels; 1 is none.")


class Mean(_Part):
    """A mean over classes, with the rule that made it."""

    rule: Rule
    words: str
    classes: int = Field(description="Over how many classes the mean is taken.")
    mean_iou: Fraction
    overall_accuracy: Fraction


class Zone(_Part):
    """Figures of a part of the pixels. mean_iou: over the classes that occur in it."""

    pixels: int
    errors: int
    overall_accuracy: Fraction
    mean_iou: Fraction
    iou: dict[int, Fraction] = Field(description="By class value.")


class Borders(_Part):
    """Boundary bias: pixels near edges between classes of the reference, apart from all others."""

    within_px: int
    rule: str
    near: Zone
    inside: Zone
    share_of_errors_near: Fraction
    share_of_pixels_near: Fraction


class ConfidenceBin(_Part):
    """Pixels whose confidence lies in one interval."""

    above: float
    up_to: float
    pixels: int
    confidence: Fraction = Field(description="Mean confidence.")
    accuracy: Fraction = Field(description="Share of them that is right.")


class Calibration(_Part):
    """Whether confidence is the chance of being right."""

    rule: str
    expected_calibration_error: Fraction
    bins: tuple[ConfidenceBin, ...]


class QualityReport(_Part):
    """All of an evaluation."""

    format: Literal[1] = 1
    made_at: datetime
    subject: Subject
    reference: Reference
    pixel_m2: float | None = Field(description="Area of a pixel.")
    compared_pixels: int = Field(description="Reference and prediction are evaluated classes: these make the figures.")
    left_out_pixels: int = Field(description="Reference or prediction is a class that is not evaluated.")
    unpredicted_pixels: int = Field(description="There is a reference and no prediction.")
    labels: tuple[Label, ...]
    confusion_matrix: tuple[tuple[int, ...], ...] = Field(
        description="Pixels; a row is a class of the reference, a column a predicted one, both in the order of labels."
    )
    overall_accuracy: Fraction
    kappa: float | None = Field(description="Cohen's kappa.")
    classes: tuple[ClassFigures, ...]
    means: tuple[Mean, ...]
    borders: Borders
    calibration: Calibration | None

    @property
    def headline(self) -> dict[str, Any]:
        """What is told wherever the subject is shown."""
        mean = self.means[0]
        return {
            "overall_accuracy": self.overall_accuracy,
            "mean_iou": mean.mean_iou,
            "mean_rule": mean.words,
            "kappa": self.kappa,
            "compared_pixels": self.compared_pixels,
            "reference": self.reference.name,
            "made_at": self.made_at.isoformat(timespec="seconds"),
        }
