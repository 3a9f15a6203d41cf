"""From counts to the report."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from app.definitions import Language, Nomenclature
from app.quality.report import Borders, Label, QualityReport, Reference, Subject, Zone
from app.quality.wording import wording
from worker.evaluation.calibration import calibration
from worker.evaluation.counts import Counts, Scheme
from worker.evaluation.measures import Agreement, class_figures, mean_of_known, means, reduced, share

_GREY = "#808080"


def report(
    scheme: Scheme,
    counts: Counts,
    nomenclature: Nomenclature,
    subject: Subject,
    reference: Reference,
    pixel_m2: float | None,
) -> QualityReport:
    """All figures of what was counted."""
    matrix = counts.matrix
    agreement = Agreement.of(reduced(matrix, scheme.values))
    unpredicted = int(matrix[:, 0].sum())
    return QualityReport(
        made_at=datetime.now(UTC),
        subject=subject,
        reference=reference,
        pixel_m2=pixel_m2,
        compared_pixels=agreement.pixels,
        left_out_pixels=int(matrix.sum()) - unpredicted - agreement.pixels,
        unpredicted_pixels=unpredicted,
        labels=_labels(scheme, nomenclature),
        confusion_matrix=tuple(map(tuple, matrix.tolist())),
        overall_accuracy=agreement.overall_accuracy,
        kappa=agreement.kappa,
        classes=class_figures(matrix, scheme.values),
        means=means(matrix, scheme.values, nomenclature),
        borders=_borders(scheme, counts),
        calibration=calibration(counts.confidence),
    )


def _labels(scheme: Scheme, nomenclature: Nomenclature) -> tuple[Label, ...]:
    nothing = Label(value=0, code="nodata", title_fr="Sans donnée", title_en="no data", colour=_GREY, evaluated=False)
    other = Label(
        value=None,
        code="other",
        title_fr="Hors nomenclature",
        title_en="outside the nomenclature",
        colour=_GREY,
        evaluated=False,
    )
    labels = [nothing]
    for value in range(1, scheme.largest + 1):
        known = nomenclature.by_value.get(value)
        labels.append(
            other
            if known is None
            else Label(
                value=value,
                code=known.code,
                title_fr=known.title_fr,
                title_en=known.title_en,
                colour=known.colour,
                evaluated=value in scheme.values,
            )
        )
    return (*labels, other)


def _borders(scheme: Scheme, counts: Counts) -> Borders:
    near, inside = _zone(counts.near, scheme.values), _zone(counts.inside, scheme.values)
    return Borders(
        within_px=scheme.border_px,
        rule=wording(Language.ENGLISH).edges_rule.format(within=scheme.border_px),
        near=near,
        inside=inside,
        share_of_errors_near=share(near.errors, near.errors + inside.errors),
        share_of_pixels_near=share(near.pixels, near.pixels + inside.pixels),
    )


def _zone(matrix: np.ndarray, values: tuple[int, ...]) -> Zone:
    agreement = Agreement.of(reduced(matrix, values))
    iou = dict(zip(values, agreement.iou, strict=True))
    return Zone(
        pixels=agreement.pixels,
        errors=agreement.pixels - int(agreement.hits.sum()),
        overall_accuracy=agreement.overall_accuracy,
        mean_iou=mean_of_known(list(iou.values())),
        iou=iou,
    )
